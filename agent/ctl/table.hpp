#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// How a command's output is to look.
struct View {
  Lang lang = Lang::en;
  std::size_t columns = 0;  ///< of the terminal; 0: as wide as it comes
  bool colour = false;
  bool wrap = true;  ///< the last column of a table goes on below; false: it is cut like the others
  WallTime now{};    ///< for ages
};

enum class Colour { plain, good, warning, bad, faint, strong };

/// `text` between the sequences that colour it on a terminal; unchanged when the view has none.
std::string painted(std::string_view text, Colour colour, const View& view);

/// Columns that `text` takes on a terminal: East Asian wide characters take two, combining marks
/// none.
std::size_t width(std::string_view text);

/// `text` without control characters, which a device may send: they become '?'.
std::string printable(std::string text);

/// At most `columns` wide, its end replaced by "…" when it was wider; never cut within a character.
std::string shortened(std::string_view text, std::size_t columns);

/// Lines of at most `columns` each, broken at blanks where there are any, else between characters;
/// 0: one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

struct Cell {
  std::string text;
  Colour colour = Colour::plain;

  Cell(std::string t) : text(std::move(t)) {}
  Cell(const char* t) : text(t) {}
  Cell(std::string t, Colour c) : text(std::move(t)), colour(c) {}
};

/// Rows of text in aligned columns. A table that is wider than the terminal takes from its widest
/// columns first: cells are cut, those of the last column go on in the lines below.
class Table {
 public:
  explicit Table(std::vector<Cell> head = {});
  void row(std::vector<Cell> cells);
  std::string text(const View& view) const;

 private:
  std::vector<std::size_t> widths(std::size_t columns) const;

  std::vector<std::vector<Cell>> rows_;
};

}  // namespace kw::agent::ctl
