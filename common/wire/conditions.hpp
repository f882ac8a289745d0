#pragma once

#include <span>
#include <string_view>

#include "common/i18n.hpp"
#include "common/wire/status.hpp"

namespace kw::wire {

/// One row of a condition table: what a code means, for machines and for people.
struct ConditionRow {
  std::string_view code;
  Severity severity;
  Action action;
  Text text;
};

/// Codes that several families of devices share: PWG 5100.9 / RFC 8011 section 5.4.12 keywords
/// without their suffix, and ours in the same form. A driver's own codes stand in its own table.
std::span<const ConditionRow> standard_conditions();

/// The standard row of `code`, or nullptr.
const ConditionRow* find_condition(std::string_view code);

/// The condition as a driver reports it, severity and action from `row`.
Condition condition(const ConditionRow& row, std::string vendor_code = {}, std::string detail = {});

}  // namespace kw::wire
