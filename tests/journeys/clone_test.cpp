// A kiosk's disk cloned into a second machine: one identity, two agents, both alive.
#include <doctest/doctest.h>

#include "common/db/database.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

std::int64_t asked(const CollectorRig& collector, const std::string& sql) {
  auto db = db::Database::open(collector.database(), {.read_only = true});
  REQUIRE(db);
  return (*db)->integer(sql).value_or(-1);
}

}  // namespace

TEST_CASE("two live agents of one identity: the newer is kept apart, both lose nothing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig first_hall{folder / "first-hall", 1, 150, 120};
  PrintersRig second_hall{folder / "second-hall", 1, 150, 120};
  AgentRig first{folder / "first", first_hall.configuration()};
  first.enroll(collector, "K1");
  first.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 5; }));
  first.stop();
  std::filesystem::copy(first.data(), folder / "second", std::filesystem::copy_options::recursive);
  AgentRig second{folder / "second", second_hall.configuration()};
  first.start();
  REQUIRE(eventually(30s, [&] { return first.status("/uplink/phase") == "live"; }));

  second.start();
  REQUIRE(eventually(30s, [&] {
    return asked(collector, "SELECT count(*) FROM work_order WHERE code='two-agents'") == 1;
  }));
  // Its events are kept all the same, and the first one's are judged as before.
  const auto before = collector.stored_events();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > before + 40; }));
  CHECK(asked(collector, "SELECT count(*) FROM fault WHERE code='two-agents'") == 1);

  first_hall.kill();
  second_hall.kill();
  for (auto* agent : {&first, &second}) {
    REQUIRE(eventually(30s, [&] { return agent->unacknowledged() == 0; }));
  }
  // The newer goes first: the older is never disturbed by it.
  second.stop();
  first.stop();
  collector.stop();
  const auto stored = stored_in_blocks(collector.database());
  for (const auto* agent : {&first, &second}) {
    const auto wrong = differences(kept_in_outbox(agent->data()), stored);
    for (const auto& line : wrong) MESSAGE(line);
    CHECK(wrong.empty());
  }
}
