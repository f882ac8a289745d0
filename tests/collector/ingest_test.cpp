#include <doctest/doctest.h>

#include "collector/gateway/credit.hpp"
#include "collector/ingest/admit.hpp"

using namespace kw;
using namespace kw::collector;

namespace {

pb::Batch batch(std::uint64_t first, std::uint64_t last, int events, std::uint64_t gap = 0) {
  pb::Batch out;
  out.set_epoch(9);
  out.set_first(first);
  out.set_last(last);
  if (gap > 0) out.add_item()->mutable_gap()->set_count(gap);
  for (int i = 0; i < events; ++i) out.add_item()->mutable_event()->mutable_power();
  return out;
}

pb::Hello hello(std::initializer_list<std::uint64_t> epochs) {
  pb::Hello out;
  for (const auto e : epochs) out.add_epoch()->set_epoch(e);
  return out;
}

}  // namespace

TEST_CASE("a batch that follows the mark and covers its range is next") {
  CHECK(admit(batch(11, 13, 3), 10) == Admission::next);
  CHECK(admit(batch(11, 20, 3, 7), 10) == Admission::next);
}

TEST_CASE("a batch with a hole before it is asked for again; one that is known is acknowledged") {
  CHECK(admit(batch(12, 13, 2), 10) == Admission::resend);
  CHECK(admit(batch(9, 11, 3), 10) == Admission::resend);
  CHECK(admit(batch(9, 10, 2), 10) == Admission::known);
}

TEST_CASE("a batch that does not cover its range is refused") {
  CHECK(admit(batch(11, 13, 2), 10) == Admission::garbled);
  CHECK(admit(batch(11, 12, 3), 10) == Admission::garbled);
  CHECK(admit(batch(13, 11, 1), 10) == Admission::garbled);
  CHECK(admit(batch(0, 0, 1), 0) == Admission::garbled);
  CHECK(admit(batch(11, 13, 0, UINT64_MAX), 10) == Admission::garbled);
  CHECK(admit(batch(1, UINT64_MAX, 0, UINT64_MAX), 0) == Admission::next);
}

TEST_CASE("epochs are numbered in the order in which the kiosk lists them") {
  const auto plan = plan_epochs({{.epoch = 5, .no = 3, .seq = 40}}, 4, hello({5, 8, 2}));
  REQUIRE(plan.marks.size() == 3);
  CHECK(plan.marks[0].seq == 40);
  CHECK(plan.marks[1].no == 4);
  CHECK(plan.marks[2].no == 5);
  CHECK(plan.added.size() == 2);
  CHECK(plan.next_no == 6);
}

TEST_CASE("an epoch that is no longer listed is forgotten, its number is never used again") {
  const auto plan = plan_epochs({{.epoch = 5, .no = 1}, {.epoch = 6, .no = 2}}, 3, hello({6, 7}));
  CHECK(plan.dropped == std::vector<std::uint64_t>{5});
  CHECK(plan.added.front().no == 3);
}

TEST_CASE("within the session's boot the monotonic clock decides, whatever the wall clock says") {
  pb::Hello h;
  h.set_boot_id("b");
  h.set_mono_us(1'000'000);
  auto& current = *h.add_epoch();
  current.set_epoch(1);
  current.set_boot_id("b");
  const SessionTime time{h, wall_from(500'000'000)};
  const auto base = time.corrected(1, 400'000, 12345);
  CHECK(base.at == wall_from(499'400'000));
  CHECK_FALSE(base.uncertain);
}

TEST_CASE(
    "for an earlier boot the last known offset corrects the wall clock, else it is uncertain") {
  pb::Hello h;
  h.set_boot_id("b");
  auto& known = *h.add_epoch();
  known.set_epoch(1);
  known.set_boot_id("a");
  known.set_clock_offset_known(true);
  known.set_clock_offset_us(-7);
  auto& unknown = *h.add_epoch();
  unknown.set_epoch(2);
  unknown.set_boot_id("a");
  const SessionTime time{h, wall_from(500)};
  CHECK(time.corrected(1, 0, 100).at == wall_from(93));
  CHECK_FALSE(time.corrected(1, 0, 100).uncertain);
  CHECK(time.corrected(2, 0, 100).uncertain);
  CHECK(time.corrected(3, 0, 100).uncertain);
}

TEST_CASE("a frame over the credit left is seen") {
  CreditPool pool{0};
  CHECK(pool.join(1, false) == CreditPool::live);
  CHECK(pool.spend(1, 4'000));
  CHECK_FALSE(pool.spend(1, 97));
  CHECK(pool.spend(1, 96));
  CHECK(pool.refund(1, 4'000, false) == 4'000);
  CHECK(pool.spend(1, 4'000));
}

TEST_CASE("backlogs share one pool in turn, and give it back when they are drained") {
  CreditPool pool{CreditPool::grant};
  pool.join(1, true);
  pool.join(2, true);
  const auto first = pool.next_grant();
  REQUIRE(first);
  CHECK(first->session == 1);
  CHECK_FALSE(pool.next_grant());
  CHECK(pool.spend(1, CreditPool::grant + CreditPool::live));
  CHECK(pool.refund(1, CreditPool::grant, true) == CreditPool::grant);
  CHECK_FALSE(pool.next_grant());
  pool.spend(1, CreditPool::grant);
  CHECK(pool.refund(1, CreditPool::grant, false) == 0);
  const auto second = pool.next_grant();
  REQUIRE(second);
  CHECK(second->session == 2);
}

TEST_CASE("a session that leaves gives back what it was granted") {
  CreditPool pool{CreditPool::grant};
  pool.join(1, true);
  REQUIRE(pool.next_grant());
  pool.leave(1);
  CHECK(pool.free_bytes() == CreditPool::grant);
}
