#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/wire/conditions.hpp"

namespace kw::drivers::pjl {

/// One answer of a printer: what stands before a form feed.
struct Block {
  std::string head;  ///< "INFO STATUS", "ECHO KW-1"; in one space where there were more
  std::vector<std::string> lines;  ///< what follows it, without line ends and empty ones
};

/// Reads the last "@PJL" answer in `text`, which ends before its form feed; bytes in front of it
/// are what is left of a job or of an earlier answer; "@PJL" in quotes is what a panel shows.
/// Values that stand behind the head in its line are the first of `lines`. Errc::garbled: there is
/// no answer.
Result<Block> read_block(std::string_view text);

/// What INFO STATUS says.
struct Status {
  std::vector<int> codes;      ///< in the printer's order; one as a rule
  std::optional<bool> online;  ///< nothing when it does not say
  std::string display;         ///< the panel's text, in whatever language
};

/// A line may hold several values, each a key, "=" and a text in quotes of either kind or none.
/// Errc::garbled: there is no code in it.
Result<Status> read_status(const Block& block);

/// What a code means (HP's PJL manual: ranges, and the few single codes that several makers share).
struct Meaning {
  std::string_view condition;  ///< empty: nothing is wrong
  bool fault = false;          ///< whatever the condition's own severity is
  bool busy = false;           ///< prints, warms up, tests itself
};

/// `display` is only asked where makers use one code for several things, and only in English.
Meaning meaning_of(int code, std::string_view display);

/// The codes that are this driver's own.
std::span<const wire::ConditionRow> own_conditions();

}  // namespace kw::drivers::pjl
