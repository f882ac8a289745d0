// Files of byte vectors: their rows.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <doctest/doctest.h>

#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in{line};
  for (std::string column; std::getline(in, column, '\t');) out.push_back(column);
  return out;
}

/// "AA 0x96 69", "aa9669": nothing when it is neither.
std::vector<std::uint8_t> bytes_of(const std::string& text) {
  std::vector<std::uint8_t> out;
  std::string digits;
  std::istringstream words{text};
  for (std::string word; words >> word;) {
    if (word.starts_with("0x") || word.starts_with("0X")) word.erase(0, 2);
    while (word.ends_with(',')) word.pop_back();
    digits += word.size() == 1 ? "0" + word : word;
  }
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    unsigned value = 0;
    const auto pair = digits.substr(at, 2);
    const auto read = std::from_chars(pair.data(), pair.data() + pair.size(), value, 16);
    if (pair.size() < 2 || read.ec != std::errc{} || read.ptr != pair.data() + 2) return {};
    out.push_back(static_cast<std::uint8_t>(value));
  }
  return out;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string plain_words(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '-' || c == '_' || c == '/' || c == '\t';
    if (blank) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  return out;
}

bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool begins = at == 0 || !is_letter_or_digit(text[at - 1]);
    if (begins && (end == text.size() || !is_letter_or_digit(text[end]))) return true;
  }
  return false;
}

bool has_any_word(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view w) { return has_word(text, w); });
}

std::string Vector::words() const {
  return plain_words(device) + " | " + plain_words(id) + " | " + plain_words(meaning) + " | " +
         plain_words(origin);
}

/// What a frame reports ("checksum error in request", "illegal data value") is not what it is.
bool Vector::broken() const {
  const auto text = plain_words(meaning) + " | " + plain_words(origin);
  // A whole frame stands behind it.
  static const std::regex resynchronised{
      "(noise|garbage|junk|stray|line noise)[^|]*\\b(before|then|followed by|preced)|"
      "\\b(after|behind|preceded by|leading) [a-z0-9 ]*(noise|garbage|junk|stray)"};
  static const std::regex reported{
      "\\b(in|of) (the )?request\\b|\\breports?\\b|\\breported\\b|\\berror code\\b|\\bsw3\\b"};
  static const std::regex certain{
      "\\bnot well formed\\b|\\bmalformed\\b|\\btruncated\\b|\\bcut short\\b|\\bincomplete\\b|"
      "\\bgarbled\\b|\\bgarbage\\b|\\bline noise\\b|\\bnoise\\b|\\bcorrupt(ed)?\\b|\\bmangled\\b|"
      "\\bdamaged frame\\b|\\bflipped bit\\b|\\bbit (error|flip)|\\bbroken frame\\b|"
      "\\bno (valid )?frame\\b|\\bnot a (valid )?frame\\b|"
      "\\bmust (be|not be) (refused|rejected|dropped|ignored|discarded|accepted|taken)\\b|"
      "(^|\\| )invalid *($|[|:,;(])|"
      "\\binvalid (frame|reply|response|request|packet|message|bytes|vector|header)\\b|"
      "\\bwithout (its |the )?(etx|end|terminator|checksum|bcc|crc|lrc)\\b|"
      "\\bmissing (etx|end|terminator|checksum|bcc|crc|lrc)\\b"};
  static const std::regex about_a_sum{
      "\\b(bad|wrong|invalid|incorrect|false|mismatched) ([a-z]+ )?"
      "(checksum|check sum|check digits?|bcc|crc|lrc|chk|xor|parity|length|len|size|mbap|preamble|"
      "etx|stx|header|protocol id)\\b|"
      "\\b(checksum|bcc|crc|lrc|chk|xor|length) (is "
      ")?(wrong|bad|invalid|incorrect|corrupt|mismatch|"
      "off by|does not (fit|match))|\\b(bcc|crc|lrc) error\\b|"
      "\\b(length|header) (too long|too short|exceeds|longer than|shorter than)|"
      "\\b(longer|shorter) than its (own )?length\\b"};
  if (std::regex_search(text, resynchronised)) return false;
  if (std::regex_search(text, certain)) return true;
  return std::regex_search(text, about_a_sum) && !std::regex_search(text, reported);
}

std::vector<Vector> read_vectors(const std::filesystem::path& file) {
  std::vector<Vector> out;
  std::ifstream in{file};
  REQUIRE_MESSAGE(bool(in), file.string());
  std::map<std::string, std::size_t> places{{"id", 0},        {"device", 1},  {"dir", 2},
                                            {"bytes_hex", 3}, {"meaning", 4}, {"origin", 5}};
  bool headed = false;
  for (std::string line; std::getline(in, line);) {
    while (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    CAPTURE(line);
    const auto columns = columns_of(line);
    if (!headed) {
      headed = true;
      for (std::size_t i = 0; i < columns.size(); ++i) places[columns[i]] = i;
      CHECK(std::ranges::find(columns, "bytes_hex") != columns.end());
      continue;
    }
    const auto column = [&](const char* name) {
      const auto at = places[name];
      return at < columns.size() ? columns[at] : std::string{};
    };
    Vector row{column("id"),      column("device"), false, bytes_of(column("bytes_hex")),
               column("meaning"), column("origin")};
    const auto direction = plain_words(column("dir"));
    const bool to_host = direction.starts_with("dev") || direction.ends_with("host") ||
                         has_any_word(direction, {"reply", "response", "answer", "in"});
    row.to_device = !to_host;
    const bool to_device = direction.starts_with("host") || direction.ends_with("dev") ||
                           has_any_word(direction, {"request", "command", "query", "out"});
    CHECK(to_host != to_device);
    CHECK_FALSE(row.bytes.empty());
    if (!row.bytes.empty()) out.push_back(std::move(row));
  }
  return out;
}

}  // namespace kw::drivers
