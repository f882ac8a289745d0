// Backups as files: what is named, kept and put aside. The journeys have them with real programs.
#include "collector/backup.hpp"

#include <atomic>
#include <fstream>
#include <limits>
#include <thread>

#include <doctest/doctest.h>

#include "collector/backup_folder.hpp"
#include "collector/data_folder.hpp"
#include "collector/store/sqlite/opening.hpp"
#include "collector/store_place.hpp"
#include "collector/trial_folder.hpp"
#include "common/db/copy.hpp"
#include "common/platform/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<db::Database> open(const fs::path& file) {
  auto db = db::Database::open(file, {});
  REQUIRE(db);
  return std::move(*db);
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

void make_store(const fs::path& data, std::string_view terminal) {
  auto store = SqliteStore::open(store_file(data));
  REQUIRE(store);
  const auto made =
      (*store)->transact([&] { (*store)->make_terminal(terminal, wall_from(1'000'000)); });
  REQUIRE(made);
}

std::int64_t terminals(const fs::path& file) {
  return open(file)->integer("SELECT count(*) FROM terminal").value_or(-1);
}

}  // namespace

TEST_CASE("a copy is one moment of a database that is being written, and nobody waits for it") {
  tests::TempFolder folder;
  const auto file = folder / "live.db";
  auto db = open(file);
  db->script("CREATE TABLE t (n BIGINT, pad TEXT)");
  const std::string pad(1'000, 'p');
  const auto write = [&] {
    db::Transaction transaction{*db};
    // Two at a time: an odd number in the copy would be half a commit.
    db->run("INSERT INTO t VALUES (1, $1)", pad);
    db->run("INSERT INTO t VALUES (2, $1)", pad);
    const auto done = transaction.commit();
    return static_cast<bool>(done);
  };
  {
    db::Transaction transaction{*db};
    for (int i = 0; i < 10'000; ++i) db->run("INSERT INTO t VALUES (0, $1)", pad);
    REQUIRE(transaction.commit());
  }
  std::atomic<bool> copied{false};
  std::optional<Result<db::Pages>> pages;
  std::thread copying{[&] {
    pages = db::copy_online(file, folder / "copy.db");
    copied = true;
  }};
  int commits = 0;
  bool refused = false;
  while (!copied || commits == 0) {
    refused = !write() || refused;
    ++commits;
  }
  copying.join();
  REQUIRE(pages);
  REQUIRE_MESSAGE(*pages, pages->error().text());
  CHECK_FALSE(refused);
  CHECK(commits > 0);
  auto copy = open(folder / "copy.db");
  CHECK(db::integrity(*copy) == "ok");
  CHECK(copy->integer("SELECT count(*) FROM t").value_or(1) % 2 == 0);
  CHECK((*pages)->count * (*pages)->bytes_each > 10'000'000);
}

TEST_CASE("a look through a database larger than the bound leaves the bulk out, and says so") {
  tests::TempFolder folder;
  auto db = open(folder / "x.db");
  db->script("CREATE TABLE big (a); CREATE TABLE little (a); INSERT INTO big VALUES (1)");
  const ManualClock clock;
  CHECK(db::quick_look(*db, clock, {.bulk = "big"}).sound == db::Sound::yes);
  const auto part = db::quick_look(*db, clock, {.whole_bytes = 0, .bulk = "big"});
  CHECK(part.sound == db::Sound::unfinished);
  CHECK(part.finding == "big");
  const auto none = db::quick_look(*db, clock, {.whole_bytes = 0, .bulk = "big", .time = -1s});
  CHECK(none.finding == "big little");
}

TEST_CASE("a folder of backups keeps the newest, and what is not a backup") {
  tests::TempFolder folder;
  ManualClock clock;
  CHECK_FALSE(newest_backup(folder.path(), clock));
  CHECK(backup_file(folder / "named.db", clock) == folder / "named.db");
  std::vector<fs::path> made;
  for (int i = 0; i < 5; ++i) {
    clock.advance(24h);
    made.push_back(backup_file(folder.path(), clock));
    std::ofstream{made.back()} << i;
    std::ofstream{made.back().string() + ".sha256"} << i;
  }
  std::ofstream{folder / "collector-of-mine.db"} << "kept";
  const auto newest = newest_backup(folder.path(), clock);
  REQUIRE(newest);
  CHECK(*newest == made.back());
  const auto gone = forget_old_backups(made.back(), 2);
  CHECK(gone == std::vector<fs::path>{made[0], made[1], made[2]});
  CHECK(files_in(folder.path()) == 2 * 2 + 1);
  CHECK(forget_old_backups(made.back(), 2).empty());
}

TEST_CASE("a clock that was ahead once costs no later backup") {
  tests::TempFolder folder;
  ManualClock clock;
  const auto make = [&] {
    const auto file = backup_file(folder.path(), clock);
    std::ofstream{file} << "x";
    return file;
  };
  clock.advance(1'000h);
  const auto ahead = make();
  clock.advance(-1'000h);
  const auto first = make();
  clock.advance(24h);
  const auto second = make();
  CHECK(*newest_backup(folder.path(), clock) == second);
  CHECK(named_after(second) == std::vector<fs::path>{ahead});
  CHECK(forget_old_backups(second, 1) == std::vector<fs::path>{ahead, first});
  CHECK(fs::exists(second));
}

TEST_CASE("room for a backup is made of the oldest, never of the newest that is whole") {
  tests::TempFolder folder;
  ManualClock clock;
  std::vector<fs::path> made;
  for (int i = 0; i < 3; ++i) {
    made.push_back(backup_file(folder.path(), clock));
    std::ofstream{made.back()} << "x";
    if (i < 2) std::ofstream{made.back().string() + ".sha256"} << "x";
    clock.advance(24h);
  }
  const auto next = backup_file(folder.path(), clock);
  CHECK_FALSE(make_room(next, 1));
  const auto lacks = make_room(next, std::numeric_limits<std::int64_t>::max());
  REQUIRE(lacks);
  CHECK(lacks->available > 0);
  CHECK(files_in(folder.path()) == 5);  // what would not do is not begun
  CHECK(lacks_room(folder / "not" / "yet", std::numeric_limits<std::int64_t>::max()));

  // One byte more than there is: the oldest is a sparse file of some size, and would do.
  fs::resize_file(made[0], 1ULL << 40);
  make_room(next, static_cast<std::int64_t>(fs::space(folder.path()).available) + (1LL << 36));
  CHECK_FALSE(fs::exists(made[0]));
  CHECK(fs::exists(made[1]));
  CHECK(fs::exists(made[2]));
}

TEST_CASE("a backup leaves a store of an older version at its schema") {
  tests::TempFolder folder;
  const ManualClock clock;
  make_store(folder.path(), "K1");
  const auto store = store_file(folder.path());
  const std::string last = "SELECT max(number) FROM schema_migration";
  const auto ours = open(store)->integer(last).value_or(0);
  open(store)->run("DELETE FROM schema_migration WHERE number=$1", ours);
  const auto made = make_backup(folder.path(), folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(made, made.error().text());
  CHECK(made->facts.schema == ours - 1);
  CHECK_FALSE(made->recorded.done);
  CHECK(open(store)->integer(last) == ours - 1);
}

TEST_CASE("away from any data folder a trial leaves nothing behind") {
  tests::TempFolder folder;
  const ManualClock clock;
  fs::create_directories(folder / "data");
  make_store(folder / "data", "K1");
  REQUIRE(make_backup(folder / "data", folder / "b.db", "tester", clock));
  const auto tried = try_backup(folder / "nowhere", folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(tried, tried.error().text());
  CHECK(tried->facts.wrong.empty());
  fs::path place;
  {
    const auto made = TrialFolder::make(folder / "nowhere");
    REQUIRE(made);
    place = (*made)->path();
    CHECK(fs::status(place).permissions() == fs::perms::owner_all);
    std::ofstream{place / "collector.db"} << "x";
    CHECK((*TrialFolder::make(folder / "nowhere"))->path() != place);
  }
  CHECK_FALSE(fs::exists(place));
}

TEST_CASE("a backup in the place of the store: what is beside it is another's, at any moment") {
  tests::TempFolder folder;
  const ManualClock clock;
  const auto data = folder / "data";
  fs::create_directories(data);
  make_store(data, "K1");
  REQUIRE(make_backup(data, folder / "b.db", "tester", clock));
  CHECK(is_backup(folder / "b.db"));
  CHECK_FALSE(is_backup(store_file(data)));

  // The store goes on, and its end leaves a log; then somebody copies the backup over it.
  const auto file = store_file(data);
  make_store(data, "K2");
  {
    auto running = SqliteStore::open(file);
    REQUIRE(running);
    REQUIRE((*running)->transact([&] { (*running)->make_terminal("K3", clock.wall()); }));
    fs::copy_file(file.string() + "-wal", folder / "wal");
  }
  fs::copy_file(folder / "wal", file.string() + "-wal");
  fs::copy_file(folder / "b.db", file, fs::copy_options::overwrite_existing);
  {
    const auto store = open_store(data, clock);
    REQUIRE_MESSAGE(store, store.error().text());
  }
  CHECK(terminals(file) == 1);
  CHECK_FALSE(is_backup(file));
  CHECK(open(file)->integer("SELECT count(*) FROM audit WHERE action='store.copied-back'") == 1);

  // From now on its log is its own: nothing is put aside at the next start.
  make_store(data, "K4");
  {
    auto running = SqliteStore::open(file);
    REQUIRE(running);
    REQUIRE((*running)->transact([&] { (*running)->make_terminal("K5", clock.wall()); }));
    fs::remove(folder / "wal");
    fs::copy_file(file.string() + "-wal", folder / "wal");
    fs::copy_file(file, folder / "killed.db");
  }
  fs::copy_file(folder / "killed.db", file, fs::copy_options::overwrite_existing);
  fs::copy_file(folder / "wal", file.string() + "-wal");
  {
    const auto store = open_store(data, clock);
    REQUIRE_MESSAGE(store, store.error().text());
  }
  CHECK(terminals(file) == 3);
}

TEST_CASE("a restore carries over nothing from a store that the backup is not of") {
  tests::TempFolder folder;
  const ManualClock clock;
  for (const char* name : {"ours", "theirs"}) {
    fs::create_directories(folder / name);
    make_store(folder / name, name);
  }
  REQUIRE(make_backup(folder / "ours", folder / "b.db", "tester", clock));
  const auto done = restore_backup(folder / "theirs", folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(done, done.error().text());
  CHECK_FALSE(done->not_carried.empty());
  CHECK(fs::exists(done->aside));
  CHECK(open(store_file(folder / "theirs"))
            ->integer("SELECT count(*) FROM terminal WHERE code='ours'") == 1);
}

TEST_CASE("a restore that the power cut short is done again, with what came after the backup") {
  tests::TempFolder folder;
  const ManualClock clock;
  const auto data = folder / "data";
  fs::create_directories(data);
  make_store(data, "K1");
  REQUIRE(make_backup(data, folder / "b.db", "tester", clock));
  make_store(data, "K2");
  const auto store = store_file(data);
  // As it was left by a volume without hard links: no store, a copy that was never placed.
  const fs::path aside = store.string() + ".before-restore-20260101T000000000000Z";
  fs::rename(store, aside);
  std::ofstream{store.string() + ".restoring"} << "half";
  std::ofstream{aside.string() + "-journal"};
  const auto done = restore_backup(data, folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(done, done.error().text());
  CHECK(done->not_carried == "");
  CHECK(done->carried_from == aside);
  CHECK(done->carried.terminals == 1);
  CHECK(terminals(store) == 2);
  CHECK_FALSE(is_backup(store));
}

TEST_CASE("a restore keeps the old store, and tells when there was none to carry over from") {
  tests::TempFolder folder;
  const ManualClock clock;
  const auto data = folder / "data";
  fs::create_directories(data);
  make_store(data, "K1");
  REQUIRE(make_backup(data, folder / "b.db", "tester", clock));
  make_store(data, "K2");
  const auto store = store_file(data);
  const auto done = restore_backup(data, folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(done, done.error().text());
  CHECK(done->not_carried == "");
  CHECK(done->unfinished == "");
  CHECK(done->carried_from == done->aside);
  CHECK(terminals(done->aside) == 2);
  CHECK(terminals(store) == 2);
  CHECK_FALSE(is_backup(store));
  CHECK(newest_aside(store) == done->aside);

  fs::create_directories(folder / "bare");
  const auto bare = restore_backup(folder / "bare", folder / "b.db", "tester", clock);
  REQUIRE_MESSAGE(bare, bare.error().text());
  CHECK_FALSE(bare->not_carried.empty());
  CHECK(bare->aside.empty());
}

TEST_CASE("when the new store cannot take its place, the old one is where it was") {
  tests::TempFolder folder;
  const ManualClock clock;
  make_store(folder.path(), "K1");
  const auto store = store_file(folder.path());
  std::ofstream{store.string() + "-wal"};
  fs::create_directory(folder / "copy");  // a folder takes no file's place
  CHECK_FALSE(place_store(folder / "copy", store, clock));
  CHECK(files_in(folder.path()) == 3);
  CHECK(terminals(store) == 1);
}

TEST_CASE("a collector that starts waits for a backup that has the folder") {
  tests::TempFolder folder;
  const SystemClock clock;
  auto held = platform::FolderLock::take(folder.path());
  REQUIRE(held);
  const auto refused = take_data_folder(folder.path(), clock, 0ms);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::busy);
  std::thread backup{[&] { held->reset(); }};
  const auto taken = take_data_folder(folder.path(), clock);
  backup.join();
  CHECK(taken);
}
