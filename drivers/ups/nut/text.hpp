#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::nut {

// NUT's text protocol (Network UPS Tools developer guide, section "Network protocol information"):
// lines of words; a word in quotes may hold spaces, and a backslash takes the next character as it
// is.

/// An answer longer than this is garbled: a UPS has some hundred variables of at most 256
/// characters.
constexpr std::size_t largest_answer = 128 * 1024;

/// A line's words. Errc::garbled: quotes that do not close, control characters, too long.
Result<std::vector<std::string>> words_of(std::string_view line);

/// What came back for a LIST.
struct Listing {
  std::string error;  ///< "DATA-STALE" … when the server said ERR; else empty
  std::vector<std::vector<std::string>> rows;  ///< between BEGIN and END, whole lines
};

/// The answer to "LIST `what`", as it arrives. Every byte is looked at once, in however small
/// pieces a server sends its lines.
class ListingReader {
 public:
  explicit ListingReader(std::string what) : what_{std::move(what)} {}

  /// Takes what has arrived; the answer once it is whole, nothing while more is needed.
  /// Errc::garbled when it is none, is too long, or something stands behind it; not to be called
  /// again after an answer or an error.
  Result<std::optional<Listing>> take(std::string_view arrived);

 private:
  std::string what_;
  std::string rest_;       ///< the line that has not ended yet
  std::size_t taken_ = 0;  ///< bytes of the answer so far
  bool begun_ = false;     ///< its BEGIN was seen
  Listing listing_;
};

/// Whether `name` may stand in a request: what NUT allows for the name of a UPS.
bool is_ups_name(std::string_view name);

}  // namespace kw::drivers::nut
