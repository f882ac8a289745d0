#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace kw::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

/// One named value of a log line. Numbers stay numbers in JSON.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const Error& e) : key(k), value(e.text()) {}
  template <class N>
    requires std::integral<N> || std::floating_point<N>
  Field(std::string_view k, N v) : key(k), value(std::to_string(v)), bare(true) {}

  std::string_view key;
  std::string value;
  bool bare = false;  ///< number or boolean: not quoted in JSON
};

using Fields = std::initializer_list<Field>;

/// Called once in main, before any thread starts. Lines go to standard error.
void start(Level from, Format format);

/// Keeps the last `lines` lines from level info on in memory, whatever level is written out. Called
/// once in main, beside `start`.
void keep_last(std::size_t lines);
/// What is kept, oldest first, each line cut at 2,000 bytes; nothing without `keep_last`. Any
/// thread.
std::vector<std::string> last_lines();

/// One structured line an event. `event` is a hyphenated name that never changes, so that it can be
/// searched for; what varies goes into the fields. Any thread.
void write(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields f = {}) { write(Level::debug, event, f); }
inline void info(std::string_view event, Fields f = {}) { write(Level::info, event, f); }
inline void warning(std::string_view event, Fields f = {}) { write(Level::warning, event, f); }
inline void error(std::string_view event, Fields f = {}) { write(Level::error, event, f); }

}  // namespace kw::log
