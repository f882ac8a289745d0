#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/faults/judge.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"

namespace kw::judge_test {

using namespace kw::collector;

inline constexpr std::uint64_t epoch = 7;

inline WallTime at(int seconds) {
  return wall_from(1'700'000'000'000'000) + std::chrono::seconds{seconds};
}

inline Rules rules(std::string_view text) {
  std::vector<config::Problem> problems;
  auto document = config::parse(text, "test", problems);
  REQUIRE(document);
  auto out = Rules::read(*document, problems);
  REQUIRE(problems.empty());
  return out;
}

/// One terminal, its view, and what each judgement changed.
struct Scene {
  explicit Scene(Rules r) : rules(std::move(r)) {
    view.terminal = {1, "K1", "K1"};
    view.devices.push_back({.id = "receipt", .driver = "escpos", .kind = "receipt_printer"});
  }

  Bench bench(WallTime now) {
    Bench out{.rules = rules, .now = now};
    out.new_id = [this] { return "id-" + std::to_string(++ids); };
    out.new_number = [this] { return "n-" + std::to_string(++numbers); };
    out.known_fault = [this](std::string_view, std::string_view code,
                             const Since& since) -> std::optional<Fault> {
      if (!known || known->code != code || !known->since.same(since)) return std::nullopt;
      return known;
    };
    out.last_cleared = [this](std::string_view, std::string_view) { return last_cleared; };
    return out;
  }

  /// A state event with these conditions at `seq`; a condition's since may be given.
  Changes state(std::uint64_t seq, int second,
                std::vector<std::pair<std::string, std::uint64_t>> codes,
                wire::DeviceState device = wire::DeviceState::online) {
    wire::Status status;
    status.device = device;
    for (const auto& [code, since] : codes) {
      const auto* row = wire::find_condition(code);
      REQUIRE(row != nullptr);
      status.conditions.push_back(wire::condition(*row));
    }
    auto told = wire::to_wire("receipt", status);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i].second == 0) continue;
      auto& since = *told.mutable_condition(static_cast<int>(i))->mutable_since();
      since.set_epoch(epoch);
      since.set_seq(codes[i].second);
      since.set_wall_us(micros(at(static_cast<int>(codes[i].second))));
    }
    const auto resolve = [](const pb::Since& s) {
      return Since{s.epoch(), s.seq(), wall_from(s.wall_us())};
    };
    const auto b = bench(at(second));
    Changes out;
    Judge{view, b, out}.status(told, {1, seq}, {epoch, seq, at(second)}, resolve, false);
    return out;
  }

  Changes fire(int second) {
    const auto b = bench(at(second));
    Changes out;
    Judge{view, b, out}.fire_until(at(second));
    return out;
  }

  Rules rules;
  TerminalView view;
  std::optional<WallTime> last_cleared;
  std::optional<Fault> known;  ///< what the store has beside the view
  int ids = 0;
  int numbers = 0;
};

template <class T>
std::vector<T> only(const Changes& changes) {
  std::vector<T> out;
  for (const auto& change : changes) {
    if (const auto* one = std::get_if<T>(&change)) out.push_back(*one);
  }
  return out;
}

inline constexpr std::string_view at_once = "[defaults]\nhold_s = 0\nclear_s = 0\n";
inline constexpr std::string_view held = "[defaults]\nhold_s = 10\nclear_s = 5\n";

}  // namespace kw::judge_test
