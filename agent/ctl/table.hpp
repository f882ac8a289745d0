#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kw::agent::ctl {

/// Columns that `text` takes on a terminal: East Asian wide characters take two, combining marks
/// none.
std::size_t width(std::string_view text);

/// Rows of text in aligned columns. Control characters, which a device may send, become '?'.
class Table {
 public:
  explicit Table(std::vector<std::string> head = {});
  void row(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  bool has_head_;
};

}  // namespace kw::agent::ctl
