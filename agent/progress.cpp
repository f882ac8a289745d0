#include "agent/progress.hpp"

namespace kw::agent {

std::optional<std::string_view> Progress::stalled(const PollProgress& poll, MonoTime now) const {
  if (asked_ && now - *asked_ > patience_) return "outbox";
  if (poll.ports == 0) return std::nullopt;
  if (poll.stuck == poll.ports || now - poll.last > patience_ + poll.limit) return "poll";
  return std::nullopt;
}

}  // namespace kw::agent
