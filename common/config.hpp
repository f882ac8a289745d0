#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/bilingual.hpp"
#include "common/i18n.hpp"
#include "common/result.hpp"

namespace kw::config {

/// One mistake in a configuration file, complete enough to be mended without a manual.
struct Problem {
  enum class Kind {
    syntax,
    unreadable,
    unknown_key,
    missing_key,
    wrong_type,
    out_of_range,
    bad_value,
    refused_value,  ///< `expected` says what is wrong instead
  };

  Kind kind;
  std::string file;
  std::uint32_t line = 0;  ///< 0: the file as a whole
  std::string key;         ///< dotted path: "device.0.poll_ms"
  Bilingual expected;      ///< "integer from 100 to 3600000"

  /// "out of range; expected integer from 100 to 3600000".
  std::string what(Lang lang) const;
  /// "agent.toml:12: device.0.poll_ms: expected integer from 100 to 3600000".
  std::string in(Lang lang) const;
};

struct Value;
using Table = std::map<std::string, Value, std::less<>>;

/// A TOML value with the line it stands on. Dates and times are not used and are refused.
struct Value {
  std::variant<bool, std::int64_t, double, std::string, std::vector<Value>, Table> data;
  std::uint32_t line = 0;

  /// A scalar as it would be typed after NAME=; nothing for arrays and tables.
  std::optional<std::string> scalar_text() const;
};

struct Document {
  std::string file;
  Table root;
};

Result<Document> parse(std::string_view text, std::string file, std::vector<Problem>& problems);
/// Errc::missing when there is no such file, Errc::invalid when it is not TOML (see `problems`).
Result<Document> load(const std::filesystem::path& path, std::vector<Problem>& problems);

/// Reads one table key by key. Every mistake goes to `problems` and the fallback is returned, so
/// that one pass finds them all; `done()` reports the keys that nobody asked for.
class Reader {
 public:
  Reader(const Table& table, std::uint32_t line, std::string path, std::string file,
         std::vector<Problem>& problems);
  explicit Reader(const Document& document, std::vector<Problem>& problems);

  std::string text(std::string_view key, std::string fallback);
  std::string required_text(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                       std::int64_t most);
  double number(std::string_view key, double fallback, double least, double most);
  std::vector<std::string> texts(std::string_view key);
  /// A sub-table; an empty one when absent.
  Reader section(std::string_view key);
  /// An array of tables; empty when absent.
  std::vector<Reader> sections(std::string_view key);
  /// The scalars of a sub-table as text, for settings whose names a driver's card defines.
  std::map<std::string, std::string, std::less<>> scalars(std::string_view key);

  /// Records a mistake that only the caller can see.
  void object(std::string_view key, Bilingual expected);
  /// The same, of a value of which a sentence says what is wrong.
  void refuse(std::string_view key, Bilingual why);
  std::uint32_t line() const { return line_; }
  void done();

 private:
  const Value* find(std::string_view key);
  void report(Problem::Kind kind, const Value* at, std::string_view key, Bilingual expected);
  std::string path_of(std::string_view key) const;

  const Table* table_;
  std::uint32_t line_;
  std::string path_;
  std::string file_;
  std::vector<Problem>* problems_;
  std::vector<std::string> asked_;
};

}  // namespace kw::config
