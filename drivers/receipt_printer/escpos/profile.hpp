#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/checked.hpp"
#include "common/wire/conditions.hpp"

namespace kw::drivers::escpos {

// What is particular to a model, as data: profiles/generic.toml explains the format.

/// One bit, or several of which any counts, of a reply.
struct Bit {
  std::size_t byte = 0;
  std::uint8_t any = 0;
  std::string means;  ///< a condition's code, or a state word of generic.toml
  std::string detail;
};

/// How one reply of a model is read.
struct ReplyTable {
  std::uint8_t idle = 0;
  std::uint8_t mask = 0;
  std::vector<Bit> bits;
};

/// A model: what it is asked, and what its answers mean.
struct Model {
  std::vector<std::string> polls;
  std::vector<std::string> identify;
  std::map<std::string, ReplyTable, std::less<>> replies;
  double near_end_metres = 0;  ///< what is left when the near-end sensor speaks; 0: not known

  /// Whether this model can say it at all: what it cannot say is not shown as well.
  bool can_say(std::string_view means) const;
};

/// generic.toml first, then what `name` says differently. What is wrong: no such model, or a
/// profile with a mistake.
Checked<Model> model_of(std::string_view name);

/// Own codes beside the standard ones.
std::span<const wire::ConditionRow> own_conditions();

/// The row of a condition's code; nullptr for a state word.
const wire::ConditionRow* row_of(std::string_view code);

}  // namespace kw::drivers::escpos
