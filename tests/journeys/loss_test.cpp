// Nothing is lost: real programs, real sockets, real disks, killed at any moment. The judge is a
// ledger: what the outbox still keeps against what the collector's blocks decode to, event by
// event.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/journeys/rig.hpp"

using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

/// What packaging/torture.sh sets otherwise.
int setting(const char* name, int usual) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoi(given) : usual;
}

/// A kill must come at a moment that nothing in the system knows.
void any_moment(std::mt19937& random) {
  std::this_thread::sleep_for(std::chrono::milliseconds{100 + random() % 500});
}

/// How many differences begin so.
std::size_t told(const std::vector<std::string>& differences, std::string_view beginning) {
  return static_cast<std::size_t>(std::ranges::count_if(
      differences, [&](const std::string& line) { return line.starts_with(beginning); }));
}

void check_same(const AgentRig& agent, const CollectorRig& collector, std::size_t at_least,
                int kills = 0) {
  const auto kept = kept_in_outbox(agent.data());
  const auto stored = stored_in_blocks(collector.database());
  const auto wrong = differences(kept, stored);
  for (const auto& line : wrong) MESSAGE(line);
  if (kills > 0) {
    fmt::print(
        "{{\"torture\":\"kills\",\"kills\":{},\"acknowledged\":{},\"lost\":{},\"duplicated\":{},"
        "\"out_of_order\":{}}}\n",
        kills, kept.size(), told(wrong, "kept but") + told(wrong, "other"),
        told(wrong, "stored but"), told(wrong, "kept ") - told(wrong, "kept but"));
  }
  CHECK(wrong.empty());
  CHECK(kept.size() >= at_least);
  MESSAGE("events compared: " << kept.size());
}

}  // namespace

TEST_CASE(
    "agent and collector killed 20 times each, and a collector away for a minute, lose nothing") {
  const int kills_each = setting("KW_KILLS", 20);
  const TempFolder folder;
  std::mt19937 random{static_cast<unsigned>(setting("KW_SEED", 20260101))};
  CollectorRig collector{folder / "collector"};
  collector.start();
  // 4 printers that change every 150 ms: 26 events a second.
  PrintersRig printers{folder / "printers", 4, 150, 400 + kills_each * 10};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  for (int i = 0; i < kills_each; ++i) {
    any_moment(random);
    agent.kill();
    agent.start();
    any_moment(random);
    collector.kill();
    collector.start();
  }
  // Still the same flow after the last kill, and the link is up again.
  const auto after_kills = collector.stored_events();
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > after_kills + 20; }));

  collector.stop();
  std::this_thread::sleep_for(std::chrono::seconds{setting("KW_OUTAGE_S", 60)});
  collector.start();
  const auto after_outage = collector.stored_events();
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > after_outage + 100; }));

  printers.kill();
  REQUIRE(eventually(60s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  collector.stop();
  check_same(agent, collector, static_cast<std::size_t>(kills_each) * 20, 2 * kills_each);
}

TEST_CASE("an agent whose certificate another CA signed gets nothing and loses nothing") {
  const TempFolder folder;
  CollectorRig ours{folder / "ours"};
  CollectorRig theirs{folder / "theirs"};
  ours.start();
  theirs.start();
  PrintersRig printers{folder / "printers", 2, 200, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(ours, "K1");
  AgentRig foreign{folder / "foreign", printers.configuration()};
  foreign.enroll(theirs, "K1");

  // The foreign key and certificate, everything else as enrolled with ours, and nothing in the
  // folder that says so: the collector is asked to refuse them.
  const auto identity = agent.data() / "identity";
  std::ofstream{identity / "enrolment.json"}
      << fmt::format(R"({{"server":"{}","terminal":"K1"}})", ours.agents());
  const auto aside = folder / "aside";
  std::filesystem::create_directories(aside);
  for (const char* file : {"key.pem", "chain.pem"}) {
    std::filesystem::copy_file(identity / file, aside / file);
    std::filesystem::copy_file(foreign.data() / "identity" / file, identity / file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  agent.start();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() > 20; }));
  CHECK(ours.stored_events() == 0);
  agent.kill();

  for (const char* file : {"key.pem", "chain.pem"}) {
    std::filesystem::copy_file(aside / file, identity / file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  agent.start();
  REQUIRE(eventually(30s, [&] { return ours.stored_events() > 20; }));
  printers.kill();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  ours.stop();
  CHECK(theirs.stored_events() == 0);
  check_same(agent, ours, 20);
}

TEST_CASE("an outbox file replaced by an older copy loses nothing new") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 2, 200, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  const auto run_until_more = [&](std::size_t events) {
    const auto before = collector.stored_events();
    agent.start();
    REQUIRE(eventually(30s, [&] { return collector.stored_events() >= before + events; }));
    agent.stop();
  };
  run_until_more(20);
  std::filesystem::copy(agent.data(), folder / "image", std::filesystem::copy_options::recursive);
  run_until_more(20);
  const auto newest_before = stored_in_blocks(collector.database());

  std::filesystem::remove_all(agent.data());
  std::filesystem::copy(folder / "image", agent.data(), std::filesystem::copy_options::recursive);
  run_until_more(20);
  printers.kill();
  agent.start();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  collector.stop();
  check_same(agent, collector, 40);
  CHECK(collector.stored_events() >= newest_before.size() + 20);
}
