#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/conditions.hpp"
#include "drivers/laser_printer/findings.hpp"
#include "drivers/laser_printer/ipp/message.hpp"

namespace kw::drivers::ipp {

/// Values of printer-state (RFC 8011, section 5.4.11).
enum PrinterState : std::int32_t { state_idle = 3, state_processing = 4, state_stopped = 5 };

/// A printer that answers, and only that it has no time.
inline constexpr wire::ConditionRow answers_nothing{
    "printer-too-busy",
    wire::Severity::warning,
    wire::Action::reset,
    {"打印机忙，暂不报告状态", "printer is too busy to tell its state"}};

/// The codes that are this driver's own.
std::span<const wire::ConditionRow> own_conditions();

/// What the printer says is wrong with it: printer-state-reasons (RFC 8011, section 5.4.12; PWG
/// 5100.9) as conditions.
///
/// The keyword decides how bad it is. Printers make the suffix from their state and not from what
/// is wrong (an idle one reports "media-jam-report"), so it may only make it worse.
class Reported : public laser::Findings {
 public:
  explicit Reported(const Message& printer);

  /// Whether the keyword was among the reasons, whatever its suffix.
  bool says(std::string_view keyword) const;

 private:
  void add(std::string_view reason, const Message& printer);

  std::vector<std::string> keywords_;
};

}  // namespace kw::drivers::ipp
