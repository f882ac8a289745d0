#include "collector/gateway/doorkeeper.hpp"

#include <algorithm>

namespace kw::collector {
namespace {

constexpr double caught_up = 0.75;

double share(double of, double limit) { return limit <= 0 ? 1.0 : of / limit; }

}  // namespace

std::optional<Duration> Doorkeeper::turn_away(const Load& load, double drawn) {
  const double writer =
      std::max({share(static_cast<double>(load.jobs), static_cast<double>(limits_.jobs)),
                share(static_cast<double>(load.bytes), static_cast<double>(limits_.bytes)),
                share(static_cast<double>(load.behind.count()),
                      static_cast<double>(limits_.behind.count()))});
  behind_ = writer >= (behind_ ? caught_up : 1.0);
  const bool full = load.sessions >= limits_.sessions;
  if (!shut_for_ && !behind_ && !full) {
    turned_ = 0;
    return std::nullopt;
  }
  ++turned_;
  auto least = shut_for_.value_or(limits_.least);
  // The further behind, the longer the catching up.
  if (behind_)
    least = std::max(
        least,
        Duration{static_cast<Duration::rep>(static_cast<double>(limits_.least.count()) * writer)});
  return hint(least, turned_, drawn);
}

Duration Doorkeeper::hint(Duration least, std::size_t crowd, double drawn) const {
  const double takes_us = static_cast<double>(crowd) / limits_.per_second * 1e6;
  const double spread = std::max(takes_us, static_cast<double>(least.count()));
  const auto out = least + Duration{static_cast<Duration::rep>(spread * drawn)};
  return std::min(out, std::max(least, limits_.most));
}

}  // namespace kw::collector
