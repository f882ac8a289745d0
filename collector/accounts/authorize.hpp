#pragma once

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace kw::collector {

/// Who asks. Until accounts come there are two: the collector itself, and whoever sits at its own
/// machine (the loopback address, the control socket).
struct Subject {
  enum class Kind : std::uint8_t { nobody, system, loopback_administrator };
  Kind kind = Kind::nobody;
  std::string from;  ///< network address or "host", for the audit

  std::string_view name() const;
};

/// The one decision whether `subject` may do `action` to `object`; denied unless said otherwise.
/// Actions are the audit's: "order.accept", "token.new", "read".
Result<void> authorize(const Subject& subject, std::string_view action, std::string_view object);

}  // namespace kw::collector
