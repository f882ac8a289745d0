// Single bits, lost ends and zeroed pages in the two databases (flips_state_test.cpp has the other
// files), and controls: what is changed together with its checksum is seen by the judge alone.
#include "tests/torture/flips.hpp"

#include <random>

#include <doctest/doctest.h>

#include "agent/outbox/record.hpp"
#include "collector/store/sqlite/checked.hpp"
#include "tests/torture/chance.hpp"
#include "tests/torture/outbox_run.hpp"
#include "tests/torture/report.hpp"
#include "tests/torture/store_rows.hpp"
#include "tests/torture/store_run.hpp"

using namespace kw;
using namespace kw::torture;
namespace fs = std::filesystem;

namespace {

constexpr auto slowest_start = std::chrono::seconds{10};

agent::Outbox::Options options_in(const fs::path& folder) {
  agent::Outbox::Options out;
  out.folder = folder;
  out.ceiling = 2 * 1024 * 1024;
  out.reserve = 0;
  return out;
}

using Sent = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;

/// All that would be sent of these epochs, were nothing acknowledged. Times are part of it.
Sent sent_by(agent::Outbox& outbox, const std::vector<std::uint64_t>& epochs,
             std::set<std::pair<std::uint64_t, std::uint64_t>>* gaps = nullptr) {
  Sent out;
  for (const auto& epoch : outbox.view().epochs) {
    if (std::ranges::find(epochs, epoch.epoch) == epochs.end() && gaps == nullptr) continue;
    std::uint64_t after = epoch.first_kept - 1;
    while (const auto batch = outbox.batch_after(epoch.epoch, after, agent::Box::wide())) {
      auto seq = batch->first();
      for (const auto& item : batch->item()) {
        if (item.has_gap()) {
          for (std::uint64_t i = 0;
               gaps != nullptr && i < std::min<std::uint64_t>(item.gap().count(), 1'000); ++i) {
            gaps->insert({epoch.epoch, seq + i});
          }
          seq += item.gap().count();
          continue;
        }
        auto event = item.event();
        const auto mono = batch->base_mono_us() + event.mono_us();
        event.clear_mono_us();
        event.clear_wall_shift_us();
        out[{epoch.epoch, seq++}] = fmt::format("{} {}", mono, event.SerializeAsString());
      }
      if (batch->last() <= after) break;
      after = batch->last();
    }
  }
  return out;
}

/// What the outbox delivers after the damage is what was told, or a gap that says so.
std::optional<std::string> judge(const fs::path& folder, const Sent& truth) {
  const SystemClock clock;
  const auto begun = clock.mono();
  agent::Outbox outbox{options_in(folder), clock, "boot", 99};
  if (clock.mono() - begun > slowest_start) return "start: slower than 10 s";
  if (!outbox.stats().on_disk) return "start: not on disk";
  std::set<std::pair<std::uint64_t, std::uint64_t>> gaps;
  const auto found = sent_by(outbox, {7, 8}, &gaps);
  for (const auto& [at, event] : found) {
    if (at.first == 99) continue;
    const auto told = truth.find(at);
    if (told == truth.end()) {
      return fmt::format("wrong: {}/{} was never told", at.first, at.second);
    }
    if (told->second != event)
      return fmt::format("wrong: other content at {}/{}", at.first, at.second);
  }
  outbox.append(agent::Box::note("goes on"), {clock.mono(), clock.wall()});
  const auto newest = outbox.newest(1);
  pb::Event last;
  if (newest.empty() || !last.ParseFromString(newest.front().second.body) ||
      last.agent().code() != "goes on") {
    return "start: it does not go on";
  }
  return std::nullopt;
}

/// An outbox with all kinds of rows, as files and as what it would deliver.
struct FilledOutbox {
  FilledOutbox() {
    const tests::TempFolder work;
    Ledger ledger;
    Disk disk;
    OutboxRun run{disk, options_in(work.path()), ledger};
    run.start(7);
    for (int i = 0; i < 30; ++i) run.note("n" + std::to_string(i), 200);
    run.state("printer", {"media-low"});
    run.tell("t1", 2);
    run.samples(40, 100);
    run.stop();
    run.start(8);
    run.acknowledge(7, 12);
    for (int i = 0; i < 20; ++i) run.note("m" + std::to_string(i), 100);
    run.supply("printer", "10");
    whole = image_of(work.path());
    run.end();
    truth = sent_by(run.outbox(), {7, 8});
    checkpoint(work / "outbox.db");
    closed.files["outbox.db"] = image_of(work.path()).files.at("outbox.db");
  }
  Image whole;
  Image closed;  ///< everything in the one file, where no checksum of SQLite's guards it
  Sent truth;
};

using Stored = std::vector<std::vector<std::pair<std::uint64_t, std::string>>>;

/// A store with events of every kiosk, all in the one file.
struct FilledStore {
  FilledStore() {
    Disk disk;
    const tests::TempFolder work;
    const auto file = work / "collector.db";
    StoreRun run{disk, file};
    REQUIRE(run.open());
    REQUIRE(run.send_rest(1));
    run.close();
    whole = image_of(work.path());
    for (int kiosk = 0; kiosk < StoreRun::kiosks; ++kiosk) {
      truth.push_back(*stored_events(file, fmt::format("K{}", kiosk), 7));
    }
  }
  Image whole;
  Stored truth;
};

struct Counts {
  int refused = 0;
  int found = 0;
};

/// What the store serves after the damage is what was stored, or an error that says so.
std::optional<std::string> judge(const fs::path& file, const Stored& truth, Counts& counts) {
  auto store = collector::SqliteStore::open(file);
  if (!store) {
    ++counts.refused;
    if (store.error().text().empty()) return "wrong: refused without a reason";
    return std::nullopt;
  }
  store->reset();
  for (int kiosk = 0; kiosk < StoreRun::kiosks; ++kiosk) {
    const auto events = stored_events(file, fmt::format("K{}", kiosk), 7);
    if (!events) {
      ++counts.found;
      continue;
    }
    const auto& right = truth[static_cast<std::size_t>(kiosk)];
    // A log that ends early is a store of a moment ago: its marks are older too, and the kiosks
    // send again.
    const bool older =
        events->size() <= right.size() && std::equal(events->begin(), events->end(), right.begin());
    if (!older) return fmt::format("wrong: other events of K{}", kiosk);
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("outbox: no flipped bit stops the start or is delivered as something else") {
  const int flips = 600 * times();
  const FilledOutbox filled;
  const auto& [whole, closed, truth] = filled;
  REQUIRE(whole.files.contains("outbox.db-wal"));
  REQUIRE(truth.size() > 80);
  std::mt19937_64 random{seed(4)};
  tests::TempFolder after;
  Tally tally;
  for (int i = 0; i < flips; ++i) {
    const auto image = damaged(i % 3 == 0 ? whole : closed, random);
    image.write_to(after.path());
    const auto complaint = judge(after.path(), truth);
    tally.add(complaint);
    if (complaint) MESSAGE(image.what, ": ", *complaint);
  }
  print("outbox-flips", tally, "bit_flips");
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
}

TEST_CASE("store: a damaged database is refused or found, and never serves other events") {
  const int flips = 160 * times();
  const FilledStore filled;
  std::mt19937_64 random{seed(6)};
  const tests::TempFolder after;
  Tally tally;
  Counts counts;
  for (int i = 0; i < flips; ++i) {
    const auto image = damaged(filled.whole, random);
    image.write_to(after.path());
    const auto complaint = judge(after / "collector.db", filled.truth, counts);
    tally.add(complaint);
    if (complaint) MESSAGE(image.what, ": ", *complaint);
  }
  print("store-flips", tally, "bit_flips");
  MESSAGE("refused at the start: ", counts.refused, ", found when read: ", counts.found);
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
}

TEST_CASE("control: an event that is altered together with its checksum is seen in the outbox") {
  const FilledOutbox filled;
  const tests::TempFolder after;
  filled.closed.write_to(after.path());
  REQUIRE_FALSE(judge(after.path(), filled.truth));
  filled.closed.write_to(after.path());
  {
    auto db = db::Database::open(after / "outbox.db", {});
    REQUIRE(db);
    std::optional<agent::Record> record;
    for (const auto row :
         (*db)->rows("SELECT " KW_RECORD_COLUMNS " FROM record WHERE ordinal=1 AND seq=20")) {
      record = agent::read_record(row);
    }
    REQUIRE(record);
    pb::Event event;
    REQUIRE(event.ParseFromString(record->body));
    event.mutable_agent()->set_code(event.agent().code() + "!");
    record->body = event.SerializeAsString();
    (*db)->run("DELETE FROM record WHERE ordinal=1 AND seq=20");
    agent::insert(**db, *record);
    REQUIRE_FALSE((*db)->failure());
  }
  const auto complaint = judge(after.path(), filled.truth);
  REQUIRE(complaint);
  CHECK(complaint->starts_with("wrong: other content"));
  fmt::print("{{\"torture\":\"outbox-flips-control\",\"caught\":1}}\n");
}

TEST_CASE("control: a block that is altered together with its checksum is seen in the store") {
  const FilledStore filled;
  const tests::TempFolder after;
  filled.whole.write_to(after.path());
  Counts counts;
  REQUIRE_FALSE(judge(after / "collector.db", filled.truth, counts));
  {
    auto db = db::Database::open(after / "collector.db", {});
    REQUIRE(db);
    auto body = (*db)->text("SELECT body FROM event_block ORDER BY rowid LIMIT 1");
    REQUIRE(body);
    body->resize(body->size() - collector::with_check("").size());
    pb::Batch batch;
    REQUIRE(batch.ParseFromString(*body));
    REQUIRE(batch.item_size() > 0);
    batch.mutable_item(0)->mutable_event()->mutable_agent()->set_code("altered");
    const auto with = collector::with_check(batch.SerializeAsString());
    (*db)->run("UPDATE event_block SET body=$1 WHERE rowid=(SELECT min(rowid) FROM event_block)",
               db::blob(with));
    REQUIRE_FALSE((*db)->failure());
  }
  const auto complaint = judge(after / "collector.db", filled.truth, counts);
  REQUIRE(complaint);
  CHECK(complaint->starts_with("wrong: other events"));
  fmt::print("{{\"torture\":\"store-flips-control\",\"caught\":1}}\n");
}
