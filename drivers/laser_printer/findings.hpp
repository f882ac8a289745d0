#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/conditions.hpp"

namespace kw::drivers::laser {

/// More than a real printer has of anything; a status carries 32 of each.
inline constexpr std::size_t most_items = 24;

/// Codes of every laser printer's driver beside the standard ones.
inline constexpr wire::ConditionRow printer_stopped{
    "printer-stopped",
    wire::Severity::fault,
    wire::Action::maintenance,
    {"打印机停止工作，未说明原因", "printer has stopped and does not say why"}};
inline constexpr wire::ConditionRow printer_other{
    "printer-other",
    wire::Severity::warning,
    wire::Action::maintenance,
    {"打印机报告其他状况", "printer reports something else"}};

/// The words that are not empty and not among those before, with commas; the first of them when they
/// are many.
std::string joined(const std::vector<std::string>& words);

/// What is wrong with a laser printer: each code once, whoever told of it.
class Findings {
 public:
  /// `own`: the driver's table beside the standard one.
  explicit Findings(std::span<const wire::ConditionRow> own) : own_(own) {}

  bool has(std::string_view code) const;

  /// Adds the condition, or what the printer calls it to one that is there already. `code` stands
  /// in one of the tables.
  wire::Condition& raise(std::string_view code, std::string_view vendor_code,
                         std::string detail = {});

  /// Names what a condition is about, if there is that condition.
  void detail(std::string_view code, const std::vector<std::string>& names);

  void drop(std::string_view code);

  /// Drops what is said by a greater one too: low where there is empty.
  void drop_lesser();

  bool any_fault() const;

  const std::vector<wire::Condition>& conditions() const { return list_; }

 protected:
  /// The table's row of a code, or nullptr.
  const wire::ConditionRow* row_of(std::string_view code) const;

 private:
  std::span<const wire::ConditionRow> own_;
  std::vector<wire::Condition> list_;
};

}  // namespace kw::drivers::laser
