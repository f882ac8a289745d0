#include "tests/fleet/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kw::fleet {
namespace {

constexpr std::uint64_t one_to_one = 32;  // below it each microsecond has its own place
constexpr auto most = std::chrono::hours{1};

// The five bits behind the leading one are the step, its position the power.
std::size_t place_of(std::uint64_t us) {
  if (us < one_to_one) return us;
  const auto power = static_cast<std::size_t>(std::bit_width(us)) - 6;
  return (power + 1) * one_to_one + ((us >> power) - one_to_one);
}

std::uint64_t end_of(std::size_t place) {
  if (place < one_to_one) return place;
  const auto power = place / one_to_one - 1;
  return ((one_to_one + place % one_to_one + 1) << power) - 1;
}

}  // namespace

void Histogram::add(Duration took) {
  took = std::clamp<Duration>(took, Duration::zero(), most);
  ++at_[place_of(static_cast<std::uint64_t>(took.count()))];
  ++count_;
  longest_ = std::max(longest_, took);
}

Duration Histogram::within(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < at_.size(); ++i) {
    seen += at_[i];
    if (seen >= wanted && seen > 0) {
      return std::min<Duration>(std::chrono::microseconds{end_of(i)}, longest_);
    }
  }
  return Duration::zero();
}

}  // namespace kw::fleet
