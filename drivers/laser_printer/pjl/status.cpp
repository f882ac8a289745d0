#include "drivers/laser_printer/pjl/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>

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

/// Without the quotes around it, of either kind; the closing one may be missing.
std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return text;
  const char quote = text[0];
  text.remove_prefix(1);
  if (text.ends_with(quote)) text.remove_suffix(1);
  return trimmed(text);
}

/// Runs of spaces as one.
std::string single_spaced(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank || out.back() != ' ') out += blank ? ' ' : c;
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
  const auto at = text.rfind(prefix);
  if (at == std::string_view::npos) return Error{Errc::garbled, "no PJL answer"};
  text.remove_prefix(at + prefix.size());
  Block out;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (first) {
      out.head = single_spaced(line);
      first = false;
    } else if (!line.empty()) {
      if (out.lines.size() == most_lines) return Error{Errc::garbled, "an answer without end"};
      out.lines.emplace_back(line);
    }
  }
  return out;
}

Result<Status> read_status(const Block& block) {
  Status out;
  for (const std::string_view line : block.lines) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = upper(trimmed(line.substr(0, equals)));
    const auto value = unquoted(line.substr(equals + 1));
    if (is_code_key(key)) {
      if (const auto code = code_of(value)) out.codes.push_back(*code);
    } else if (key == "DISPLAY") {
      out.display = laser::readable(value);
    } else if (key == "ONLINE") {
      if (upper(value) == "TRUE") out.online = true;
      if (upper(value) == "FALSE") out.online = false;
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
