#include "agent/enroll/renewal.hpp"

#include <doctest/doctest.h>

#include "common/identity/authority.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

constexpr WallTime made = wall_from(1'790'000'000'000'000);

RenewalPlan plan(Duration life, double drawn) {
  return {made - identity::back_dated, made + life, drawn};
}

}  // namespace

TEST_CASE("a certificate is renewed between two thirds and three quarters of its life") {
  const auto earliest = plan(90 * identity::day, 0.0);
  CHECK_FALSE(earliest.is_due(made + 60 * identity::day - 1s));
  CHECK(earliest.is_due(made + 60 * identity::day + 1s));
  const auto latest = plan(90 * identity::day, 1.0);
  CHECK_FALSE(latest.is_due(made + 69 * identity::day - 1s));
  CHECK(latest.is_due(made + 69 * identity::day + 1s));
  // A short life counts from the certificate's making, not from its back-dated beginning.
  CHECK_FALSE(plan(60s, 0.0).is_due(made + 39s));
  CHECK(plan(60s, 0.0).is_due(made + 41s));
}

TEST_CASE("a renewal that fails is tried more and more rarely, and not too rarely near the end") {
  auto distant = plan(90 * identity::day, 0.0);
  const auto begin = made + 61 * identity::day;
  CHECK(distant.after_failure(begin, 1.0) == Duration{1min});
  CHECK(distant.after_failure(begin, 1.0) == Duration{2min});
  CHECK(distant.after_failure(begin, 0.0) == Duration{2min});
  for (int i = 0; i < 20; ++i) static_cast<void>(distant.after_failure(begin, 0.5));
  CHECK(distant.after_failure(begin, 1.0) == Duration{6h});
  CHECK(distant.after_failure(begin, 0.0) == Duration{3h});
  CHECK(distant.after_failure(made + 90 * identity::day - 1h, 1.0) == Duration{1h});
  CHECK(distant.after_failure(made + 100 * identity::day, 1.0) == Duration{1h});
}
