#include "agent/ctl/table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
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

std::size_t width_of(char32_t c) {
  if (in(c, combining)) return 0;
  return in(c, wide) ? 2 : 1;
}

constexpr std::size_t gap = 2;          ///< between two columns
constexpr std::size_t least_width = 6;  ///< no column gets narrower for its neighbours' sake

}  // namespace

std::string painted(std::string_view text, Colour colour, const View& view) {
  constexpr std::string_view sequences[] = {"", "32", "33", "31;1", "2", "1"};
  std::string out{text};
  if (!view.colour || colour == Colour::plain) return out;
  out.insert(0, "m").insert(0, sequences[static_cast<std::size_t>(colour)]).insert(0, "\x1b[");
  return out.append("\x1b[0m");
}

std::string printable(std::string text) {
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::size_t width(std::string_view text) {
  std::size_t out = 0;
  while (!text.empty()) out += width_of(next(text));
  return out;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string{text};
  std::string out;
  std::size_t used = 0;
  while (!text.empty() && columns > 0) {
    auto rest = text;
    const auto more = width_of(next(rest));
    if (used + more > columns - 1) break;
    out.append(text.substr(0, text.size() - rest.size()));
    used += more;
    text = rest;
  }
  return columns == 0 ? out : out + "…";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> out(1);
  std::size_t used = 0;
  std::size_t blank = std::string::npos;  // where the line could be broken
  while (!text.empty()) {
    auto rest = text;
    const char32_t c = next(rest);
    const auto more = width_of(c);
    if (columns > 0 && used > 0 && used + more > columns) {
      std::string over;
      if (blank != std::string::npos && c != U' ') {
        over = out.back().substr(blank + 1);
        out.back().resize(blank);
      }
      used = width(over);
      out.push_back(std::move(over));
      blank = std::string::npos;
      if (c == U' ') {
        text = rest;
        continue;
      }
    }
    if (c == U' ') blank = out.back().size();
    out.back().append(text.substr(0, text.size() - rest.size()));
    used += more;
    text = rest;
  }
  return out;
}

Table::Table(std::vector<Cell> head) {
  if (head.empty()) return;
  for (auto& cell : head) cell.colour = Colour::strong;
  rows_.push_back(std::move(head));
}

void Table::row(std::vector<Cell> cells) {
  for (auto& cell : cells) cell.text = printable(std::move(cell.text));
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t columns) const {
  std::vector<std::size_t> out;
  for (const auto& row : rows_) {
    out.resize(std::max(out.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) out[i] = std::max(out[i], width(row[i].text));
  }
  if (columns == 0 || out.empty()) return out;
  auto all = std::accumulate(out.begin(), out.end(), gap * (out.size() - 1));
  while (all > columns) {
    const auto widest = std::ranges::max_element(out);
    if (*widest <= least_width) break;
    --*widest;
    --all;
  }
  return out;
}

namespace {

/// The last cell of a row, its further lines under its first.
void wrap_last(std::string& out, const Cell& cell, const std::vector<std::size_t>& widths,
               const View& view) {
  const auto indent = std::accumulate(widths.begin(), widths.end() - 1, gap * (widths.size() - 1));
  const auto lines = wrapped(cell.text, view.columns == 0 ? 0 : widths.back());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n").append(indent, ' ');
    out += painted(lines[i], cell.colour, view);
  }
}

}  // namespace

std::string Table::text(const View& view) const {
  const auto fitted = widths(view.columns);
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i + 1 == fitted.size() && view.wrap) {
        wrap_last(out, row[i], fitted, view);
        continue;
      }
      const auto cell = shortened(row[i].text, fitted[i]);
      out += painted(cell, row[i].colour, view);
      if (i + 1 < row.size()) out.append(fitted[i] - width(cell) + gap, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace kw::agent::ctl
