#include "tests/torture/ledger.hpp"

namespace kw::torture {

void Ledger::step(const Span& span, const Rows& rows, bool whole) {
  for (auto& row : history_) {
    if (row.gone.begun != never) continue;
    const auto now = rows.find(row.key);
    if (now == rows.end() || now->second != row.content) {
      row.gone = span;
      row.whole = row.whole && whole;
    }
  }
  for (const auto& [key, content] : rows) {
    const auto before = last_.find(key);
    if (before != last_.end() && before->second == content) continue;
    history_.push_back({key, content, span, {never, never}, whole});
  }
  last_ = rows;
}

void Ledger::fact(const std::string& name, const std::string& value, const Span& span) {
  facts_[name].push_back({value, span});
}

std::set<std::size_t> Ledger::owed() const {
  std::set<std::size_t> out;
  for (const auto& row : history_) {
    out.insert(row.born.done);
    if (row.gone.done != never) out.insert(row.gone.done);
  }
  for (const auto& [name, values] : facts_) {
    for (const auto& value : values) out.insert(value.span.done);
  }
  return out;
}

std::optional<std::string> Ledger::judge(std::size_t point, const Rows& found) const {
  Rows unexplained = found;
  // Of what is under way: how many of its changes are seen, and how many are not.
  std::size_t seen = 0;
  std::size_t unseen = 0;
  for (const auto& row : history_) {
    const auto here = found.find(row.key);
    const bool there = here != found.end() && here->second == row.content;
    const bool must = row.born.done <= point && row.gone.begun >= point;
    const bool may = row.born.begun < point && row.gone.done > point;
    if (must && !there) return "lost: " + row.key;
    if (there && may) unexplained.erase(row.key);
    if (!row.whole) continue;
    if (row.born.begun < point && row.born.done > point) ++(there ? seen : unseen);
    if (row.gone.begun < point && row.gone.done > point) ++(there ? unseen : seen);
  }
  if (!unexplained.empty()) return "wrong: " + unexplained.begin()->first + " is not what was told";
  if (seen > 0 && unseen > 0) {
    return "wrong: half of a commit: " + std::to_string(seen) + " changes, " +
           std::to_string(unseen) + " missing";
  }
  return std::nullopt;
}

std::optional<std::string> Ledger::judge_fact(std::size_t point, const std::string& name,
                                              const std::string& value) const {
  const auto of = facts_.find(name);
  std::optional<std::string> last;  // of those that were done
  bool under_way = false;           // found among those that had begun after it
  if (of != facts_.end()) {
    for (const auto& each : of->second) {
      if (each.span.done <= point) {
        last = each.value;
        under_way = false;
      } else if (each.span.begun < point && each.value == value) {
        under_way = true;
      }
    }
  }
  if (under_way || value == last.value_or("")) return std::nullopt;
  return (value.empty() ? "lost: " : "wrong: ") + name + " is \"" + value + "\", not \"" +
         last.value_or("") + "\"";
}

std::vector<std::string> Ledger::facts(std::size_t point) const {
  std::vector<std::string> out;
  for (const auto& [name, values] : facts_) {
    if (values.front().span.begun < point) out.push_back(name);
  }
  return out;
}

void Tally::add(const std::optional<std::string>& complaint) {
  ++cuts;
  if (!complaint) return;
  if (first.empty()) first = *complaint;
  if (complaint->starts_with("lost")) {
    ++lost;
  } else if (complaint->starts_with("start")) {
    ++start_failures;
  } else {
    ++wrong;
  }
}

}  // namespace kw::torture
