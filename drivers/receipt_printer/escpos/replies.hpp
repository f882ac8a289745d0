#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "drivers/receipt_printer/escpos/profile.hpp"

namespace kw::drivers::escpos {

// What a printer is asked and how its answers are told apart: by order and length, because nothing
// in them says to which question they belong (output devices, section 1.5).

/// A request by its profile's name for it: "eot1", "paper-left", "serial".
struct Question {
  std::string_view name;
  std::array<std::uint8_t, 3> request;
  std::size_t request_length;
};

/// The question of that name, or nullptr.
const Question* question(std::string_view name);

/// How the front of what has arrived compares with what is waited for.
struct Fit {
  enum class Kind { whole, part, none } kind;
  std::size_t length = 0;
};

/// Whether `in`, which is not empty, begins with the answer to `asked`.
Fit fit_answer(const Question& asked, const Model& model, std::span<const std::uint8_t> in);

/// Bytes that nobody asked for and that are not a reply to DLE EOT: XON, XOFF, an automatic status
/// of four bytes switched on by another program, a late reply to GS I.
Fit fit_stray(std::span<const std::uint8_t> in);

}  // namespace kw::drivers::escpos
