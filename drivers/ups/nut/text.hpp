#pragma once

#include <optional>
#include <string>
#include <string_view>
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

/// The answer to "LIST `what`" in what has arrived; nothing while more is needed. Errc::garbled
/// when it is none, is too long, or something stands behind it.
Result<std::optional<Listing>> decode_listing(std::string_view in, std::string_view what);

/// Whether `name` may stand in a request: what NUT allows for the name of a UPS.
bool is_ups_name(std::string_view name);

}  // namespace kw::drivers::nut
