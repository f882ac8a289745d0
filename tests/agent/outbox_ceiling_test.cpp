#include <filesystem>
#include <map>

#include <doctest/doctest.h>

#include "failing_disk.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

Record event(std::uint64_t seq, const pb::Event& what) {
  Record out;
  out.ordinal = 1;
  out.seq = seq;
  out.event_class = wire::class_of(what);
  out.wall_us = static_cast<std::int64_t>(seq) * 100;
  out.body = what.SerializeAsString();
  return out;
}

pb::Gap gap_of(const Record& record) {
  pb::Gap out;
  out.ParseFromString(record.body);
  return out;
}

/// Numbers covered without a hole from the first to the last.
bool seamless(const std::vector<Record>& rows) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].seq != rows[i - 1].end()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("thinning keeps every other sample of each device and leaves gaps in place") {
  std::vector<Record> rows;
  for (std::uint64_t seq = 1; seq <= 8; ++seq) {
    rows.push_back(event(seq, Box::sample(seq % 2 == 1 ? "a" : "b", 1)));
  }
  rows.push_back(event(9, Box::note("stays")));
  const auto after = swept(rows, {.thin = 1, .rank = 0});
  CHECK(seamless(after));
  std::map<std::string, int> kept;
  for (const auto& row : after) {
    if (row.gap()) {
      CHECK(gap_of(row).event_class() == "sample");
      CHECK(gap_of(row).reason() == "ceiling");
      continue;
    }
    pb::Event body;
    body.ParseFromString(row.body);
    ++kept[body.sample().device()];
  }
  CHECK(kept["a"] == 2);
  CHECK(kept["b"] == 2);
  CHECK(after.back().seq == 9);
}

TEST_CASE(
    "a second thinning takes half of what the first one left, and all of the newer ones' share") {
  std::vector<Record> rows;
  for (std::uint64_t seq = 1; seq <= 16; ++seq) rows.push_back(event(seq, Box::sample("a", 1)));
  const auto once = swept(rows, {.thin = 1, .rank = 0});
  const auto twice = swept(once, {.thin = 2, .rank = 0});
  const auto direct = swept(rows, {.thin = 2, .rank = 0});
  const auto events = [](const std::vector<Record>& all) {
    return std::ranges::count_if(all, [](const Record& r) { return !r.gap(); });
  };
  CHECK(events(once) == 8);
  CHECK(events(twice) == 4);
  CHECK(events(direct) == 4);
  CHECK(swept(twice, {.thin = 2, .rank = 0}) == twice);
}

TEST_CASE("adjacent gaps for one reason merge in place, others stay apart") {
  std::vector<Record> rows{gap_record(1, 1, 4, "sample", "ceiling", 100, 400),
                           gap_record(1, 5, 2, "sample", "ceiling", 500, 600),
                           gap_record(1, 7, 1, "state", "ceiling", 700, 700),
                           gap_record(1, 8, 3, "", "damaged", 0, 0)};
  const auto merged = swept(rows, {.thin = 1, .rank = 0});
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].count == 7);
  CHECK(gap_of(merged[0]).event_class() == "");
  CHECK(gap_of(merged[0]).first_wall_us() == 100);
  CHECK(gap_of(merged[0]).last_wall_us() == 700);
  CHECK(merged[1].count == 3);
}

TEST_CASE("classes go in the order of their drop rank, gaps never") {
  std::vector<int> ranks;
  for (const auto& sweep : sweeps()) {
    if (sweep.thin == 0) ranks.push_back(sweep.rank);
  }
  CHECK(ranks == std::vector<int>{0, 1, 2, 3, 4, 9});
  std::vector<Record> rows{event(1, Box::note("n"))};
  pb::Event state;
  state.mutable_state()->set_device("d");
  rows.push_back(event(2, state));
  const auto notes_gone = swept(rows, {.thin = 0, .rank = 3});
  CHECK(notes_gone[0].gap());
  CHECK_FALSE(notes_gone[1].gap());
  CHECK(swept(notes_gone, {.thin = 0, .rank = 4}).size() == 1);
}

TEST_CASE("the outbox never outgrows its ceiling, and every number stays accounted for") {
  constexpr std::int64_t ceiling = 2 * 1024 * 1024;
  Box box{ceiling};
  auto& outbox = box.open(7);
  std::int64_t most = 0;
  for (int round = 0; round < 60; ++round) {
    box.samples(128, 600);
    outbox.append_state(
        "printer", Box::status({}, round % 2 == 0 ? wire::Media::jammed : wire::Media::present),
        box.now());
    most = std::max(most, bytes_on_disk(box.folder.path()));
  }
  CHECK(most <= ceiling);
  const auto items = box.all(7);
  REQUIRE(!items.empty());
  std::uint64_t numbers = 0;
  int states = 0;
  int samples = 0;
  std::uint64_t dropped = 0;
  for (const auto& item : items) {
    numbers += item.has_gap() ? item.gap().count() : 1;
    if (item.has_gap()) {
      CHECK(item.gap().event_class() == "sample");
      CHECK(item.gap().reason() == "ceiling");
      dropped += item.gap().count();
    }
    states += item.event().has_state() ? 1 : 0;
    samples += item.event().has_sample() ? 1 : 0;
  }
  CHECK(numbers == box.epoch(7).last);
  CHECK(numbers == 60 * 129);
  CHECK(states == 60);  // ranked after all samples
  CHECK(dropped > 0);
  CHECK(samples > 500);
}

TEST_CASE("while somebody reads the file of a full outbox nothing more is dropped for no room") {
  constexpr std::int64_t ceiling = 2 * 1024 * 1024;
  constexpr std::size_t chunk_rows = ceiling / 64 / 600;
  Box box{ceiling};
  box.open(7);
  for (int round = 0; round < 30; ++round) box.samples(128, 600);
  const auto last = box.epoch(7).last;
  const auto kept_of_old = [&] {
    std::uint64_t seq = 0;
    std::size_t kept = 0;
    for (const auto& item : box.all(7)) {
      seq += item.has_gap() ? item.gap().count() : 1;
      if (seq <= last && item.event().has_sample()) ++kept;
    }
    return kept;
  };
  const auto before = kept_of_old();
  std::int64_t most = 0;
  {
    auto reader = db::Database::open(box.folder / outbox_name, {.read_only = true});
    REQUIRE(reader);
    (*reader)->script("BEGIN");
    REQUIRE((*reader)->integer("SELECT count(*) FROM record").value_or(0) > 0);
    for (int round = 0; round < 30; ++round) {
      box.samples(128, 600);
      most = std::max(most, bytes_on_disk(box.folder.path()));
    }
  }
  CHECK(most <= ceiling + ceiling / 8);  // the log beside a file with free pages
  CHECK(kept_of_old() + chunk_rows >= before);
  // The reader has left: all goes on, and what could not be kept is said.
  for (int round = 0; round < 5; ++round) box.samples(128, 600);
  CHECK(bytes_on_disk(box.folder.path()) <= ceiling);
  const auto items = box.all(7);
  CHECK(items.back().event().has_sample());
  std::uint64_t numbers = 0;
  for (const auto& item : items) numbers += item.has_gap() ? item.gap().count() : 1;
  CHECK(numbers == 65 * 128);
  CHECK(box.epoch(7).last == numbers);
}

TEST_CASE("acknowledged events make room before anything is dropped") {
  Box box{2 * 1024 * 1024};
  auto& outbox = box.open(7);
  for (int round = 0; round < 60; ++round) {
    box.samples(128, 600);
    outbox.acknowledge(7, box.epoch(7).last);
  }
  outbox.rewind(7, box.epoch(7).first_kept - 1);
  for (const auto& item : box.all(7, box.epoch(7).first_kept - 1)) CHECK_FALSE(item.has_gap());
  CHECK(bytes_on_disk(box.folder.path()) <= 2 * 1024 * 1024);
}

TEST_CASE("when the disk is full the batch is written again as a whole") {
  FailingDisk disk;
  Box box;
  box.options.reserve = 256 * 1024;
  auto& outbox = box.open(7);
  const auto reserve = box.folder / "outbox.reserve";
  CHECK(std::filesystem::exists(reserve));
  outbox.append(Box::note("before"), box.now());
  FailingDisk::fail_with = SQLITE_FULL;
  FailingDisk::failures = 1;
  outbox.append(Box::note("while"), box.now());
  CHECK_FALSE(std::filesystem::exists(reserve));
  const auto items = box.all(7);
  REQUIRE(items.size() == 2);
  CHECK(items[1].event().agent().code() == "while");
}

TEST_CASE("events that cannot be written become a gap in place, states are written later") {
  FailingDisk disk;
  Box box;
  auto& outbox = box.open(7);
  outbox.append(Box::note("before"), box.now());
  FailingDisk::fail_with = SQLITE_IOERR;
  FailingDisk::failures = 1'000'000;
  outbox.append(Box::note("lost"), box.now());
  outbox.append(Box::note("lost too"), box.now());
  CHECK_FALSE(outbox.append_state("printer", Box::status(), box.now()));
  FailingDisk::failures = 0;
  outbox.flush();
  const auto items = box.all(7);
  REQUIRE(items.size() == 3);
  CHECK(items[1].gap().count() == 2);
  CHECK(items[1].gap().event_class() == "agent");
  CHECK(items[2].event().state().device() == "printer");
  CHECK(outbox.view().devices.size() == 1);
}

TEST_CASE("a state that was overtaken before it could be written is counted, and people are told") {
  FailingDisk disk;
  Box box;
  auto& outbox = box.open(7);
  FailingDisk::fail_with = SQLITE_IOERR;
  FailingDisk::failures = 1'000'000;
  CHECK_FALSE(outbox.append_state("printer", Box::status({"media-empty"}), box.now()));
  CHECK_FALSE(outbox.append_state("printer", Box::status({"cover-open"}), box.now()));
  CHECK_FALSE(outbox.stats().on_disk);
  FailingDisk::failures = 0;
  outbox.flush();
  CHECK(outbox.stats().on_disk);
  const auto items = box.all(7);
  REQUIRE(items.size() == 2);
  CHECK(items[0].gap().count() == 1);
  CHECK(items[0].gap().reason() == "not-written");
  CHECK(items[1].event().state().condition(0).code() == "cover-open");
}

TEST_CASE("a fault that came and went while nothing could be written is counted") {
  FailingDisk disk;
  Box box;
  auto& outbox = box.open(7);
  REQUIRE(outbox.append_state("printer", Box::status(), box.now()));
  FailingDisk::fail_with = SQLITE_FULL;
  FailingDisk::failures = 1'000'000;
  CHECK_FALSE(outbox.append_state("printer", Box::status({"cover-open"}), box.now()));
  CHECK_FALSE(outbox.append_state("printer", Box::status(), box.now()));
  FailingDisk::failures = 0;
  outbox.flush();
  const auto items = box.all(7);
  REQUIRE(items.size() == 2);
  CHECK(items[1].gap().count() == 1);
  CHECK(items[1].gap().reason() == "not-written");
  CHECK(items[1].gap().event_class() == "state");
}

TEST_CASE("a state that waited for the disk and was overtaken before its turn is counted too") {
  FailingDisk disk;
  Box box;
  auto& outbox = box.open(7);
  FailingDisk::fail_with = SQLITE_FULL;
  FailingDisk::failures = 1'000'000;
  CHECK_FALSE(outbox.append_state("printer", Box::status({"cover-open"}), box.now()));
  FailingDisk::failures = 0;
  // Another event finds the disk well first: the reason stays what it was.
  outbox.append(Box::note("other"), box.now());
  const auto written = outbox.append_state("printer", Box::status({"media-empty"}), box.now());
  REQUIRE(written);
  const auto items = box.all(7);
  REQUIRE(items.size() == 3);
  CHECK(items[1].gap().count() == 1);
  CHECK(items[1].gap().reason() == "not-written");
  CHECK(items[2].event().state().condition(0).code() == "media-empty");
  // The status names the number that the event has.
  CHECK(written->status->since().seq() == 3);
  CHECK(written->at.seq == 3);
}
