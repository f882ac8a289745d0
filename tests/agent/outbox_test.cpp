#include <doctest/doctest.h>

#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

TEST_CASE("events keep their number and their time through a restart") {
  Box box;
  auto& first = box.open(7);
  const auto seen = box.now();
  first.append(Box::note("one"), seen);
  first.append_state("printer", Box::status(), box.now());
  box.cut();
  box.open(8);
  const auto batch = box.outbox->batch_after(7, 0, Box::wide());
  REQUIRE(batch);
  CHECK(batch->first() == 1);
  CHECK(batch->last() == 2);
  CHECK(wire::check_range(*batch));
  CHECK(batch->base_mono_us() == micros(seen.mono));
  CHECK(batch->base_wall_us() == micros(seen.wall));
  CHECK(batch->item(0).event().agent().code() == "one");
  CHECK(batch->item(1).event().mono_us() == 10'000);
  CHECK(batch->item(1).event().wall_shift_us() == 0);
  CHECK(batch->item(1).event().state().device() == "printer");
  CHECK_FALSE(box.outbox->batch_after(7, 2, Box::wide()));
}

TEST_CASE("a clock that was set shows as a shift between the clocks") {
  Box box;
  auto& outbox = box.open(7);
  outbox.append(Box::note("one"), box.now());
  box.clock.set(box.clock.wall() + 1h);
  outbox.append(Box::note("two"), box.now());
  const auto batch = outbox.batch_after(7, 0, Box::wide());
  REQUIRE(batch);
  CHECK(batch->item(1).event().wall_shift_us() == Duration{1h}.count());
}

TEST_CASE("each start is an epoch of its own and older ones stay until they are acknowledged") {
  Box box;
  box.open(7).append(Box::note("one"), box.now());
  box.open(8).append(Box::note("two"), box.now());
  box.open(9);
  auto view = box.outbox->view();
  REQUIRE(view.epochs.size() == 3);
  CHECK(view.epochs[0].epoch == 7);
  CHECK(view.epochs[1].epoch == 8);
  CHECK(view.epochs[2].epoch == 9);
  CHECK(view.epochs[2].last == 0);
  box.outbox->acknowledge(7, 1);
  box.clock.advance(8 * 24h);
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  view = box.outbox->view();
  // Of the first one only its name and its end are left.
  REQUIRE(view.epochs.size() == 3);
  CHECK(view.epochs[0].first_kept == 2);
  CHECK(view.epochs[1].first_kept == 1);
}

TEST_CASE("a status equal to the last one makes no event, also after a restart") {
  Box box;
  CHECK(box.open(7).append_state("printer", Box::status({"media-low"}), box.now()));
  CHECK_FALSE(box.outbox->append_state("printer", Box::status({"media-low"}), box.now()));
  box.open(8);
  CHECK_FALSE(box.outbox->append_state("printer", Box::status({"media-low"}), box.now()));
  CHECK(box.epoch(8).last == 0);
}

TEST_CASE("a condition that persists keeps the position that began it, over a restart too") {
  Box box;
  const auto began = box.open(7).append_state("printer", Box::status({"media-low"}), box.now());
  REQUIRE(began);
  CHECK(began->status->condition(0).since().epoch() == 7);
  CHECK(began->status->condition(0).since().seq() == 1);
  box.open(8);
  const auto more =
      box.outbox->append_state("printer", Box::status({"media-low", "cover-open"}), box.now());
  REQUIRE(more);
  CHECK(more->status->since().epoch() == 8);
  CHECK(more->status->condition(0).since().epoch() == 7);
  CHECK(more->status->condition(1).since().epoch() == 8);
  const auto items = box.all(8);
  REQUIRE(items.size() == 1);
  const auto& event = items[0].event().state();
  CHECK_FALSE(event.has_since());
  CHECK(event.condition(0).since().seq() == 1);
  CHECK_FALSE(event.condition(1).has_since());
}

TEST_CASE("a condition keeps its beginning while nothing can be said of the device") {
  Box box;
  auto& outbox = box.open(1);
  outbox.append_state("receipt", Box::status({"media-empty"}), box.now());
  wire::Status busy;
  busy.evidence = wire::Evidence::shared_busy;
  const auto doubt = outbox.append_state("receipt", busy, box.now());
  REQUIRE(doubt);
  CHECK(doubt->status->condition(0).since().seq() == 1);
  CHECK_FALSE(outbox.append_state("receipt", busy, box.now()));
  const auto back = outbox.append_state("receipt", Box::status({"media-empty"}), box.now());
  REQUIRE(back);
  CHECK(back->status->condition(0).since().seq() == 1);
}

TEST_CASE("a device's own fault of an earlier run ends with a result that worked, not before") {
  Box box;
  box.open(7).append_state("printer", Box::status({"cutter-error", "media-low"}), box.now());
  auto& outbox = box.open(8);
  wire::Status reported;
  reported.device = wire::DeviceState::online;
  reported.evidence = wire::Evidence::driver_report;
  const auto failed = outbox.append_state("printer", reported, box.now(), false);
  REQUIRE(failed);
  REQUIRE(failed->status->condition_size() == 2);
  CHECK(failed->status->condition(0).code() == "cutter-error");
  CHECK(failed->status->condition(0).since().epoch() == 7);
  const auto worked = outbox.append_state("printer", reported, box.now(), true);
  REQUIRE(worked);
  REQUIRE(worked->status->condition_size() == 1);
  CHECK(worked->status->condition(0).code() == "media-low");
}

TEST_CASE("a warning that grows into a fault begins anew, a fault that eases does not") {
  Box box;
  auto& outbox = box.open(7);
  auto status = Box::status({"results-failing"});
  status.conditions[0].severity = wire::Severity::warning;
  const auto warning = outbox.append_state("printer", status, box.now());
  status.conditions[0].severity = wire::Severity::fault;
  const auto fault = outbox.append_state("printer", status, box.now());
  status.conditions[0].severity = wire::Severity::warning;
  const auto eased = outbox.append_state("printer", status, box.now());
  REQUIRE(warning);
  REQUIRE(fault);
  REQUIRE(eased);
  CHECK(warning->status->condition(0).since().seq() == 1);
  CHECK(fault->status->condition(0).since().seq() == 2);
  CHECK(eased->status->condition(0).since().seq() == 2);
}

TEST_CASE("a condition that went and came back began anew") {
  Box box;
  box.open(7).append_state("printer", Box::status({"media-low"}), box.now());
  box.outbox->append_state("printer", Box::status(), box.now());
  const auto again = box.outbox->append_state("printer", Box::status({"media-low"}), box.now());
  CHECK(again->status->condition(0).since().seq() == 3);
}

TEST_CASE("an epoch that a status began in stays listed although all of it was pruned") {
  Box box;
  box.open(7).append_state("printer", Box::status({"media-low"}), box.now());
  box.open(8);
  box.outbox->acknowledge(7, 1);
  box.clock.advance(8 * 24h);
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  CHECK(box.epoch(7).first_kept == 2);
  // A collector restored from before that asks again: it is told that they are gone.
  box.outbox->rewind(7, 0);
  const auto items = box.all(7);
  REQUIRE(items.size() == 1);
  CHECK(items[0].gap().reason() == "not-kept");
  CHECK(items[0].gap().count() == 1);
}

TEST_CASE("a device that left the configuration is forgotten") {
  Box box;
  box.open(7).append_state("printer", Box::status(), box.now());
  box.outbox->append_state("reader", Box::status(), box.now());
  box.outbox->retain_devices({"reader"});
  REQUIRE(box.outbox->view().devices.size() == 1);
  CHECK(box.outbox->view().devices[0].status.device() == "reader");
}

TEST_CASE("held samples are written before the event that follows them") {
  Box box;
  auto& outbox = box.open(7);
  outbox.hold_sample(Box::sample("host", 1), box.now());
  const auto written = outbox.append_state("printer", Box::status(), box.now());
  CHECK(written->at.seq == 2);
  CHECK(written->status->since().seq() == 2);
  const auto items = box.all(7);
  CHECK(items.at(0).event().has_sample());
  CHECK(items.at(1).event().has_state());
}

TEST_CASE("every commit is told with its last position") {
  Box box;
  auto& outbox = box.open(7);
  std::vector<std::uint64_t> told;
  outbox.on_appended([&](const Appended& what) { told.push_back(what.at.seq); });
  outbox.append(Box::note("one"), box.now());
  outbox.hold_sample(Box::sample("host", 1), box.now());
  outbox.hold_sample(Box::sample("host", 2), box.now());
  outbox.flush();
  outbox.append_state("printer", Box::status(), box.now());
  CHECK(told == std::vector<std::uint64_t>{1, 3, 4});
}

TEST_CASE("what a device says of itself survives a restart and is told when it changes") {
  Box box;
  auto& outbox = box.open(7);
  std::vector<std::string> serials;
  outbox.on_appended([&](const Appended& what) {
    if (what.identity) serials.push_back(what.identity->identity.serial);
  });
  auto status = Box::status();
  status.identity.serial = "A1";
  outbox.append_state("printer", status, box.now());
  outbox.append_state("printer", Box::status({"media-low"}), box.now());
  auto other = Box::status({"media-low"});
  other.identity.serial = "B2";
  outbox.append_state("printer", other, box.now());
  CHECK(serials == std::vector<std::string>{"A1", "B2"});
  box.open(8);
  CHECK(box.outbox->view().devices.at(0).identity.serial == "B2");
}

TEST_CASE("a batch keeps to its budget and always holds at least one item") {
  Box box;
  auto& outbox = box.open(7);
  for (int i = 0; i < 100; ++i) outbox.append(Box::note("n", std::string(900, 'd')), box.now());
  const auto by_bytes = outbox.batch_after(7, 0, {16 * 1024, 1'000'000, 50});
  pb::Envelope envelope;
  *envelope.mutable_batch() = *by_bytes;
  CHECK(envelope.ByteSizeLong() <= 16 * 1024);
  CHECK(by_bytes->last() > 10);
  CHECK(outbox.batch_after(7, 0, {16 * 1024, 1'000'000, 3})->last() == 3);
  CHECK(outbox.batch_after(7, 0, {10, 1'000'000, 50})->last() == 1);
}

TEST_CASE("credit limits counted items and leaves free ones alone") {
  Box box;
  auto& outbox = box.open(7);
  outbox.append_state("a", Box::status(), box.now());
  outbox.append_state("b", Box::status(), box.now());
  outbox.append(Box::note("counted", std::string(500, 'x')), box.now());
  outbox.append_state("c", Box::status(), box.now());
  CHECK(outbox.batch_after(7, 0, {16 * 1024, 0, 50})->last() == 2);
  CHECK_FALSE(outbox.batch_after(7, 2, {16 * 1024, 400, 50}));
  CHECK(outbox.batch_after(7, 2, {16 * 1024, 4'096, 50})->last() == 4);
  CHECK(outbox.batch_after(7, 3, {16 * 1024, 0, 50})->last() == 4);
}

TEST_CASE("a batch may begin in the middle of a gap") {
  Box box;
  box.open(7);
  db::Database::Options options;
  auto db = db::Database::open(box.folder / "outbox.db", options);
  insert(**db, gap_record(1, 1, 10, "sample", "ceiling", 0, 0));
  (*db)->run("UPDATE epoch SET last=10");
  db = Error{Errc::missing, "closed"};
  box.open(8);
  const auto batch = box.outbox->batch_after(7, 4, Box::wide());
  REQUIRE(batch);
  CHECK(batch->first() == 5);
  CHECK(batch->last() == 10);
  CHECK(batch->item(0).gap().count() == 6);
  CHECK(wire::check_range(*batch));
}

TEST_CASE("acknowledged events stay for replay: a rewind sends them again") {
  Box box;
  box.open(7);
  for (int i = 0; i < 5; ++i) box.outbox->append(Box::note("n"), box.now());
  box.outbox->acknowledge(7, 5);
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  CHECK(box.outbox->stats().unacked == 0);
  box.outbox->rewind(7, 2);
  CHECK(box.outbox->stats().unacked == 3);
  CHECK(box.all(7, 2).size() == 3);
}

TEST_CASE("after seven days acknowledged events are gone and travel as not kept") {
  Box box;
  box.open(7);
  for (int i = 0; i < 5; ++i) box.outbox->append(Box::note("n"), box.now());
  box.clock.advance(8 * 24h);
  box.outbox->append(Box::note("late"), box.now());
  box.outbox->acknowledge(7, 6);
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  CHECK(box.epoch(7).first_kept == 6);
  box.outbox->rewind(7, 0);
  const auto items = box.all(7);
  REQUIRE(items.size() == 2);
  CHECK(items[0].gap().count() == 5);
  CHECK(items[0].gap().reason() == "not-kept");
  CHECK(items[1].event().agent().code() == "late");
}

TEST_CASE("a wall clock that jumps within a boot makes nothing old, and keeps nothing from it") {
  Box box;
  box.open(7);
  for (int i = 0; i < 5; ++i) box.outbox->append(Box::note("n"), box.now());
  box.outbox->acknowledge(7, 5);
  const auto right = box.clock.wall();
  box.clock.set(right + 10 * 365 * 24h);
  box.outbox->prune(box.now());
  CHECK(box.epoch(7).first_kept == 1);
  box.clock.set(right - 10 * 365 * 24h);
  box.clock.advance(7 * 24h - 1h);
  box.outbox->prune(box.now());
  CHECK(box.epoch(7).first_kept == 1);
  box.clock.advance(2h);
  box.outbox->prune(box.now());
  CHECK(box.epoch(7).first_kept == 6);
}

TEST_CASE("rows of an earlier boot are as old as the collector's time says") {
  Box box;
  box.open(7, "a");
  for (int i = 0; i < 5; ++i) box.outbox->append(Box::note("n"), box.now());
  box.outbox->acknowledge(7, 5);
  const auto right = box.clock.wall();
  SUBCASE("told in both boots: whatever the wall clock says") {
    box.outbox->set_clock_offset(7, 0);
    box.outbox->flush();
    // A day later, with a clock that begins ten years on.
    box.clock = ManualClock{right + 10 * 365 * 24h, mono_from(0)};
    box.open(8, "b");
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 1);
    box.outbox->set_clock_offset(8, micros(right + 24h) - micros(box.clock.wall()));
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 1);
    box.clock.set(right);  // somebody mends it: how long ago the collector was heard stays the same
    box.clock.advance(6 * 24h - 1h);
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 1);
    box.clock.advance(2h);
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 6);
  }
  SUBCASE("not told in one of them: from this boot on") {
    box.clock = ManualClock{right + 10 * 365 * 24h, mono_from(0)};
    box.open(8, "b");
    box.outbox->set_clock_offset(8, 0);
    box.clock.advance(7 * 24h - 1h);
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 1);
    box.clock.advance(2h);
    box.outbox->prune(box.now());
    CHECK(box.epoch(7).first_kept == 6);
  }
}

TEST_CASE("a clock that jumps back after the last contact makes no boot old, nor those before it") {
  Box box;
  const auto right = box.clock.wall();
  box.open(7, "a");
  for (int i = 0; i < 5; ++i) box.outbox->append(Box::note("n"), box.now());
  box.outbox->acknowledge(7, 5);
  box.outbox->set_clock_offset(7, 0);
  box.open(8, "b").append(Box::note("heard"), box.now());
  box.outbox->set_clock_offset(8, 0);
  box.clock.set(right - 10 * 365 * 24h);
  box.outbox->append(Box::note("ten years before"), box.now());
  box.outbox->acknowledge(8, 2);
  box.outbox->flush();
  box.clock = ManualClock{right + 1h, mono_from(0)};
  box.open(9, "c");
  box.outbox->set_clock_offset(9, 0);
  box.outbox->prune(box.now());
  CHECK(box.epoch(7).first_kept == 1);
  CHECK(box.epoch(8).first_kept == 1);
  box.clock.advance(7 * 24h);
  box.outbox->prune(box.now());
  CHECK(box.epoch(7).first_kept == 6);
  CHECK(box.epoch(8).first_kept == 3);
}

TEST_CASE("a collector put back to before an epoch of which nothing is kept learns what it lacks") {
  Box box;
  for (std::uint64_t epoch = 100; epoch < 140; ++epoch) {
    box.open(epoch);
    for (int i = 0; i < 3; ++i) box.outbox->append(Box::note("n"), box.now());
    box.outbox->acknowledge(epoch, 3);
    box.outbox->flush();
  }
  box.open(200);  // nothing is told in it
  box.open(201);
  box.clock.advance(8 * 24h);
  for (int i = 0; i < 10; ++i) box.outbox->prune(box.now());
  // Of a month of starts the names, and no more.
  const auto view = box.outbox->view();
  REQUIRE(view.epochs.size() == 32 + 1);
  CHECK(view.epochs.front().epoch == 108);
  box.outbox->rewind(139, 0);
  const auto items = box.all(139);
  REQUIRE(items.size() == 1);
  CHECK(items[0].gap().count() == 3);
  CHECK(items[0].gap().reason() == "not-kept");
  box.outbox->acknowledge(139, 3);
  box.outbox->prune(box.now());
  CHECK(box.outbox->view().epochs.size() == 32 + 1);
}

TEST_CASE("acknowledged events share a bounded part of the disk") {
  Box box;
  box.options.acked_bytes = 256 * 1024;
  box.open(7);
  box.samples(2'000, 400);
  box.outbox->acknowledge(7, 2'000);
  for (int i = 0; i < 20; ++i) box.outbox->prune({box.clock.mono(), box.clock.wall()});
  const auto kept = box.epoch(7).last - box.epoch(7).first_kept + 1;
  CHECK(kept > 100);
  CHECK(kept < 900);
}

TEST_CASE("acknowledgements and the clock's offset survive a clean stop") {
  Box box;
  box.open(7).append(Box::note("one"), box.now());
  box.outbox->acknowledge(7, 1);
  box.outbox->set_clock_offset(7, 42);
  box.outbox->flush();
  box.open(8);
  CHECK(box.epoch(7).acked == 1);
  CHECK(box.epoch(7).clock_offset_us == 42);
}

TEST_CASE("a run that announces its end was clean, one that does not was not") {
  Box box;
  CHECK_FALSE(box.open(7).last_run());
  box.outbox->append(Box::note("one"), box.now());
  const auto last = box.clock.wall();
  box.open(8);
  REQUIRE(box.outbox->last_run());
  CHECK_FALSE(box.outbox->last_run()->clean);
  CHECK(box.outbox->last_run()->last_seen_wall_us == micros(last));
  box.outbox->close_run(box.now());
  CHECK(box.all(8).back().event().power().kind() == pb::Power::SHUTDOWN);
  box.open(9);
  CHECK(box.outbox->last_run()->clean);
}

TEST_CASE("an agent that restarts without end keeps a bounded number of epochs and says so") {
  Box box;
  box.options.reserve = 0;
  for (std::uint64_t epoch = 1; epoch <= 505; ++epoch) {
    box.open(epoch);
    box.outbox->append(Box::note("n"), box.now());
  }
  CHECK(box.outbox->view().epochs.size() == 500);
  CHECK(box.outbox->view().epochs.back().epoch == 505);
  const auto items = box.all(505);
  CHECK(items.at(0).event().agent().code() == "epochs-dropped");
}
