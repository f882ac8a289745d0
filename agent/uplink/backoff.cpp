#include "agent/uplink/backoff.hpp"

#include <algorithm>

namespace kw::agent {
namespace {

constexpr int doublings_most = 20;  // past any cap, short of overflow

}  // namespace

Backoff::Backoff(const Options& options, std::uint64_t seed) : options_(options), random_(seed) {}

void Backoff::established() {
  stood_ = true;
  failures_ = 0;
}

Duration Backoff::drawn(Duration most) {
  std::uniform_int_distribution<Duration::rep> pause{0, std::max<Duration::rep>(most.count(), 0)};
  return Duration{pause(random_)};
}

std::optional<Duration> Backoff::next(wire::AfterClose then, std::optional<Duration> hint) {
  const bool stood = stood_;
  stood_ = false;
  switch (then) {
    case wire::AfterClose::stop_and_alarm:
      return std::nullopt;
    case wire::AfterClose::re_enroll:
      // Only a person or a renewal changes the certificate: look again now and then.
      return options_.cap / 2 + drawn(options_.cap / 2);
    case wire::AfterClose::wait_as_told:
      if (hint) return *hint + drawn(std::min(*hint, options_.spread));
      break;
    case wire::AfterClose::back_off:
      break;
  }
  if (stood) return drawn(std::min(options_.spread, options_.cap));
  const auto doubled = options_.first * (1LL << std::min(failures_, doublings_most));
  ++failures_;
  return drawn(std::min<Duration>(doubled, options_.cap));
}

}  // namespace kw::agent
