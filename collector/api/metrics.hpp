#pragma once

#include <string>

#include "collector/gateway/figures.hpp"
#include "collector/store/queries.hpp"
#include "collector/writer/writer.hpp"

namespace kw::collector {

/// The collector's figures in Prometheus' text format 0.0.4.
std::string prometheus(const Writer::Figures& writer, const GatewayFigures& gateway,
                       const StoreFigures& store);

}  // namespace kw::collector
