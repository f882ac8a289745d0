#pragma once

#include <string>
#include <string_view>

#include "common/i18n.hpp"
#include "common/result.hpp"
#include "drivers/driver.hpp"

namespace kw::agent {

/// The self-test of every device whose card has none: one poll, judged.
inline constexpr std::string_view poll_test = "poll";

/// The test that `what` means for this card; empty means its only one. Errc::unsupported names the
/// known ones; so does Errc::invalid when there are several and none was named.
Result<std::string> choose_self_test(const drivers::Card& card, std::string_view what,
                                     std::string_view device, Lang lang);

/// What one poll tells as a self-test: passed when the device answered and has no fault. The detail
/// is "health=warning state=online reply_ms=12 conditions=media-low".
drivers::SelfTest as_self_test(const wire::Status& status, Duration took);

}  // namespace kw::agent
