#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/cabinet/modbus/board.hpp"

namespace kw::drivers::modbus {

/// What one poll read, and what the board refused to tell.
class Image {
 public:
  /// Takes the answer to `request` in.
  void add(const Request& request, const Reply& reply);

  /// The raw value of a place; nothing when it was not read.
  std::optional<std::int64_t> raw(const Place& place, bool is_signed) const;
  std::optional<bool> on(const Place& place, bool invert) const;

  /// An exception of the board.
  struct Refusal {
    Table table;
    std::uint16_t address;
    std::uint16_t count;
    std::uint8_t exception;
  };
  const std::vector<Refusal>& refusals() const { return refusals_; }

 private:
  std::map<std::pair<Table, std::uint16_t>, std::uint16_t> values_;
  std::vector<Refusal> refusals_;
};

/// Makes a status of what was read. Remembers which limits are exceeded, so that a value that stays
/// near one is not reported again and again.
class Judge {
 public:
  explicit Judge(Board board) : board_(std::move(board)) {}

  const Board& board() const { return board_; }
  wire::Status judge(const Image& image);

 private:
  void judge_limits(const Gauge& gauge, std::optional<double> value, wire::Status& out);

  Board board_;
  std::set<const Limit*> exceeded_;
};

}  // namespace kw::drivers::modbus
