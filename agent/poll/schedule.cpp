#include "agent/poll/schedule.hpp"

#include <algorithm>
#include <cassert>

namespace kw::agent {

std::size_t Schedule::add(Duration every, MonoTime start) {
  entries_.push_back({every, start});
  return entries_.size() - 1;
}

std::size_t Schedule::next() const {
  assert(!entries_.empty());
  const auto first = std::ranges::min_element(entries_, {}, &Entry::due);
  return static_cast<std::size_t>(first - entries_.begin());
}

void Schedule::served(std::size_t entry, MonoTime now) {
  auto& e = entries_[entry];
  e.due += e.every;
  if (e.due <= now) e.due = now + e.every;
}

void Schedule::again_at(std::size_t entry, MonoTime when) {
  entries_[entry].due = std::min(entries_[entry].due, when);
}

}  // namespace kw::agent
