#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/conditions.hpp"
#include "drivers/laser_printer/ipp/message.hpp"

namespace kw::drivers::ipp {

/// Values of printer-state (RFC 8011, section 5.4.11).
enum PrinterState : std::int32_t { state_idle = 3, state_processing = 4, state_stopped = 5 };

/// More than a real printer has of anything; a status carries 32 of each.
inline constexpr std::size_t most_items = 24;

/// The codes that are this driver's own.
std::span<const wire::ConditionRow> own_conditions();

/// What the printer says is wrong with it: printer-state-reasons (RFC 8011, section 5.4.12; PWG
/// 5100.9) as conditions.
///
/// The keyword decides how bad it is. Printers make the suffix from their state and not from what
/// is wrong (an idle one reports "media-jam-report"), so it may only make it worse.
class Reported {
 public:
  explicit Reported(const Message& printer);

  bool has(std::string_view code) const;
  /// Whether the keyword was among the reasons, whatever its suffix.
  bool says(std::string_view keyword) const;

  /// Names what a condition is about, if there is that condition.
  void detail(std::string_view code, const std::vector<std::string>& names);

  const std::vector<wire::Condition>& conditions() const { return list_; }

 private:
  void add(std::string_view reason, const Message& printer);
  wire::Condition& raise(std::string_view code, std::string_view keyword, std::string detail);
  void drop_lesser(std::string_view worse, std::string_view lesser);
  bool any_fault() const;

  std::vector<wire::Condition> list_;
  std::vector<std::string> keywords_;
};

}  // namespace kw::drivers::ipp
