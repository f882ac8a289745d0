// What applications tell is entered once, in order, over restarts, and sessions end.
#include "agent/local_api/ledger.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "failing_disk.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using How = Entered::How;

namespace {

pb::ServiceSession session(const std::string& id) {
  pb::ServiceSession out;
  out.set_id(id);
  out.set_application("app");
  return out;
}

pb::Transaction transaction(const std::string& id, const std::string& business = "sb") {
  pb::Transaction out;
  out.set_id(id);
  out.set_business(business);
  return out;
}

/// A ledger over an outbox that can be restarted, with the boot it runs in.
struct Desk {
  explicit Desk(std::uint64_t epoch = 7) { start(epoch); }
  void start(std::uint64_t epoch, const std::string& boot = "boot-1") {
    ledger.reset();
    outbox = &box.open(epoch, boot);
    ledger = std::make_unique<Ledger>(box.clock, serving, boot);
    ledger->begin(*outbox, 60s);
  }
  Entered begin(const std::string& id) { return ledger->begin_session(*outbox, session(id)); }
  Entered end(const std::string& id, const std::string& reason = "completed") {
    return ledger->end_session(*outbox, id, reason);
  }
  Entered tell(const std::string& id, const std::string& business = "sb") {
    return ledger->transaction(*outbox, transaction(id, business));
  }
  /// "begin s1", "end s1 timeout", "t1 in s1" of an epoch's events.
  std::vector<std::string> lines(std::uint64_t epoch) {
    std::vector<std::string> out;
    for (const auto& item : box.all(epoch)) {
      const auto& event = item.event();
      if (event.has_session() && event.session().kind() == pb::ServiceSession::BEGIN) {
        out.push_back("begin " + event.session().id());
      } else if (event.has_session()) {
        out.push_back("end " + event.session().id() + " " + event.session().reason());
      } else if (event.has_transaction()) {
        out.push_back(event.transaction().id() + " in " + event.transaction().session());
      } else if (event.has_clicks()) {
        out.push_back("clicks " + event.clicks().id());
      }
    }
    return out;
  }

  Box box;
  Serving serving;
  Outbox* outbox = nullptr;
  std::unique_ptr<Ledger> ledger;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the same id again is answered as before and counted once, also after a restart") {
  Desk desk;
  const auto first = desk.tell("t1");
  REQUIRE(first.how == How::written);
  desk.box.clock.advance(5s);
  const auto second = desk.tell("t1");
  CHECK(second.how == How::again);
  CHECK(second.body == first.body);
  CHECK(desk.tell("t1", "other").how == How::id_reused);
  desk.box.cut();
  desk.start(8);
  const auto third = desk.tell("t1");
  CHECK(third.how == How::again);
  CHECK(third.body == first.body);
  CHECK(desk.tell("t2").how == How::written);
  CHECK(desk.lines(7) == Lines{"t1 in "});
  CHECK(desk.lines(8) == Lines{"t2 in "});
}

TEST_CASE("an id is its kind's own, and what the agent adds does not make it another one") {
  Desk desk;
  REQUIRE(desk.begin("1").how == How::written);
  CHECK(desk.tell("1").how == How::written);
  pb::Clicks clicks;
  clicks.set_id("1");
  clicks.add_click()->set_item("a");
  CHECK(desk.ledger->clicks(*desk.outbox, clicks).how == How::written);
  REQUIRE(desk.end("1").how == How::written);
  // Told again outside the session, the clicks older by now.
  clicks.mutable_click(0)->set_ago_ms(4'000);
  CHECK(desk.ledger->clicks(*desk.outbox, clicks).how == How::again);
  CHECK(desk.tell("1").how == How::again);
  CHECK(desk.lines(7) == Lines{"begin 1", "1 in 1", "clicks 1", "end 1 completed"});
}

TEST_CASE("ids are remembered for a week and a bounded number of them") {
  Desk desk;
  desk.tell("old");
  desk.box.clock.advance(std::chrono::days{6});
  desk.tell("young");
  desk.box.clock.advance(std::chrono::days{2});
  desk.outbox->prune({desk.box.clock.mono(), desk.box.clock.wall()});
  CHECK_FALSE(desk.outbox->told("transaction/old"));
  CHECK(desk.outbox->told("transaction/young"));

  Box small{2 * 1024 * 1024};
  auto& outbox = small.open(1);
  for (int i = 0; i < 1'500; ++i) {
    Telling telling;
    telling.names.push_back({"n" + std::to_string(i), "m", "a"});
    REQUIRE(outbox.tell(telling, small.now()).how == Told::How::written);
  }
  outbox.prune({small.clock.mono(), small.clock.wall()});
  CHECK_FALSE(outbox.told("n0"));
  CHECK(outbox.told("n1499"));
  CHECK(outbox.told("n600"));
}

TEST_CASE("a session ends once, and says how") {
  Desk desk;
  CHECK(desk.end("s1").how == How::no_session);
  const auto begun = desk.begin("s1");
  REQUIRE(begun.how == How::written);
  CHECK(desk.serving.active());
  CHECK(desk.begin("s1").how == How::again);
  CHECK(desk.begin("s1").body == begun.body);
  desk.box.clock.advance(3s);
  desk.tell("t1");
  const auto over = desk.end("s1", "cancelled");
  REQUIRE(over.how == How::written);
  CHECK(over.body.find("\"duration_ms\":3000") != std::string::npos);
  CHECK_FALSE(desk.serving.active());
  CHECK(desk.end("s1", "cancelled").how == How::again);
  CHECK(desk.end("s1", "cancelled").body == over.body);
  const auto other = desk.end("s1", "completed");
  CHECK(other.how == How::session_over);
  CHECK(other.reason == "cancelled");
  CHECK(desk.lines(7) == Lines{"begin s1", "t1 in s1", "end s1 cancelled"});
}

TEST_CASE("a session that is never ended times out by the last word of it") {
  Desk desk;
  desk.begin("s1");
  desk.box.clock.advance(50s);
  desk.ledger->expire(*desk.outbox);
  CHECK(desk.serving.active());
  desk.tell("t1");
  desk.box.clock.advance(59s);
  desk.ledger->expire(*desk.outbox);
  CHECK(desk.serving.active());
  desk.box.clock.advance(1s);
  desk.ledger->expire(*desk.outbox);
  CHECK_FALSE(desk.serving.active());
  CHECK(desk.serving.ended()->reason == "timeout");
  const auto late = desk.end("s1");
  CHECK(late.how == How::session_over);
  CHECK(late.reason == "timeout");
  CHECK(desk.lines(7) == Lines{"begin s1", "t1 in s1", "end s1 timeout"});
}

TEST_CASE("the next session ends the one before, in one commit") {
  Desk desk;
  desk.begin("s1");
  REQUIRE(desk.begin("s2").how == How::written);
  CHECK(desk.serving.open()->session == "s2");
  CHECK(desk.end("s1").reason == "replaced");
  CHECK(desk.lines(7) == Lines{"begin s1", "end s1 replaced", "begin s2"});
  // The first one told again is what it was: it does not end the second.
  CHECK(desk.begin("s1").how == How::again);
  CHECK(desk.serving.open()->session == "s2");
}

TEST_CASE("an open session outlives the agent's restart and ends with the kiosk's") {
  Desk desk;
  desk.begin("s1");
  desk.box.clock.advance(10s);
  desk.start(8, "boot-1");
  REQUIRE(desk.serving.active());
  CHECK(desk.serving.open()->session == "s1");
  desk.tell("t1");
  desk.box.clock.advance(10s);
  desk.start(9, "boot-2");
  CHECK_FALSE(desk.serving.active());
  CHECK(desk.lines(8) == Lines{"t1 in s1"});
  CHECK(desk.lines(9) == Lines{"end s1 restarted"});
  desk.start(10, "boot-2");
  CHECK(desk.lines(10).empty());
}

TEST_CASE("the time for which the kiosk was off is no part of a session") {
  Desk desk;
  desk.begin("s1");
  desk.box.clock.advance(10s);
  desk.tell("t1");
  desk.box.clock.advance(20s);
  desk.outbox->touch(desk.box.now());  // the agent's last sign of life
  desk.box.clock.advance(50s);
  desk.box.cut();
  desk.box.clock.advance(13h);  // off overnight
  desk.start(8, "boot-2");
  auto items = desk.box.all(8);
  REQUIRE(items.size() == 1);
  CHECK(items[0].event().session().reason() == "restarted");
  REQUIRE(items[0].event().session().has_duration_ms());
  CHECK(items[0].event().session().duration_ms() >= 30'000);
  CHECK(items[0].event().session().duration_ms() < 31'000);
  CHECK(desk.serving.ended()->reason == "restarted");
}

TEST_CASE("how long a session lasted is unknown when another boot lies in between") {
  Desk desk;
  desk.begin("s1");
  // A run of another boot that took no word of sessions, its data assistant could not start.
  desk.ledger.reset();
  desk.box.open(8, "boot-2").append(Box::note("x"), desk.box.now());
  desk.box.clock.advance(1h);
  desk.start(9, "boot-2");
  const auto items = desk.box.all(9);
  REQUIRE(items.size() == 1);
  CHECK(items[0].event().session().reason() == "restarted");
  CHECK_FALSE(items[0].event().session().has_duration_ms());
}

TEST_CASE("a session that was cut ends as that, also when the disk takes it late") {
  const FailingDisk disk;
  Desk desk;
  desk.begin("s1");
  desk.box.clock.advance(10s);
  desk.tell("t1");
  desk.box.cut();
  desk.box.clock.advance(8h);
  desk.outbox = &desk.box.open(8, "boot-2");
  desk.ledger = std::make_unique<Ledger>(desk.box.clock, desk.serving, "boot-2");
  FailingDisk::failures = 1'000'000;
  desk.ledger->begin(*desk.outbox, 60s);
  CHECK(desk.end("s1").how == How::not_kept);
  FailingDisk::failures = 0;
  CHECK(desk.tell("t2").how == How::written);  // of no session
  desk.ledger->expire(*desk.outbox);
  CHECK(desk.lines(8) == Lines{"t2 in ", "end s1 restarted"});
  CHECK(desk.box.all(8)[1].event().session().duration_ms() == 10'000);
  CHECK(desk.end("s1").reason == "restarted");
}

TEST_CASE("when the disk takes nothing, nothing is acknowledged and nothing half done") {
  const FailingDisk disk;
  Box box;
  auto& outbox = box.open(7);
  Serving serving;
  Ledger ledger{box.clock, serving, "boot"};
  ledger.begin(outbox, 60s);
  REQUIRE(ledger.begin_session(outbox, session("s1")).how == How::written);
  FailingDisk::failures = 1'000'000;
  CHECK(ledger.transaction(outbox, transaction("t1")).how == How::not_kept);
  CHECK(ledger.end_session(outbox, "s1", "completed").how == How::not_kept);
  CHECK(ledger.begin_session(outbox, session("s2")).how == How::not_kept);
  CHECK(serving.open()->session == "s1");
  FailingDisk::failures = 0;
  CHECK(ledger.transaction(outbox, transaction("t1")).how == How::written);
  CHECK(ledger.end_session(outbox, "s1", "completed").how == How::written);
  std::uint64_t events = 0;
  for (const auto& item : box.all(7)) {
    CHECK_FALSE(item.has_gap());  // who was not acknowledged tells it again: nothing is missing
    ++events;
  }
  CHECK(events == 3);
}

TEST_CASE("an outbox in memory acknowledges nothing") {
  tests::TempFolder folder;
  Outbox::Options options;
  options.folder = folder / "none" / "deeper";
  ManualClock clock;
  Outbox outbox{options, clock, "boot", 7};
  REQUIRE_FALSE(outbox.stats().on_disk);
  Serving serving;
  Ledger ledger{clock, serving, "boot"};
  ledger.begin(outbox, 60s);
  CHECK(ledger.transaction(outbox, transaction("t1")).how == How::not_kept);
  CHECK(ledger.begin_session(outbox, session("s1")).how == How::not_kept);
  CHECK_FALSE(serving.active());
}

TEST_CASE("ids survive the salvage of a damaged file") {
  Desk desk;
  for (int i = 0; i < 50; ++i) desk.tell("t" + std::to_string(i));
  for (int i = 0; i < 200; ++i) {
    desk.outbox->append(Box::note("bulk", std::string(1'000, 'x')), desk.box.now());
  }
  desk.box.cut();
  {
    // In the middle of the file are the notes.
    const auto name = desk.box.folder / "outbox.db";
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(name)) / 2;
    std::fstream file{name, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(middle / 4'096 * 4'096);
    file << std::string(3 * 4'096, '\xa5');
  }
  desk.start(8);
  CHECK(desk.box.all(8).at(0).event().agent().code() == "outbox-damaged");
  for (int i = 0; i < 50; ++i) CHECK(desk.tell("t" + std::to_string(i)).how == How::again);
}
