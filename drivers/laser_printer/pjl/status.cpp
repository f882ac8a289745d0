#include "drivers/laser_printer/pjl/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "drivers/laser_printer/findings.hpp"
#include "drivers/laser_printer/text.hpp"

namespace kw::drivers::pjl {
namespace {

constexpr std::array own_rows{laser::printer_other};
constexpr std::string_view prefix = "@PJL";
constexpr std::size_t most_lines = 64;

std::string upper(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) + 1 - first);
}

bool is_quote(char c) { return c == '"' || c == '\''; }

/// Without the quotes around it, of either kind; the closing one may be missing.
std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || !is_quote(text[0])) return text;
  const char quote = text[0];
  text.remove_prefix(1);
  if (text.ends_with(quote)) text.remove_suffix(1);
  return trimmed(text);
}

bool is_key_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Where, from `from` on, the next "KEY=" begins that has a blank or nothing in front of it; the
/// line's end when there is none.
std::size_t next_key(std::string_view line, std::size_t from) {
  for (auto equals = line.find('=', from); equals != std::string_view::npos;
       equals = line.find('=', equals + 1)) {
    auto end = equals;
    while (end > from && is_blank(line[end - 1])) --end;
    auto at = end;
    while (at > from && is_key_character(line[at - 1])) --at;
    if (at < end && (at == 0 || is_blank(line[at - 1]))) return at;
  }
  return line.size();
}

/// Whether "KEY=" stands at the front.
bool begins_with_key(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_key_character);
  const auto equals = std::find_if_not(end, text.end(), is_blank);
  return end != text.begin() && equals != text.end() && *equals == '=';
}

/// Where the value ends that begins at `from`: in quotes, behind the one that closes them, which
/// has nothing or a further key behind it.
std::size_t end_of_value(std::string_view line, std::size_t from) {
  const auto first = std::min(line.find_first_not_of(" \t", from), line.size());
  if (first == line.size() || !is_quote(line[first])) return next_key(line, from);
  for (auto close = line.find(line[first], first + 1); close != std::string_view::npos;
       close = line.find(line[first], close + 1)) {
    const auto rest = trimmed(line.substr(close + 1));
    if (rest.empty() || begins_with_key(rest)) return close + 1;
  }
  return line.size();
}

/// Whether what follows `before`, the beginning of a line, stands in a value's quotes.
bool in_quotes(std::string_view before) {
  for (auto at = next_key(before, 0); at < before.size();) {
    const auto value = before.find('=', at) + 1;
    const auto text = trimmed(before.substr(value));
    if (!text.empty() && is_quote(text[0]) && text.find(text[0], 1) == std::string_view::npos) {
      return true;
    }
    at = next_key(before, end_of_value(before, value));
  }
  return false;
}

/// The last "@PJL" that is not a part of what the panel shows; the last of all where a job's quote
/// never closes.
std::size_t last_answer(std::string_view text) {
  for (auto at = text.rfind(prefix); at != std::string_view::npos;
       at = text.rfind(prefix, at - 1)) {
    const auto line = text.find_last_of("\r\n", at) + 1;
    if (!in_quotes(text.substr(line, at - line))) return at;
    if (at == 0) break;
  }
  return text.rfind(prefix);
}

/// Runs of spaces as one.
std::string single_spaced(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
    if (!is_blank(c) || out.back() != ' ') out += is_blank(c) ? ' ' : c;
  }
  return out;
}

/// "CODE", and "CODE2" of printers with several at once.
bool is_code_key(std::string_view key) {
  return key.starts_with("CODE") &&
         std::ranges::all_of(key.substr(4), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<int> code_of(std::string_view text) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole && value >= 0 && value <= 99'999 ? std::optional{value} : std::nullopt;
}

void take_value(std::string_view key, std::string_view value, Status& out) {
  if (is_code_key(key)) {
    if (const auto code = code_of(value)) out.codes.push_back(*code);
  } else if (key == "DISPLAY") {
    out.display = laser::readable(value);
  } else if (key == "ONLINE") {
    if (upper(value) == "TRUE") out.online = true;
    if (upper(value) == "FALSE") out.online = false;
  }
}

/// A code that means one thing.
struct Single {
  int code;
  Meaning means;
};
constexpr auto singles = std::to_array<Single>({{10002, {"printer-offline"}},
                                                {10003, {.busy = true}},
                                                {10004, {.busy = true}},
                                                {10005, {.busy = true}},
                                                {10006, {"toner-low"}},
                                                {10023, {.busy = true}},
                                                {35078, {}},  // sleeps
                                                {40010, {"marker-supply-missing"}},
                                                {40021, {"cover-open"}},
                                                {40022, {"media-jam"}}});

/// The codes of one kind: their first digits.
Meaning of_range(int thousands) {
  switch (thousands) {
    case 11:
      return {"media-low"};  // a tray is empty and another serves
    case 15:
      return {"output-area-full"};
    case 30:
    case 35:
      return {"printer-other"};
    case 40:
    case 43:
    case 55:
      return {"printer-other", true};
    case 41:
      return {"media-empty"};
    case 42:
    case 44:
      return {"media-jam"};
    case 50:
    case 51:
    case 52:
    case 53:
    case 54:
      return {"unrecoverable-error"};
    default:
      break;
  }
  // 10: information; 12: a tray is open or lifts; 20 to 29: about the job's commands; 32: files.
  const bool harmless = thousands >= 10 && thousands < 40;
  return harmless ? Meaning{} : Meaning{"printer-other"};
}

}  // namespace

Result<Block> read_block(std::string_view text) {
  const auto at = last_answer(text);
  if (at == std::string_view::npos) return Error{Errc::garbled, "no PJL answer"};
  text.remove_prefix(at + prefix.size());
  Block out;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    // Some printers go on in the same line.
    const auto values = first ? next_key(line, 0) : 0;
    if (std::exchange(first, false)) out.head = single_spaced(line.substr(0, values));
    if (values == line.size()) continue;
    if (out.lines.size() == most_lines) return Error{Errc::garbled, "an answer without end"};
    out.lines.emplace_back(line.substr(values));
  }
  return out;
}

Result<Status> read_status(const Block& block) {
  Status out;
  for (const std::string_view line : block.lines) {
    for (auto at = next_key(line, 0); at < line.size();) {
      const auto equals = line.find('=', at);
      const auto end = end_of_value(line, equals + 1);
      take_value(upper(trimmed(line.substr(at, equals - at))),
                 unquoted(line.substr(equals + 1, end - equals - 1)), out);
      at = next_key(line, end);
    }
  }
  if (out.codes.empty()) return Error{Errc::garbled, "a status without a code"};
  return out;
}

Meaning meaning_of(int code, std::string_view display) {
  const auto shown = upper(display);
  const auto says = [&](std::string_view word) { return shown.find(word) != std::string::npos; };
  // Lexmark: 10006 is any supply that comes to its end, 40021 a cartridge that is not there too.
  if (code == 10006 && (says("PC KIT") || says("DRUM") || says("PHOTOCONDUCTOR"))) {
    return {"opc-near-eol"};
  }
  if (code == 10006 && says("FUSER")) return {"marker-supply-low"};
  if (code == 40021 && says("CARTRIDGE")) return {"marker-supply-missing"};
  const auto single = std::ranges::find(singles, code, &Single::code);
  return single != singles.end() ? single->means : of_range(code / 1000);
}

std::span<const wire::ConditionRow> own_conditions() { return own_rows; }

}  // namespace kw::drivers::pjl
