#include "agent/ctl/table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace kw::agent::ctl {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// East Asian Width W and F (UAX #11), joined to the blocks that matter on a kiosk.
constexpr std::array wide{
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0x33ff},
    Range{0x3400, 0x4dbf},   Range{0x4e00, 0x9fff},   Range{0xa000, 0xa4cf},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
    Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
    Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
};
constexpr std::array combining{Range{0x0300, 0x036f}, Range{0x200b, 0x200f}, Range{0x20d0, 0x20ff},
                               Range{0xfe00, 0xfe0f}};

bool in(char32_t c, const auto& ranges) {
  return std::ranges::any_of(ranges, [c](const Range& r) { return c >= r.first && c <= r.last; });
}

/// The next character; a broken one is taken byte by byte.
char32_t next(std::string_view& text) {
  const auto byte = static_cast<unsigned char>(text.front());
  const std::size_t length = byte < 0x80    ? 1
                             : byte >= 0xf0 ? 4
                             : byte >= 0xe0 ? 3
                             : byte >= 0xc0 ? 2
                                            : 1;
  if (length == 1 || text.size() < length) {
    text.remove_prefix(1);
    return byte;
  }
  char32_t out = byte & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    out = (out << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  text.remove_prefix(length);
  return out;
}

std::string printable(std::string text) {
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::size_t width(std::string_view text) {
  std::size_t out = 0;
  while (!text.empty()) {
    const char32_t c = next(text);
    if (in(c, combining)) continue;
    out += in(c, wide) ? 2 : 1;
  }
  return out;
}

Table::Table(std::vector<std::string> head) : has_head_(!head.empty()) {
  if (has_head_) rows_.push_back(std::move(head));
}

void Table::row(std::vector<std::string> cells) {
  for (auto& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace kw::agent::ctl
