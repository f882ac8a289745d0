#include "agent/poll/schedule.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

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

Duration Schedule::interval(Entry& entry, Duration at_least) {
  const auto every = std::max(entry.every, at_least).count();
  const auto first = std::exchange(entry.first, false);
  std::uniform_int_distribution<Duration::rep> draw{first ? every / 2 : every - every / 10,
                                                    first ? every : every + every / 10};
  return Duration{draw(random_)};
}

void Schedule::served(std::size_t entry, MonoTime now, Duration at_least) {
  auto& e = entries_[entry];
  const auto next = interval(e, at_least);
  e.due += next;
  if (e.due <= now) e.due = now + next;
}

void Schedule::again_at(std::size_t entry, MonoTime when) {
  entries_[entry].due = std::min(entries_[entry].due, when);
}

}  // namespace kw::agent
