#include <doctest/doctest.h>

#include "common/wire/codec.hpp"
#include "session_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Words = Talker::Words;

namespace doctest {
template <>
struct StringMaker<Words> {
  static String convert(const Words& words) {
    std::string out = "[";
    for (const auto& word : words) out += (out.size() > 1 ? ", " : "") + word;
    return (out + "]").c_str();
  }
};
}  // namespace doctest

namespace {

/// Greeted with nothing to send.
Talker live(Session::Options options = {}) {
  Talker out{Talker::view(0, 0), options};
  out.start();
  out.hear(Talker::welcome(0));
  return out;
}

}  // namespace

TEST_CASE("hello lists every epoch held, the current one last") {
  auto view = Talker::view(0, 0);
  view.epochs.insert(view.epochs.begin(), {Talker::old_epoch, 3, 5, 9, "old", 1'000});
  Talker t{view};
  const auto actions = t.session.start(t.now());
  REQUIRE(actions.size() == 1);
  const auto& hello = std::get<act::Send>(actions[0]).envelope.hello();
  REQUIRE(hello.epoch_size() == 2);
  CHECK(hello.epoch(0).epoch() == Talker::old_epoch);
  CHECK(hello.epoch(0).first_kept() == 3);
  CHECK(hello.epoch(0).acked() == 5);
  CHECK(hello.epoch(0).last() == 9);
  CHECK(hello.epoch(0).clock_offset_known());
  CHECK(hello.epoch(1).epoch() == Talker::epoch);
  CHECK(hello.epoch(1).last() == 0);
  CHECK(hello.inventory_hash().size() == 16);
}

TEST_CASE("a welcome is answered by the snapshot at once, then by what waits") {
  Talker t{Talker::view(0, 3)};
  CHECK(t.start() == Words{"hello"});
  CHECK(t.hear(Talker::welcome(0)) == Words{"established", "clock", "snapshot@3 +1", "read 20>0"});
  CHECK(t.read(Talker::batch(1, 3)) == Words{"batch 1-3"});
  CHECK(t.session.phase() == Session::Phase::draining);
  CHECK(t.hear(Talker::ack(3)) == Words{"acknowledge 20:3", "snapshot@3 drained"});
  CHECK(t.session.phase() == Session::Phase::live);
}

TEST_CASE("the inventory goes before the snapshot when it is wanted") {
  Talker t{Talker::view(0, 0)};
  t.start();
  auto welcome = Talker::welcome(0);
  welcome.mutable_welcome()->set_want_inventory(true);
  CHECK(t.hear(welcome) == Words{"established", "clock", "inventory", "snapshot@0 drained +1"});
}

TEST_CASE("a lower mark than remembered rewinds, a higher one acknowledges") {
  Talker lower{Talker::view(5, 9)};
  lower.start();
  CHECK(lower.hear(Talker::welcome(2)) ==
        Words{"rewind 20:2", "established", "clock", "snapshot@9 +1", "read 20>2"});
  Talker higher{Talker::view(5, 9)};
  higher.start();
  CHECK(higher.hear(Talker::welcome(9)) ==
        Words{"acknowledge 20:9", "established", "clock", "snapshot@9 drained +1"});
}

TEST_CASE("an older copy of an epoch believes the collector's mark as far as it goes") {
  auto view = Talker::view(0, 0);
  view.epochs.insert(view.epochs.begin(), {Talker::old_epoch, 1, 2, 4, "old", std::nullopt});
  Talker t{view};
  t.start();
  auto welcome = Talker::welcome(0);
  auto& high = *welcome.mutable_welcome()->add_high_water();
  high.set_epoch(Talker::old_epoch);
  high.set_seq(100);
  CHECK(t.hear(welcome) ==
        Words{"acknowledge 10:4", "established", "clock", "snapshot@0 drained +1"});
}

TEST_CASE("older epochs are sent before the current one") {
  auto view = Talker::view(0, 2);
  view.epochs.insert(view.epochs.begin(), {Talker::old_epoch, 1, 0, 4, "old", std::nullopt});
  Talker t{view};
  t.start();
  t.hear(Talker::welcome(0));
  CHECK(t.read(Talker::batch(1, 4, false, Talker::old_epoch)) == Words{"batch 1-4", "read 20>0"});
  CHECK(t.read(Talker::batch(1, 2)) == Words{"batch 1-2"});
}

TEST_CASE("the first snapshot tells of every device, also of those whose beginning is known") {
  auto view = Talker::view(4, 9);
  for (const auto& [device, seq] : {std::pair{"printer", 3U}, std::pair{"reader", 7U}}) {
    DeviceView known;
    known.status.set_device(device);
    known.status.mutable_since()->set_epoch(Talker::epoch);
    known.status.mutable_since()->set_seq(seq);
    view.devices.push_back(known);
  }
  Talker t{view};
  t.start();
  CHECK(t.hear(Talker::welcome(4))[2] == "snapshot@9 printer reader +1");
}

TEST_CASE("a snapshot of many long statuses is several frames, and lists the configuration once") {
  auto view = Talker::view(0, 99);
  for (int i = 0; i < 20; ++i) {
    DeviceView known;
    known.status.set_device("d" + std::to_string(i));
    known.status.mutable_since()->set_epoch(Talker::epoch);
    known.status.mutable_since()->set_seq(5);
    for (int c = 0; c < 10; ++c) known.status.add_condition()->set_detail(std::string(1'000, 'x'));
    view.devices.push_back(known);
  }
  Talker t{view};
  t.start();
  int statuses = 0;
  int listed = 0;
  for (const auto& action : t.session.received(Talker::welcome(0), t.now())) {
    const auto* send = std::get_if<act::Send>(&action);
    if (send == nullptr || !send->envelope.has_snapshot()) continue;
    CHECK(send->envelope.ByteSizeLong() < wire::frame_limit);
    statuses += send->envelope.snapshot().status_size();
    listed += send->envelope.snapshot().configured_size() > 0 ? 1 : 0;
  }
  CHECK(statuses == 20);
  CHECK(listed == 1);
}

TEST_CASE("at most eight batches are under way") {
  Talker t{Talker::view(0, 100)};
  t.start();
  t.hear(Talker::welcome(0));
  for (std::uint64_t seq = 1; seq < 8; ++seq) {
    CHECK(t.read(Talker::batch(seq, seq)).back() == "read 20>" + std::to_string(seq));
  }
  CHECK(t.read(Talker::batch(8, 8)) == Words{"batch 8-8"});
  CHECK(t.hear(Talker::ack(3)) == Words{"acknowledge 20:3", "read 20>8"});
}

TEST_CASE("after a resend the agent goes on from there, and echoes of it are not obeyed twice") {
  Talker t{Talker::view(0, 9)};
  t.start();
  t.hear(Talker::welcome(0));
  t.read(Talker::batch(1, 3));
  t.read(Talker::batch(4, 6));
  t.read(Talker::batch(7, 9));
  CHECK(t.hear(Talker::resend(1)) == Words{"read 20>0"});
  CHECK(t.hear(Talker::resend(1)).empty());  // for 4-6
  CHECK(t.hear(Talker::resend(1)).empty());  // for 7-9
  CHECK(t.read(Talker::batch(1, 9)) == Words{"batch 1-9"});
  CHECK(t.hear(Talker::ack(9)) == Words{"acknowledge 20:9", "snapshot@9 drained"});
}

TEST_CASE("a batch read before a resend is thrown away") {
  Talker t{Talker::view(0, 9)};
  t.start();
  t.hear(Talker::welcome(0));
  t.read(Talker::batch(1, 3));
  CHECK(t.hear(Talker::resend(1)).empty());  // a read is under way
  CHECK(t.read(Talker::batch(4, 6)) == Words{"read 20>0"});
}

TEST_CASE("a resend below what was acknowledged rewinds the outbox") {
  Talker t{Talker::view(5, 9)};
  t.start();
  t.hear(Talker::welcome(5));
  t.read(Talker::batch(6, 9));
  CHECK(t.hear(Talker::resend(3)) == Words{"rewind 20:2", "read 20>2"});
}

TEST_CASE("one batch that is refused three times ends the session") {
  Talker t{Talker::view(0, 3)};
  t.start();
  t.hear(Talker::welcome(0));
  t.read(Talker::batch(1, 3));
  t.hear(Talker::resend(1));
  t.read(Talker::batch(1, 3));
  t.hear(Talker::resend(1));
  t.read(Talker::batch(1, 3));
  CHECK(t.hear(Talker::resend(1)) == Words{"close 4003"});
}

TEST_CASE("counted batches use up credit, free ones do not, and an ack gives it back") {
  Talker t{Talker::view(0, 3)};
  t.start();
  const auto greeted = t.session.received(Talker::welcome(0, 100), t.now());
  CHECK(std::get<act::Read>(greeted.back()).budget.credit == 100);
  const auto sent = t.session.read(Talker::batch(1, 1, true), t.now());
  const auto bytes = std::get<act::Send>(sent[0]).envelope.ByteSizeLong();
  CHECK(std::get<act::Read>(sent[1]).budget.credit == 100 - bytes);
  const auto free = t.session.read(Talker::batch(2, 2, false), t.now());
  CHECK(std::get<act::Read>(free[1]).budget.credit == 100 - bytes);
  CHECK(t.read(std::nullopt).empty());  // the next one does not fit
  CHECK(t.tick().empty());
  const auto back = t.session.received(Talker::ack(1, 40), t.now());
  CHECK(std::get<act::Read>(back.back()).budget.credit == 140 - bytes);
}

TEST_CASE("a counted frame longer than the credit is never sent") {
  Talker t{Talker::view(0, 3)};
  t.start();
  t.hear(Talker::welcome(0, 10));
  CHECK(t.read(Talker::batch(1, 3, true)).empty());
  pb::Envelope credit;
  credit.mutable_credit()->set_bytes(4'000);
  CHECK(t.hear(credit) == Words{"read 20>0"});
  CHECK(t.read(Talker::batch(1, 3, true)) == Words{"batch 1-3"});
}

TEST_CASE("without credit and without anything under way the session is given up in time") {
  Talker t{Talker::view(0, 3)};
  t.start();
  t.hear(Talker::welcome(0, 0));
  t.read(std::nullopt);
  t.time = 91s;
  CHECK(t.tick() == Words{"close 1000"});
}

TEST_CASE("once drained a change of state travels in its batch alone") {
  auto t = live();
  CHECK(t.append(Talker::state_at(1)) == Words{"read 20>0"});
  CHECK(t.read(Talker::batch(1, 1)) == Words{"batch 1-1"});
  CHECK(t.append(Talker::state_at(2)) == Words{"read 20>1"});
}

TEST_CASE("while older events wait a change of state goes out at once") {
  Talker t{Talker::view(0, 500)};
  t.start();
  t.hear(Talker::welcome(0));
  CHECK(t.append(Talker::state_at(501)) == Words{"snapshot@501 printer"});
}

TEST_CASE("a backlog that grows in a session is a backlog") {
  auto t = live();
  t.append(Talker::state_at(1));  // read under way, and never answered
  for (std::uint64_t seq = 2; seq < 64; ++seq) CHECK(t.append(Talker::state_at(seq)).empty());
  CHECK(t.append(Talker::state_at(64)) == Words{"snapshot@64 printer"});
}

TEST_CASE("heartbeats come every 30 s and every tenth wants a reply") {
  auto t = live();
  for (int beat = 1; beat <= 10; ++beat) {
    t.time = beat * 30s;
    CHECK(t.session.wakes_at() == MonoTime{t.time});
    CHECK(t.tick() == Words{beat == 10 ? "heartbeat?" : "heartbeat"});
    CHECK(t.tick().empty());
  }
  pb::Envelope reply;
  reply.mutable_heartbeat_reply()->set_server_wall_us(Duration{t.time}.count());
  CHECK(t.hear(reply).empty());
  t.time = 330s;
  CHECK(t.tick() == Words{"heartbeat"});
}

TEST_CASE("a wanted reply that is 30 s late ends the session") {
  auto t = live();
  for (int beat = 1; beat <= 10; ++beat) {
    t.time = beat * 30s;
    t.tick();
  }
  t.time = 329s;
  CHECK(t.tick().empty());
  t.time = 330s;
  CHECK(t.tick() == Words{"close 4006"});
  CHECK(t.session.after_end(0) == wire::AfterClose::back_off);
}

TEST_CASE("a heartbeat that is nearly due rides on a batch") {
  auto t = live();
  t.time = 26s;
  t.append(Talker::state_at(1));
  CHECK(t.read(Talker::batch(1, 1)) == Words{"heartbeat batch 1-1"});
  t.time = 30s;
  CHECK(t.tick().empty());
  CHECK(t.session.wakes_at() == MonoTime{56s});
}

TEST_CASE("a probe is answered by a heartbeat") {
  auto t = live();
  pb::Envelope probe;
  probe.mutable_probe();
  CHECK(t.hear(probe) == Words{"heartbeat"});
}

TEST_CASE("a drain waits for what is under way and sends nothing new") {
  auto t = live();
  t.append(Talker::state_at(1));
  t.read(Talker::batch(1, 1));
  pb::Envelope drain;
  drain.mutable_drain()->set_retry_after_ms(5'000);
  CHECK(t.hear(drain).empty());
  CHECK(t.append(Talker::state_at(2)).empty());
  CHECK(t.hear(Talker::ack(1)) == Words{"acknowledge 20:1", "close 1000"});
  CHECK(t.session.after_end(0) == wire::AfterClose::wait_as_told);
  CHECK(t.session.hint() == Duration{5s});
}

TEST_CASE("busy and bye end the session the way their codes say") {
  Talker busy{Talker::view(0, 0)};
  busy.start();
  pb::Envelope told;
  told.mutable_busy()->set_retry_after_ms(2'000);
  CHECK(busy.hear(told) == Words{"close 1000"});
  CHECK(busy.session.after_end(0) == wire::AfterClose::wait_as_told);
  struct Row {
    wire::CloseCode code;
    wire::AfterClose then;
  };
  for (const auto& row : {Row{wire::close_revoked, wire::AfterClose::re_enroll},
                          Row{wire::close_version, wire::AfterClose::stop_and_alarm},
                          Row{wire::close_superseded, wire::AfterClose::back_off}}) {
    Talker bye{Talker::view(0, 0)};
    bye.start();
    pb::Envelope goodbye;
    goodbye.mutable_bye()->set_code(row.code.code);
    CHECK(bye.hear(goodbye) == Words{"close 1000"});
    CHECK(bye.session.after_end(1000) == row.then);
    Talker closed{Talker::view(0, 0)};
    CHECK(closed.session.after_end(row.code.code) == row.then);
  }
}

TEST_CASE("a quarantined session still sends its events") {
  Talker t{Talker::view(0, 1)};
  t.start();
  auto welcome = Talker::welcome(0);
  welcome.mutable_welcome()->set_quarantined(true);
  CHECK(t.hear(welcome) == Words{"quarantined", "clock", "snapshot@1 +1", "read 20>0"});
}

TEST_CASE("a collector that breaks the protocol is left with a reason") {
  const auto broken = [](const pb::Envelope& frame) {
    auto t = live();
    return t.hear(frame);
  };
  pb::Envelope hello;
  hello.mutable_hello();
  CHECK(broken(hello) == Words{"close 4003"});
  CHECK(broken(Talker::welcome(0)) == Words{"close 4003"});
  CHECK(broken(Talker::ack(1)) == Words{"close 4003"});
  CHECK(broken(Talker::resend(0)) == Words{"close 4003"});
  CHECK(broken(Talker::resend(2)) == Words{"close 4003"});
  auto foreign = Talker::ack(0);
  foreign.mutable_ack()->set_epoch(99);
  CHECK(broken(foreign) == Words{"close 4003"});
  CHECK(broken(pb::Envelope{}).empty());  // a later version's message

  Talker early{Talker::view(0, 5)};
  early.start();
  CHECK(early.hear(Talker::ack(1)) == Words{"close 4003"});
  Talker version{Talker::view(0, 0)};
  version.start();
  auto other = Talker::welcome(0);
  other.mutable_welcome()->set_version(2);
  CHECK(version.hear(other) == Words{"close 4011"});
  Talker ahead{Talker::view(0, 5)};
  ahead.start();
  CHECK(ahead.hear(Talker::welcome(6)) == Words{"close 4003"});
}

TEST_CASE("a hello without an answer, and a batch without an ack, end in time") {
  Talker t{Talker::view(0, 1)};
  t.start();
  t.time = 30s;
  CHECK(t.tick() == Words{"close 4006"});
  Talker sent{Talker::view(0, 1)};
  sent.start();
  sent.hear(Talker::welcome(0));
  sent.read(Talker::batch(1, 1));
  sent.time = 90s;
  CHECK(sent.tick() == Words{"close 4006"});
}

TEST_CASE("after its end a session does nothing") {
  auto t = live();
  t.hear(Talker::welcome(0));
  CHECK(t.tick().empty());
  CHECK(t.append(Talker::state_at(1)).empty());
  CHECK(t.read(Talker::batch(1, 1)).empty());
  CHECK(t.hear(Talker::ack(0)).empty());
}

TEST_CASE("what a device newly says of itself is sent as inventory after a moment") {
  auto t = live();
  Appended said;
  said.at = {Talker::epoch, 0};
  said.identity = DeviceIdentity{"printer", {"SNBC", "BTP-M300", "123", "1.0"}};
  CHECK(t.append(said).empty());
  t.time = 2s;
  CHECK(t.tick() == Words{"inventory"});
  CHECK(t.tick().empty());
}

TEST_CASE("hello says which configuration is in force and whether others may be pushed") {
  SessionFacts facts;
  facts.configuration_hash = std::string(32, 'h');
  facts.configuration_local = true;
  Session session{{}, facts, Talker::view(0, 0)};
  const auto actions = session.start({});
  REQUIRE(actions.size() == 1);
  const auto& hello = std::get<act::Send>(actions[0]).envelope.hello();
  CHECK(hello.configuration_hash() == facts.configuration_hash);
  CHECK(hello.configuration_local());
}

TEST_CASE("commands and configurations are handed on, in order, and not before Welcome") {
  pb::Envelope command;
  command.mutable_command()->set_verb("refresh");
  pb::Envelope configuration;
  configuration.mutable_configuration()->set_body("text");
  auto t = live();
  CHECK(t.hear(command) == Words{"order refresh"});
  CHECK(t.hear(configuration) == Words{"configure text"});
  Talker early{Talker::view(0, 0)};
  early.start();
  CHECK(early.hear(command) == Words{"close 4003"});
}
