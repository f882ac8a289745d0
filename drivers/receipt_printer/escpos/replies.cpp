#include "drivers/receipt_printer/escpos/replies.hpp"

#include <algorithm>

namespace kw::drivers::escpos {
namespace {

constexpr Fit part{Fit::Kind::part};
constexpr Fit none{Fit::Kind::none};
constexpr Fit whole(std::size_t length) { return {Fit::Kind::whole, length}; }

constexpr std::size_t longest_block = 80;

/// A GS I reply: 5f, text, 00.
Fit fit_block(std::span<const std::uint8_t> in) {
  if (in.front() != 0x5f) return none;
  const auto end = std::ranges::find(in, std::uint8_t{0});
  if (end != in.end()) return whole(static_cast<std::size_t>(end - in.begin()) + 1);
  return in.size() < longest_block ? part : none;
}

Fit fit_full(std::span<const std::uint8_t> in) {
  if (in.front() != 0x10) return none;
  if (in.size() > 1 && in[1] != 0x0f) return none;
  return in.size() >= 6 ? whole(6) : part;
}

/// "510cm".
Fit fit_centimetres(std::span<const std::uint8_t> in) {
  const auto digits =
      std::ranges::find_if_not(in, [](std::uint8_t b) { return b >= '0' && b <= '9'; });
  const auto count = static_cast<std::size_t>(digits - in.begin());
  if (count == 0 || count > 7) return none;
  if (count + 2 > in.size()) return in.size() == count || in[count] == 'c' ? part : none;
  return in[count] == 'c' && in[count + 1] == 'm' ? whole(count + 2) : none;
}

constexpr std::array questions{
    Question{"eot1", {0x10, 0x04, 0x01}, 3},     Question{"eot2", {0x10, 0x04, 0x02}, 3},
    Question{"eot3", {0x10, 0x04, 0x03}, 3},     Question{"eot4", {0x10, 0x04, 0x04}, 3},
    Question{"full", {0x10, 0x04, 0x14}, 3},     Question{"paper-left", {0x1d, 0xe1, 0x00}, 2},
    Question{"firmware", {0x1d, 0x49, 0x41}, 3}, Question{"maker", {0x1d, 0x49, 0x42}, 3},
    Question{"model", {0x1d, 0x49, 0x43}, 3},    Question{"serial", {0x1d, 0x49, 0x44}, 3},
};

}  // namespace

const Question* question(std::string_view name) {
  const auto it = std::ranges::find(questions, name, &Question::name);
  return it == questions.end() ? nullptr : &*it;
}

Fit fit_stray(std::span<const std::uint8_t> in) {
  if (in.front() == 0x11 || in.front() == 0x13) return whole(1);
  if ((in.front() & 0x93) == 0x10) {
    const auto rest = in.subspan(1, std::min<std::size_t>(in.size() - 1, 3));
    if (std::ranges::any_of(rest, [](std::uint8_t b) { return (b & 0x90) != 0; })) return none;
    return rest.size() == 3 ? whole(4) : part;
  }
  return fit_block(in);
}

Fit fit_answer(const Question& asked, const Model& model, std::span<const std::uint8_t> in) {
  if (asked.name == "full") return fit_full(in);
  if (asked.name == "paper-left") return fit_centimetres(in);
  const auto table = model.replies.find(asked.name);
  if (table == model.replies.end()) return fit_block(in);
  const auto fixed = table->second.idle & table->second.mask;
  return (in.front() & table->second.mask) == fixed ? whole(1) : none;
}

}  // namespace kw::drivers::escpos
