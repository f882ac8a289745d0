#include "agent/local_api/id_number.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace kw::agent {
namespace {

constexpr std::size_t length = 18;
constexpr int any_year = 2100;
/// Within a longer number a date from this year on is an order's, not a citizen's.
constexpr int order_year = 2020;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Full-width digits and X (U+FF10 to U+FF19, U+FF38, U+FF58) as ASCII.
std::string narrow(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](std::size_t n) { return static_cast<unsigned char>(text[i + n]); };
    if (i + 2 < text.size() && at(0) == 0xef && at(1) == 0xbc && at(2) >= 0x90 && at(2) <= 0x99) {
      out += static_cast<char>('0' + (at(2) - 0x90));
      i += 2;
    } else if (i + 2 < text.size() && at(0) == 0xef && at(2) == 0xb8 && at(1) == 0xbc) {
      out += 'X';
      i += 2;
    } else if (i + 2 < text.size() && at(0) == 0xef && at(2) == 0x98 && at(1) == 0xbd) {
      out += 'X';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A single space or hyphen between two digits left out.
std::string joined(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && digit(text[i - 1]) &&
                         (digit(text[i + 1]) || text[i + 1] == 'X' || text[i + 1] == 'x');
    if ((text[i] == ' ' || text[i] == '-') && between) continue;
    out += text[i];
  }
  return out;
}

int number(std::string_view digits) {
  int out = 0;
  for (const char c : digits) out = out * 10 + (c - '0');
  return out;
}

bool birthday(std::string_view digits, int latest) {
  constexpr std::array<int, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = number(digits.substr(0, 4));
  const int month = number(digits.substr(4, 2));
  const int day = number(digits.substr(6, 2));
  if (year < 1850 || year > latest || month < 1 || month > 12 || day < 1) return false;
  return day <= days[static_cast<std::size_t>(month - 1)];
}

/// The first two digits of an address code (GB/T 2260).
bool province(std::string_view digits) {
  constexpr std::array<std::string_view, 9> known{"",      "12345", "123", "1234567", "123456",
                                                  "01234", "12345", "1",   "123"};
  if (digits == "91") return true;
  const auto region = static_cast<std::size_t>(digits[0] - '0');
  return region < known.size() && known[region].find(digits[1]) != std::string_view::npos;
}

bool is_id_number(std::string_view seventeen, char last, int latest) {
  constexpr std::array<int, 17> weights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr std::string_view checks = "10X98765432";
  if (!province(seventeen) || !birthday(seventeen.substr(6, 8), latest)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += (seventeen[i] - '0') * weights[i];
  const char wanted = checks[static_cast<std::size_t>(sum % 11)];
  return (last == 'x' ? 'X' : last) == wanted;
}

bool in_line(std::string_view line) {
  for (std::size_t i = 0; i < line.size();) {
    if (!digit(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && digit(line[end])) ++end;
    const bool with_x = end < line.size() && (line[end] == 'X' || line[end] == 'x');
    const auto run = line.substr(i, end - i + (with_x ? 1 : 0));
    for (std::size_t at = 0; at + length <= run.size(); ++at) {
      // 18 digits with an X behind them are a number by themselves, as far as they go.
      const bool alone = run.size() == length || (with_x && run.size() == length + 1 && at == 0);
      const auto seventeen = run.substr(at, length - 1);
      if (is_id_number(seventeen, run[at + length - 1], alone ? any_year : order_year - 1)) {
        return true;
      }
    }
    i = end;
  }
  return false;
}

}  // namespace

bool holds_id_number(std::string_view text) {
  if (text.size() < length) return false;
  const auto line = narrow(text);
  return in_line(line) || in_line(joined(line));
}

}  // namespace kw::agent
