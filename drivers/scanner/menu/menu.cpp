#include "drivers/scanner/menu/menu.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/filled.hpp"

namespace kw::drivers::menu {
namespace {

constexpr char good = '\x06';
constexpr char bad_value = '\x15';
constexpr char unknown_name = '\x05';

constexpr std::size_t longest_query = 64;
constexpr std::size_t name_size = 3;  ///< of a tag, and of a subtag

constexpr std::array<Dialect, 3> known{
    Dialect{"newland",
            "~\x01"
            "0000",
            true, '@', "@#", "*&^", ";\x03",
            "\x02\x01"
            "0000",
            "C11*"},
    Dialect{"honeywell", "\x16M\r", false, '!', ".!", "?^*", "", "", "CBRENA?"},
    Dialect{"mindeo", "\x16M\r", false, '.', ".!", "?^*", "", "", "0401?"},
};

bool has(std::string_view letters, char c) { return letters.find(c) != std::string_view::npos; }

bool is_name(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Whether it is one question: a tag, a subtag or both (Mindeo's numbers have four digits), and the
/// letter that asks.
bool is_question(const Dialect& dialect, std::string_view command) {
  if (command.size() < name_size + 1 || command.size() > 2 * name_size + 1) return false;
  if (!has(dialect.query_letters, command.back())) return false;
  command.remove_suffix(1);
  return std::ranges::all_of(command, is_name);
}

std::optional<Verdict> verdict_of(char c) {
  if (c == good) return Verdict::good;
  if (c == bad_value) return Verdict::bad_value;
  if (c == unknown_name) return Verdict::unknown_name;
  return std::nullopt;
}

/// Reads the items from `at` on, which ends behind the last one. Nothing: this is no reply. `part`
/// is set when all that came would fit.
std::optional<std::vector<Item>> items_of(const Dialect& dialect, std::string_view in,
                                          std::size_t& at, bool& part) {
  constexpr std::string_view verdicts{"\x06\x15\x05"};
  std::vector<Item> out;
  part = false;
  const auto ends = [&] {
    part = true;
    return std::optional<std::vector<Item>>{};
  };
  for (;;) {
    const auto end = in.find_first_of(verdicts, at);
    if (end == std::string_view::npos || end + 1 >= in.size()) return ends();
    out.push_back({std::string{in.substr(at, end - at)}, *verdict_of(in[end])});
    at = end + 1;
    const char next = in[at];
    if (dialect.storage_first) {
      if (next == ';' && at + 1 >= in.size()) return ends();
      if (in.substr(at).starts_with(dialect.suffix)) {
        at += dialect.suffix.size();
        return out;
      }
    } else if (has(dialect.storages, next)) {
      ++at;
      return out;
    }
    if (next != ',' && next != ';') return std::nullopt;
    ++at;
  }
}

/// Where a reply's first item may begin, from `from` on: behind what comes before its tag.
struct Beginning {
  std::size_t at = std::string_view::npos;
  std::size_t tag = 0;
  bool part = false;
};

Beginning beginning(const Dialect& dialect, std::string_view tag, std::string_view in,
                    std::size_t from) {
  for (std::size_t at = from; at < in.size(); ++at) {
    const auto rest = in.substr(at);
    std::size_t need = 0;
    // Byte by byte: what came may end anywhere.
    const auto fits = [&](auto&& matches) {
      if (need < rest.size() && !matches(rest[need])) return false;
      ++need;
      return true;
    };
    bool right = true;
    for (const char c : dialect.reply_prefix) {
      right = right && fits([c](char is) { return is == c; });
    }
    if (dialect.storage_first) {
      right = right && fits([&](char is) { return has(dialect.storages, is); });
    }
    const auto start = need;
    for (const char c : tag) {
      right = right && fits([c](char is) { return is == c; });
    }
    if (right) return {at, at + start, need > rest.size()};
  }
  return {};
}

constexpr Text no_question{
    "\"{}\" 不是查询：名称是三个大写字母或数字，以 {} 之一结尾，例如 {}",
    "\"{}\" is no question: names of three capitals or digits that end in one of {}, such as {}"};

}  // namespace

std::span<const Dialect> dialects() { return known; }

Checked<std::vector<std::uint8_t>> encode(const Dialect& dialect, std::string_view query,
                                          char storage) {
  const auto wrong = [&] {
    return filled(no_question, query, dialect.query_letters, dialect.fallback_query);
  };
  if (query.size() > longest_query || !has(dialect.storages, storage)) return wrong();
  for (std::size_t at = 0; at <= query.size();) {
    const auto end = std::min(query.find_first_of(",;", at), query.size());
    if (!is_question(dialect, query.substr(at, end - at))) return wrong();
    at = end + 1;
  }
  std::string out{dialect.prefix};
  if (dialect.storage_first) out += storage;
  out += query;
  if (!dialect.storage_first) out += storage;
  out += dialect.suffix;
  return std::vector<std::uint8_t>{out.begin(), out.end()};
}

Checked<std::vector<std::uint8_t>> encode(const Dialect& dialect, std::string_view query) {
  return encode(dialect, query, dialect.storage);
}

Found find_reply(const Dialect& dialect, std::string_view query, std::span<const std::uint8_t> in) {
  const std::string text{in.begin(), in.end()};
  const auto tag = query.substr(0, name_size);
  std::size_t from = 0;
  for (;;) {
    const auto start = beginning(dialect, tag, text, from);
    if (start.at == std::string::npos) return {Found::Kind::nothing, text.size()};
    const auto window = std::string_view{text}.substr(0, start.at + longest_reply);
    auto at = start.tag;
    bool part = start.part;
    std::optional<std::vector<Item>> items;
    if (!part) items = items_of(dialect, window, at, part);
    if (items) return {Found::Kind::reply, at, std::move(*items)};
    if (part && window.size() == text.size() && text.size() - start.at < longest_reply) {
      return {Found::Kind::part, start.at};
    }
    from = start.at + 1;
  }
}

}  // namespace kw::drivers::menu
