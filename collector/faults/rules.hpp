#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "collector/model/values.hpp"
#include "common/clock.hpp"
#include "common/config.hpp"

namespace kw::collector {

/// What makes a fault of a condition (故障规则). Data, not code: the shipped table is rules.toml.
struct Rule {
  std::string code;    ///< the condition's code
  std::string driver;  ///< only for this driver; empty: for all
  bool opens = true;   ///< false: shown as a condition, never a fault
  bool orders = true;  ///< whether a work order is made
  Level level = Level::general;
  Duration hold{};   ///< how long the condition must last first
  Duration clear{};  ///< how long it must have stopped before the fault is over
};

/// The rules in force. Lookup: code and driver, then code, then the defaults.
class Rules {
 public:
  /// Reads one rules file: `[defaults]` and `[[rule]]`.
  static Rules read(const config::Document& document, std::vector<config::Problem>& problems);
  /// The shipped rules, with `file` over them when it exists. Errc::invalid lists every mistake.
  static Result<Rules> load(const std::filesystem::path& file);

  const Rule& of(std::string_view driver, const wire::Condition& condition) const;
  const Rule& of(std::string_view driver, std::string_view code, wire::Severity severity) const;

  Duration silence() const { return silence_; }

 private:
  struct Row : Rule {
    bool own_hold = false;  ///< given in the row itself
    bool own_clear = false;
  };
  /// Lays `over` on top: its rows take the place of rows of the same code and driver, its defaults
  /// hold for all other rows; what a row does not give comes from what it replaces.
  void overlay(const Rules& over);
  const Row* find(std::string_view driver, std::string_view code) const;

  std::vector<Row> rows_;
  Rule fallback_;
  Rule warning_;
  Duration silence_ = std::chrono::seconds{120};
  bool overrides_hold_ = false;
  bool overrides_clear_ = false;
  bool overrides_silence_ = false;
};

/// The shipped rules as TOML text.
std::string_view shipped_rules();

}  // namespace kw::collector
