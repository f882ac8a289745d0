#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/checked.hpp"
#include "common/config.hpp"
#include "common/wire/conditions.hpp"
#include "common/wire/status.hpp"
#include "drivers/cabinet/modbus/codec.hpp"

namespace kw::drivers::modbus {

// What is wired to which input of a board: the register map, as data. profiles/generic.toml
// explains the format.

/// Where a value stands.
struct Place {
  Table table = Table::discrete_inputs;
  std::uint16_t address = 0;    ///< from 0, as on the wire
  std::uint8_t registers = 1;   ///< 1, or 2 for 32 bits
  std::optional<unsigned> bit;  ///< of a register, 0 the lowest
  bool low_word_first = false;  ///< of two registers

  /// "DI3", "IR5.3": the table's usual letters (CO, DI, HR, IR) and the address.
  std::string label() const;
};

/// A switch that has two names: a door is open or closed.
struct Contact {
  std::string component;
  Place place;
  bool invert = false;
  std::optional<wire::ComponentState> on;  ///< nothing: says nothing of the component then
  std::optional<wire::ComponentState> off;
  const wire::ConditionRow* on_condition = nullptr;
  const wire::ConditionRow* off_condition = nullptr;
  bool essential = true;
};

/// A detector: its condition holds while it is on.
struct Detector {
  const wire::ConditionRow* condition = nullptr;
  Place place;
  bool invert = false;
};

/// Raised at one value, and no longer at another: between them it stays what it was.
struct Limit {
  const wire::ConditionRow* condition = nullptr;
  bool above = true;
  double raise = 0;
  double clear = 0;
};

struct Gauge {
  std::string name;  ///< of the measurement, unit at its end
  Place place;
  bool is_signed = false;
  double scale = 1;
  double offset = 0;
  std::optional<std::int64_t> absent;  ///< the raw value of a sensor that is not there
  std::vector<Limit> limits;
  std::string only_while;  ///< a component that must be on for the limits to hold; empty: always
};

struct Board {
  std::vector<Contact> contacts;
  std::vector<Detector> detectors;
  std::vector<Gauge> gauges;

  /// What one poll reads, neighbours together.
  std::vector<Request> requests() const;
};

/// Own codes beside the standard ones.
std::span<const wire::ConditionRow> own_conditions();
const wire::ConditionRow* row_of(std::string_view code);

/// The map in `document`. Every mistake goes to `problems`.
Board read_board(const config::Document& document, std::vector<config::Problem>& problems);

/// The map that the setting `map` names: one of those built in, or the path of a file (it has a
/// slash, a backslash or ends in ".toml"). What is wrong begins with the setting's name, and tells
/// mistakes in the map with file, line and key.
Checked<Board> board_of(std::string_view map);

}  // namespace kw::drivers::modbus
