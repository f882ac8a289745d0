#include "drivers/cabinet/modbus/board.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "common/platform/files.hpp"
#include "common/wire/codec.hpp"
#include "drivers/cabinet/modbus/messages.hpp"
#include "drivers/profiles.hpp"

namespace kw::drivers::modbus {
namespace {

constexpr std::size_t most_points = 200;
constexpr std::uintmax_t largest_file = 256 * 1024;
constexpr std::size_t most_problems_told = 5;
constexpr double widest = 1e12;

constexpr std::array conditions{
    wire::ConditionRow{"board-error",
                       wire::Severity::fault,
                       wire::Action::maintenance,
                       {"控制板报错", "I/O board reports an error"}},
};

constexpr std::array<std::pair<std::string_view, Table>, 4> tables{
    {{"coil", Table::coils},
     {"discrete-input", Table::discrete_inputs},
     {"holding-register", Table::holding_registers},
     {"input-register", Table::input_registers}}};

/// The states that a contact can tell, as they are spelled in a status.
constexpr std::array contact_states{
    wire::ComponentState::open,       wire::ComponentState::closed,  wire::ComponentState::locked,
    wire::ComponentState::on,         wire::ComponentState::off,     wire::ComponentState::ok,
    wire::ComponentState::inoperable, wire::ComponentState::tampered};

bool is_name(std::string_view text, char joint) {
  const auto plain = [joint](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == joint;
  };
  return !text.empty() && text.size() <= 64 && text.front() >= 'a' && text.front() <= 'z' &&
         std::ranges::all_of(text, plain);
}

Table read_table(config::Reader& from) {
  const auto name = from.required_text("table");
  const auto row = std::ranges::find(tables, name, &std::pair<std::string_view, Table>::first);
  if (row != tables.end()) return row->second;
  if (!name.empty()) from.object("table", message::table);
  return Table::discrete_inputs;
}

/// `width` in registers. Switches in a register need a bit.
Place read_place(config::Reader& from, bool is_switch) {
  Place out;
  out.table = read_table(from);
  const auto address = from.integer("address", -1, 0, 65'535);
  if (address < 0) from.object("address", message::address);
  out.address = static_cast<std::uint16_t>(std::max<std::int64_t>(address, 0));
  if (is_switch) {
    const auto bit = from.integer("bit", -1, 0, 15);
    if (bit >= 0) out.bit = static_cast<unsigned>(bit);
    if (bit >= 0 && is_bits(out.table)) from.object("bit", message::bit_of_bit);
    if (bit < 0 && !is_bits(out.table)) from.object("bit", message::which_bit);
    return out;
  }
  out.registers = static_cast<std::uint8_t>(from.integer("registers", 1, 1, 2));
  out.low_word_first = from.boolean("low_word_first", false);
  if (is_bits(out.table)) from.object("table", message::register_table);
  if (out.address + out.registers > 65'536) from.object("registers", message::last_register);
  return out;
}

const wire::ConditionRow* read_condition(config::Reader& from, std::string_view key,
                                         bool required) {
  const auto code = required ? from.required_text(key) : from.text(key, "");
  if (code.empty()) return nullptr;
  const auto* row = row_of(code);
  if (row == nullptr) from.object(key, filled(message::condition, code));
  return row;
}

std::optional<wire::ComponentState> read_state(config::Reader& from, std::string_view key) {
  const auto text = from.text(key, "");
  if (text.empty()) return std::nullopt;
  const auto state = std::ranges::find_if(
      contact_states, [&](wire::ComponentState s) { return wire::name(s) == text; });
  if (state != contact_states.end()) return *state;
  from.object(key, message::state);
  return std::nullopt;
}

Contact read_contact(config::Reader from) {
  Contact out;
  out.component = from.required_text("name");
  if (!out.component.empty() && !is_name(out.component, '-')) {
    from.object("name", message::component_name);
  }
  out.place = read_place(from, true);
  out.invert = from.boolean("invert", false);
  out.on = read_state(from, "on");
  out.off = read_state(from, "off");
  out.on_condition = read_condition(from, "on_condition", false);
  out.off_condition = read_condition(from, "off_condition", false);
  out.essential = from.boolean("essential", true);
  if (!out.on && !out.off) from.object("on", message::on_or_off);
  from.done();
  return out;
}

Detector read_detector(config::Reader from) {
  Detector out;
  out.condition = read_condition(from, "code", true);
  out.place = read_place(from, true);
  out.invert = from.boolean("invert", false);
  from.done();
  return out;
}

Limit read_limit(config::Reader from) {
  Limit out;
  out.condition = read_condition(from, "condition", true);
  constexpr double none = widest * 2;
  const double above = from.number("above", none, -widest, widest);
  const double below = from.number("below", none, -widest, widest);
  out.above = above != none;
  if ((above != none) == (below != none)) from.object("above", message::above_or_below);
  out.raise = out.above ? above : below;
  out.clear = from.number("clear", out.raise, -widest, widest);
  if (out.above ? out.clear > out.raise : out.clear < out.raise) {
    from.object("clear", out.above ? message::not_above : message::not_below);
  }
  from.done();
  return out;
}

Gauge read_gauge(config::Reader from) {
  Gauge out;
  out.name = from.required_text("name");
  if (!out.name.empty() && !is_name(out.name, '_')) {
    from.object("name", message::gauge_name);
  }
  out.place = read_place(from, false);
  out.is_signed = from.boolean("signed", false);
  out.scale = from.number("scale", 1, -widest, widest);
  if (out.scale == 0) from.object("scale", message::not_zero);
  out.offset = from.number("offset", 0, -widest, widest);
  constexpr std::int64_t none = std::int64_t{1} << 40;
  const auto absent = from.integer("absent", none, -(std::int64_t{1} << 31), 0xffff'ffff);
  if (absent != none) out.absent = absent;
  out.only_while = from.text("only_while", "");
  for (auto& limit : from.sections("limits")) out.limits.push_back(read_limit(limit));
  from.done();
  return out;
}

/// What a status cannot carry would be cut off unseen.
void check_sizes(const Board& board, config::Reader& top) {
  std::set<std::string, std::less<>> components;
  std::set<std::string_view> codes;
  const auto note = [&codes](const wire::ConditionRow* row) {
    if (row != nullptr) codes.insert(row->code);
  };
  for (const auto& contact : board.contacts) {
    components.insert(contact.component);
    note(contact.on_condition);
    note(contact.off_condition);
  }
  for (const auto& detector : board.detectors) note(detector.condition);
  for (const auto& gauge : board.gauges) {
    for (const auto& limit : gauge.limits) note(limit.condition);
  }
  constexpr std::size_t of_the_board_itself = 2;  // bad-configuration, board-error
  if (components.size() > wire::parts_per_status) {
    top.object("component", filled(message::names_most, wire::parts_per_status));
  }
  if (codes.size() + of_the_board_itself > wire::conditions_per_status) {
    top.object("condition",
               filled(message::codes_most, wire::conditions_per_status - of_the_board_itself));
  }
}

void check_names(const Board& board, config::Reader& top) {
  std::set<std::string, std::less<>> gauges;
  for (const auto& gauge : board.gauges) {
    if (!gauges.insert(gauge.name).second) {
      top.object("measurement", filled(message::once, gauge.name));
    }
    const auto& while_on = gauge.only_while;
    if (!while_on.empty() &&
        std::ranges::find(board.contacts, while_on, &Contact::component) == board.contacts.end()) {
      top.object("measurement", filled(message::only_while, while_on));
    }
  }
}

Bilingual told(const std::vector<config::Problem>& problems) {
  const auto in = [&](Lang lang) {
    std::string out;
    for (std::size_t i = 0; i < problems.size() && i < most_problems_told; ++i) {
      if (i > 0) out += message::next_problem.in(lang);
      out += problems[i].in(lang);
    }
    if (problems.size() > most_problems_told) {
      out += filled(message::more_problems, problems.size() - most_problems_told).in(lang);
    }
    return out;
  };
  return {in(Lang::zh_cn), in(Lang::en)};
}

Checked<Board> board_in(std::string_view text, std::string file) {
  std::vector<config::Problem> problems;
  const auto document = config::parse(text, std::move(file), problems);
  Board out;
  if (document) out = read_board(*document, problems);
  if (!problems.empty()) return told(problems);
  if (!document) return Bilingual{document.error().text()};
  return out;
}

bool names_a_file(std::string_view map) {
  return map.find_first_of("/\\") != std::string_view::npos || map.ends_with(".toml");
}

Checked<Board> board_in_file(std::string_view map) {
  const auto path = platform::path_of(map);
  std::error_code bad;
  // Never a device or a pipe: a configuration is checked on a thread that must not wait.
  const auto kind = std::filesystem::status(path, bad).type();
  if (kind == std::filesystem::file_type::not_found) {
    return filled(message::no_file, map);
  }
  const auto size = bad ? 0 : std::filesystem::file_size(path, bad);
  if (bad || kind != std::filesystem::file_type::regular || size > largest_file) {
    return filled(message::no_text_file, map, largest_file);
  }
  auto text = platform::read_file(path);
  if (!text) return filled(message::unread, map, text.error().text());
  auto board = board_in(*text, std::string{map});
  if (!board) return filled(message::in_map, board.wrong());
  return board;
}

/// An address range that points share.
struct Range {
  Table table;
  unsigned begin;
  unsigned end;
};

}  // namespace

std::string Place::label() const {
  constexpr std::array<std::string_view, 5> letters{"", "CO", "DI", "HR", "IR"};
  const auto name = letters[static_cast<std::size_t>(table)];
  return bit ? fmt::format("{}{}.{}", name, address, *bit) : fmt::format("{}{}", name, address);
}

std::vector<Request> Board::requests() const {
  std::vector<Range> ranges;
  const auto add = [&ranges](const Place& place) {
    ranges.push_back({place.table, place.address, unsigned{place.address} + place.registers});
  };
  for (const auto& contact : contacts) add(contact.place);
  for (const auto& detector : detectors) add(detector.place);
  for (const auto& gauge : gauges) add(gauge.place);
  std::ranges::sort(ranges, [](const Range& a, const Range& b) {
    return std::pair{a.table, a.begin} < std::pair{b.table, b.begin};
  });
  // Only neighbours are read together: what lies between may not exist, and then nothing is said.
  std::vector<Range> joined;
  for (const auto& range : ranges) {
    const bool follows = !joined.empty() && joined.back().table == range.table &&
                         range.begin <= joined.back().end &&
                         range.end - joined.back().begin <= most_of(range.table);
    if (follows) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  std::vector<Request> out;
  for (const auto& range : joined) {
    const auto request = Request::read(range.table, static_cast<std::uint16_t>(range.begin),
                                       static_cast<std::uint16_t>(range.end - range.begin));
    if (request) out.push_back(*request);
  }
  return out;
}

std::span<const wire::ConditionRow> own_conditions() { return conditions; }

const wire::ConditionRow* row_of(std::string_view code) {
  const auto own = std::ranges::find(conditions, code, &wire::ConditionRow::code);
  return own != conditions.end() ? &*own : wire::find_condition(code);
}

Board read_board(const config::Document& document, std::vector<config::Problem>& problems) {
  config::Reader top{document, problems};
  Board out;
  for (auto& row : top.sections("component")) out.contacts.push_back(read_contact(row));
  for (auto& row : top.sections("condition")) out.detectors.push_back(read_detector(row));
  for (auto& row : top.sections("measurement")) out.gauges.push_back(read_gauge(row));
  const auto points = out.contacts.size() + out.detectors.size() + out.gauges.size();
  if (points == 0 && problems.empty()) {
    top.object("component", message::something);
  }
  if (points > most_points) top.object("component", filled(message::points_most, most_points));
  check_names(out, top);
  check_sizes(out, top);
  top.done();
  return out;
}

Checked<Board> board_of(std::string_view map) {
  if (names_a_file(map)) return board_in_file(map);
  const auto profiles = profiles_of("modbus");
  const auto built_in = std::ranges::find(profiles, map, &Profile::model);
  if (built_in != profiles.end()) return board_in(built_in->text, std::string{map} + ".toml");
  std::string known;
  for (const auto& p : profiles) known += (known.empty() ? "" : ", ") + std::string{p.model};
  return filled(message::no_map, map, known);
}

}  // namespace kw::drivers::modbus
