// What `kioskctl outbox check` looks at: the file as it stands.
#include "agent/outbox/inspect.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "agent/ctl/commands.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using What = OutboxDamage::What;

namespace {

constexpr std::int64_t ceiling = 256LL * 1024 * 1024;

void run(const Box& box, const char* sql) {
  auto db = db::Database::open(box.folder / "outbox.db", {});
  REQUIRE(db);
  (*db)->run(sql);
  REQUIRE_FALSE((*db)->failure());
}

OutboxInspection look(const Box& box, std::int64_t most = ceiling) {
  auto found = inspect_outbox(box.folder.path(), most);
  REQUIRE(found);
  return std::move(*found);
}

void fill(Box& box) {
  auto& outbox = box.open(7);
  outbox.append_state("printer", Box::status({"media-low"}), box.now());
  box.samples(20, 50);
  outbox.save_supplies({{"printer", "paper", "1"}});
  outbox.append(Box::note("last"), box.now());
}

}  // namespace

TEST_CASE("a sound outbox is sound, beside its agent and without it") {
  Box box;
  fill(box);
  for (const bool running : {true, false}) {
    if (!running) box.cut();
    const auto found = look(box);
    CHECK(found.damage.empty());
    REQUIRE(found.epochs.size() == 1);
    CHECK(found.epochs[0].epoch == 7);
    CHECK(found.epochs[0].events == 22);
    CHECK(found.epochs[0].last == 22);
    CHECK(found.bytes > 0);
  }
}

TEST_CASE("what was acknowledged and pruned is no hole, and a counted gap is none either") {
  Box box;
  fill(box);
  box.outbox->acknowledge(7, 10);
  box.clock.advance(std::chrono::days{8});
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  const auto found = look(box);
  CHECK(found.damage.empty());
  CHECK(found.epochs[0].first_kept == 11);
}

TEST_CASE("each kind of damage is named with its place") {
  struct Case {
    const char* sql;
    What what;
    std::uint64_t first;
    std::uint64_t count;
  };
  const Case cases[] = {
      {"UPDATE record SET wall_us=wall_us+1 WHERE seq=5", What::record, 5, 1},
      {"DELETE FROM record WHERE seq IN (5,6)", What::hole, 5, 2},
      {"DELETE FROM record WHERE seq>19", What::tail, 20, 3},
      {"UPDATE epoch SET acked=30", What::marks, 23, 8},
      {"UPDATE device SET crc=crc+1", What::device, 0, 0},
      {"UPDATE supply SET body='2'", What::supply, 0, 0},
  };
  for (const auto& each : cases) {
    Box box;
    fill(box);
    box.cut();
    run(box, each.sql);
    const auto found = look(box);
    REQUIRE_MESSAGE(found.damage.size() == 1, each.sql);
    CHECK(found.damage[0].what == each.what);
    CHECK(found.damage[0].first == each.first);
    CHECK(found.damage[0].count == each.count);
  }
}

TEST_CASE("a file of garbage, one that is too large and none at all") {
  Box box;
  CHECK(inspect_outbox(box.folder.path(), ceiling).error().code() == Errc::missing);
  fill(box);
  const auto large = look(box, 4'096);
  REQUIRE(large.damage.size() == 1);
  CHECK(large.damage[0].what == What::size);
  box.cut();
  std::ofstream{box.folder / "outbox.db"} << std::string(50'000, 'g');
  const auto garbage = inspect_outbox(box.folder.path(), ceiling);
  REQUIRE(garbage);
  REQUIRE(garbage->damage.size() == 1);
  CHECK(garbage->damage[0].what == What::pages);
}

TEST_CASE("kioskctl outbox check: 0 sound, 1 damaged, 2 no file") {
  Box box;
  ctl::Options options;
  options.data = box.folder.path();
  options.config = box.folder / "agent.toml";
  CHECK(ctl::run_outbox_check(options) == ctl::usage);
  fill(box);
  CHECK(ctl::run_outbox_check(options) == ctl::well);
  box.cut();
  run(box, "DELETE FROM record WHERE seq=5");
  CHECK(ctl::run_outbox_check(options) == ctl::fault);
  options.json = true;
  options.view.lang = Lang::zh_cn;
  CHECK(ctl::run_outbox_check(options) == ctl::fault);
}
