#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "failing_disk.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
namespace fs = std::filesystem;

namespace {

/// Fills, checkpoints and closes, so that all lies in the one file.
void fill(Box& box, int samples) {
  auto& outbox = box.open(7);
  outbox.append_state("printer", Box::status({"media-low"}), box.now());
  box.samples(samples, 100);
  outbox.append(Box::note("last"), box.now());
  box.cut();
}

void overwrite(const fs::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream out{file, std::ios::in | std::ios::out | std::ios::binary};
  out.seekp(at);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<fs::path> aside(const Box& box, const std::string& prefix) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator{box.folder.path()}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with("-wal") && !name.ends_with("-shm")) {
      out.push_back(entry.path());
    }
  }
  return out;
}

std::uint64_t numbers(const std::vector<pb::Item>& items) {
  std::uint64_t out = 0;
  for (const auto& item : items) out += item.has_gap() ? item.gap().count() : 1;
  return out;
}

}  // namespace

TEST_CASE("pages overwritten in the middle cost what stood on them and nothing else") {
  Box box;
  fill(box, 2'000);
  const auto file = box.folder / "outbox.db";
  const auto size = static_cast<std::streamoff>(fs::file_size(file));
  overwrite(file, size / 2 / 4'096 * 4'096, std::string(3 * 4'096, '\xa5'));
  auto& outbox = box.open(8);
  const auto items = box.all(7);
  CHECK(numbers(items) == 2'002);
  CHECK(box.epoch(7).last == 2'002);
  std::uint64_t lost = 0;
  for (const auto& item : items) {
    if (!item.has_gap()) continue;
    CHECK(item.gap().reason() == "damaged");
    lost += item.gap().count();
  }
  CHECK(lost > 0);
  CHECK(lost < 500);
  CHECK(items.front().event().state().device() == "printer");
  CHECK(aside(box, "outbox.damaged-").size() == 1);
  CHECK(box.all(8).at(0).event().agent().code() == "outbox-damaged");
  // What the devices said last came over too: nothing is reported twice.
  CHECK_FALSE(outbox.append_state("printer", Box::status({"media-low"}), box.now()));
}

TEST_CASE("a byte flipped inside one event costs that event alone") {
  Box box;
  fill(box, 10);
  {
    db::Database::Options options;
    auto db = db::Database::open(box.folder / "outbox.db", options);
    (*db)->run("UPDATE record SET mono_us=mono_us+1 WHERE seq=5");
  }
  box.open(8);
  const auto items = box.all(7);
  REQUIRE(items.size() == 12);
  CHECK(items[4].gap().reason() == "damaged");
  CHECK(items[4].gap().count() == 1);
  CHECK(items[5].has_event());
}

TEST_CASE("an epoch whose number was flipped keeps its name: nothing is sent under another") {
  Box box;
  fill(box, 10);
  {
    auto db = db::Database::open(box.folder / "outbox.db", {});
    (*db)->run("UPDATE epoch SET epoch=epoch+1024, boot_id='boos' WHERE ordinal=1");
  }
  box.open(8);
  CHECK(numbers(box.all(7)) == 12);
  CHECK(box.epoch(7).boot_id == "boot");
  CHECK(box.all(8).at(0).event().agent().code() == "outbox-epoch-corrected");
  box.open(9);
  CHECK(numbers(box.all(7)) == 12);
}

TEST_CASE("where the page of the epochs is gone their names bring their events back") {
  Box box;
  fill(box, 10);
  std::int64_t page = 0;
  {
    auto db = db::Database::open(box.folder / "outbox.db", {});
    page = (*db)->integer("SELECT rootpage FROM sqlite_master WHERE name='epoch'").value_or(0);
    (*db)->script("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  REQUIRE(page > 1);
  overwrite(box.folder / "outbox.db", (page - 1) * 4'096, std::string(4'096, '\0'));
  box.open(8);
  CHECK(numbers(box.all(7)) == 12);
  CHECK(box.epoch(7).boot_id == "boot");
  CHECK(box.all(7).back().event().agent().code() == "last");
  CHECK(box.all(8).at(0).event().agent().code() == "outbox-damaged");
}

TEST_CASE("a file that was cut short is salvaged and the rest is a gap") {
  Box box;
  fill(box, 2'000);
  const auto file = box.folder / "outbox.db";
  fs::resize_file(file, fs::file_size(file) / 2 / 4'096 * 4'096);
  box.open(8).append(Box::note("goes on"), box.now());
  const auto items = box.all(7);
  CHECK(numbers(items) == 2'002);
  CHECK(box.all(8).back().event().agent().code() == "goes on");
}

TEST_CASE("a file of garbage is put aside and a fresh one begun") {
  Box box;
  std::ofstream{box.folder / "outbox.db"} << std::string(100'000, 'g');
  box.open(8).append(Box::note("goes on"), box.now());
  CHECK(aside(box, "outbox.damaged-").size() == 1);
  const auto items = box.all(8);
  REQUIRE(items.size() == 2);
  CHECK(items[0].event().agent().code() == "outbox-unreadable");
  CHECK(items[0].event().agent().detail().ends_with(": 100000 bytes"));
  CHECK(items[1].event().agent().code() == "goes on");
}

TEST_CASE("a file that breaks while the agent runs is replaced and the epoch goes on") {
  Box box;
  auto& outbox = box.open(7);
  box.samples(2'000, 100);
  const auto before = box.epoch(7).last;
  // Both places where SQLite would find its pages.
  const auto file = box.folder / "outbox.db";
  for (const char* suffix : {"", "-wal"}) {
    const fs::path part = file.string() + suffix;
    const auto size = fs::file_size(part);
    if (size > 8'192) {
      overwrite(part, 4'096, std::string(static_cast<std::size_t>(size) - 4'096, '\x5a'));
    }
  }
  // Whether reading or writing meets the damage first depends on what is cached.
  box.all(7);
  outbox.append(Box::note("after"), box.now());
  outbox.flush();
  CHECK(box.epoch(7).last >= before + 1);
  CHECK(numbers(box.all(7)) == box.epoch(7).last);
  CHECK(box.all(7).size() >= 1);
}

TEST_CASE("a salvage that was complete when the power went takes its place at the next start") {
  Box box;
  fill(box, 10);
  {
    auto db = db::Database::open(box.folder / "outbox.db", {});
    (*db)->run("INSERT INTO meta (key, value) VALUES ('salvaged', '1')");
  }
  fs::rename(box.folder / "outbox.db", box.folder / "outbox.fresh.db");
  // The damaged file's log, which its rename had not reached yet.
  std::ofstream{box.folder / "outbox.db-wal"} << std::string(8'192, 'w');
  box.open(8);
  CHECK(numbers(box.all(7)) == 12);
  CHECK(aside(box, "outbox.fresh").empty());
}

TEST_CASE("a salvage that was not complete is begun again from the file itself") {
  Box box;
  fill(box, 10);
  std::ofstream{box.folder / "outbox.fresh.db"} << std::string(100, 'g');
  overwrite(box.folder / "outbox.db", 0, "no database");
  box.open(8).append(Box::note("goes on"), box.now());
  CHECK(aside(box, "outbox.damaged-").size() == 1);
  CHECK(box.all(8).back().event().agent().code() == "goes on");
}

TEST_CASE("an older copy that comes back is an older epoch, never a duplicate") {
  Box box;
  box.open(7).append(Box::note("old"), box.now());
  box.cut();
  const auto copy = box.folder / "copy";
  fs::copy_file(box.folder / "outbox.db", copy);
  box.open(8).append(Box::note("new"), box.now());
  box.cut();
  fs::remove(box.folder / "outbox.db-wal");
  fs::remove(box.folder / "outbox.db");
  fs::copy_file(copy, box.folder / "outbox.db");
  box.open(9);
  const auto view = box.outbox->view();
  REQUIRE(view.epochs.size() == 2);
  CHECK(view.epochs[0].epoch == 7);
  CHECK(view.epochs[1].epoch == 9);
  CHECK(box.all(7).size() == 1);
}

TEST_CASE("a file that only a newer agent reads is put aside unharmed") {
  Box box;
  box.open(7).append(Box::note("one"), box.now());
  box.cut();
  {
    db::Database::Options options;
    auto db = db::Database::open(box.folder / "outbox.db", options);
    (*db)->run("UPDATE meta SET value='99' WHERE key='min_reader'");
  }
  box.open(8);
  const auto files = aside(box, "outbox.newer-");
  REQUIRE(files.size() == 1);
  CHECK(box.all(8).at(0).event().agent().code() == "outbox-newer");
  db::Database::Options options;
  options.read_only = true;
  auto kept = db::Database::open(files[0], options);
  REQUIRE(kept);
  CHECK((*kept)->integer("SELECT count(*) FROM record") == 1);
}

TEST_CASE("a folder that cannot hold a file does not stop the agent") {
  Box box;
  box.options.folder = box.folder.path() / "not" / "there";
  auto& outbox = box.open(7);
  CHECK_FALSE(outbox.stats().on_disk);
  outbox.append(Box::note("in memory"), box.now());
  CHECK(box.all(7).back().event().agent().code() == "in memory");
}

TEST_CASE("a full disk at the start costs nothing that was kept") {
  FailingDisk disk;
  Box box;
  fill(box, 20);
  SUBCASE("a file that is whole stays in use") {
    FailingDisk::failures = 1'000'000;
    CHECK(numbers((box.open(8), box.all(7))) == 22);
  }
  SUBCASE("a damaged one is salvaged once there is room") {
    overwrite(box.folder / "outbox.db", 4'096, std::string(4'096, '\xa5'));
    FailingDisk::failures = 1'000'000;
    CHECK_FALSE(box.open(8).stats().on_disk);
  }
  box.cut();
  CHECK(aside(box, "outbox.damaged-").empty());
  FailingDisk::failures = 0;
  box.open(9);
  CHECK(numbers(box.all(7)) == 22);
}

TEST_CASE("damaged files do not pile up") {
  Box box;
  for (std::uint64_t i = 0; i < 6; ++i) {
    std::ofstream{box.folder / "outbox.db"} << std::string(50'000, 'g');
    box.clock.advance(std::chrono::seconds{1});
    box.open(10 + i);
    box.cut();
  }
  CHECK(aside(box, "outbox.damaged-").size() <= 2);
}

TEST_CASE("what was committed before the power went is there after it") {
  Box box;
  auto& outbox = box.open(7);
  for (int i = 0; i < 50; ++i) outbox.append(Box::note("n" + std::to_string(i)), box.now());
  // The files as they stand on disk at this moment, log and all, without any goodbye.
  tests::TempFolder after;
  for (const char* name : {"outbox.db", "outbox.db-wal"}) {
    fs::copy_file(box.folder / name, after / name);
  }
  Outbox::Options options;
  options.folder = after.path();
  options.reserve = 0;
  Outbox revived{options, box.clock, "boot", 8};
  const auto batch = revived.batch_after(7, 0, Box::wide());
  REQUIRE(batch);
  CHECK(batch->last() == 50);
}
