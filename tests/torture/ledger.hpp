#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kw::torture {

/// Where something stood in the log of a disk when it began and when it was told as done.
struct Span {
  std::size_t begun = 0;
  std::size_t done = 0;
};

/// What a program promised and when: rows that are there from one step to another, and facts that
/// have a value. After a power cut it says whether every promise was kept.
class Ledger {
 public:
  using Rows = std::map<std::string, std::string>;  ///< content by identity

  /// Everything that is stored after a step. `whole`: the step's changes come together or not at
  /// all.
  void step(const Span& span, const Rows& rows, bool whole = true);
  void fact(const std::string& name, const std::string& value, const Span& span);

  /// Points at which more is owed than before.
  std::set<std::size_t> owed() const;

  /// What is wrong with these rows after a cut at `point`; nothing when all is kept.
  std::optional<std::string> judge(std::size_t point, const Rows& found) const;
  std::optional<std::string> judge_fact(std::size_t point, const std::string& name,
                                        const std::string& value) const;
  /// The names of facts that have begun before `point`.
  std::vector<std::string> facts(std::size_t point) const;

 private:
  static constexpr auto never = std::numeric_limits<std::size_t>::max();
  struct Row {
    std::string key;
    std::string content;
    Span born;
    Span gone{never, never};
    bool whole = true;
  };
  struct Value {
    std::string value;
    Span span;
  };

  std::vector<Row> history_;
  Rows last_;
  std::map<std::string, std::vector<Value>> facts_;
};

/// Outcomes of many power cuts.
struct Tally {
  std::uint64_t cuts = 0;
  std::uint64_t lost = 0;
  std::uint64_t wrong = 0;  ///< damaged, half, invented, twice
  std::uint64_t start_failures = 0;
  std::string first;  ///< the first complaint

  void add(const std::optional<std::string>& complaint);
  std::uint64_t bad() const { return lost + wrong + start_failures; }
};

}  // namespace kw::torture
