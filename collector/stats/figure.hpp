#pragma once

#include <string_view>

#include "common/i18n.hpp"

namespace kw::collector::stats {

/// A statistic as people are told of it: one figure, one file, one definition (口径).
struct Figure {
  std::string_view id;  ///< as in the API
  Text name;
  Text definition;         ///< what exactly is counted; shown with the figure
  std::string_view query;  ///< the verb of store/queries.hpp that answers it
};

}  // namespace kw::collector::stats
