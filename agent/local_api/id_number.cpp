#include "agent/local_api/id_number.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace kw::agent {
namespace {

constexpr std::size_t length = 18;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Full-width digits and X (U+FF10 to U+FF19, U+FF38, U+FF58) as ASCII; a single space or hyphen
/// between two digits left out.
std::string plain(std::string_view text) {
  std::string wide;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](std::size_t n) { return static_cast<unsigned char>(text[i + n]); };
    if (i + 2 < text.size() && at(0) == 0xef && at(1) == 0xbc && at(2) >= 0x90 && at(2) <= 0x99) {
      wide += static_cast<char>('0' + (at(2) - 0x90));
      i += 2;
    } else if (i + 2 < text.size() && at(0) == 0xef && at(2) == 0xb8 && at(1) == 0xbc) {
      wide += 'X';
      i += 2;
    } else if (i + 2 < text.size() && at(0) == 0xef && at(2) == 0x98 && at(1) == 0xbd) {
      wide += 'X';
      i += 2;
    } else {
      wide += text[i];
    }
  }
  std::string out;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const bool between = i > 0 && i + 1 < wide.size() && digit(wide[i - 1]) &&
                         (digit(wide[i + 1]) || wide[i + 1] == 'X' || wide[i + 1] == 'x');
    if ((wide[i] == ' ' || wide[i] == '-') && between) continue;
    out += wide[i];
  }
  return out;
}

int number(std::string_view digits) {
  int out = 0;
  for (const char c : digits) out = out * 10 + (c - '0');
  return out;
}

bool birthday(std::string_view digits) {
  constexpr std::array<int, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = number(digits.substr(0, 4));
  const int month = number(digits.substr(4, 2));
  const int day = number(digits.substr(6, 2));
  if (year < 1850 || year > 2100 || month < 1 || month > 12 || day < 1) return false;
  return day <= days[static_cast<std::size_t>(month - 1)];
}

bool is_id_number(std::string_view seventeen, char last) {
  constexpr std::array<int, 17> weights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr std::string_view checks = "10X98765432";
  int sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += (seventeen[i] - '0') * weights[i];
  const char wanted = checks[static_cast<std::size_t>(sum % 11)];
  return (last == 'x' ? 'X' : last) == wanted && birthday(seventeen.substr(6, 8));
}

}  // namespace

bool holds_id_number(std::string_view text) {
  if (text.size() < length) return false;
  const auto line = plain(text);
  for (std::size_t i = 0; i < line.size();) {
    if (!digit(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && digit(line[end])) ++end;
    const bool with_x = end < line.size() && (line[end] == 'X' || line[end] == 'x');
    const std::string_view run = std::string_view{line}.substr(i, end - i);
    if (run.size() == length && is_id_number(run.substr(0, length - 1), run.back())) return true;
    if (run.size() == length - 1 && with_x && is_id_number(run, line[end])) return true;
    i = end;
  }
  return false;
}

}  // namespace kw::agent
