#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/checked.hpp"
#include "common/result.hpp"

/// Menu commands of barcode scanners (protocols, reading devices, section 5): a tag of three
/// characters, a subtag of three, and a value or what is asked of it.
namespace kw::drivers::menu {

/// How a family writes them.
struct Dialect {
  std::string_view name;
  std::string_view prefix;         ///< before the storage character or the tag
  bool storage_first;              ///< '@' and '#' come first, '.' and '!' last
  char storage;                    ///< the one for queries, of which none changes anything
  std::string_view storages;       ///< all there are
  std::string_view query_letters;  ///< the current value first
  std::string_view suffix;
  std::string_view reply_prefix;
  std::string_view fallback_query;
};

/// "newland", "honeywell", "mindeo".
std::span<const Dialect> dialects();

/// The bytes that ask `query`: "C11*", "C11MIN*,MAX*;CODENA*", "CBRENA?". Wrong unless
/// every command in it is a question: a setting cannot be written with this. `storage`: one of the
/// dialect's.
Checked<std::vector<std::uint8_t>> encode(const Dialect& dialect, std::string_view query,
                                          char storage);
Checked<std::vector<std::uint8_t>> encode(const Dialect& dialect, std::string_view query);

enum class Verdict : std::uint8_t {
  good,          ///< 06
  bad_value,     ///< 15: out of range, or a query it does not know
  unknown_name,  ///< 05: no such tag or subtag
};

/// One answered command: "C11MIN12" or, behind a comma, "MAX22".
struct Item {
  std::string text;
  Verdict verdict = Verdict::good;
  bool operator==(const Item&) const = default;
};

/// What stands in the bytes that came. Scanned codes may come before a reply and are skipped.
struct Found {
  enum class Kind : std::uint8_t {
    nothing,  ///< no reply here, not even a beginning: `skip` bytes are of no use
    part,     ///< a reply may begin at `skip`, its end is still to come
    reply,    ///< `items` is it; it ends at `skip`
  };
  Kind kind = Kind::nothing;
  std::size_t skip = 0;
  std::vector<Item> items = {};
};

/// The longest reply that is read.
inline constexpr std::size_t longest_reply = 2048;

/// Looks for the reply to `query`, which echoes its first tag. A longer one than `longest_reply` is
/// none.
Found find_reply(const Dialect& dialect, std::string_view query, std::span<const std::uint8_t> in);

}  // namespace kw::drivers::menu
