#include <random>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "common/wire/close_codes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "common/wire/event_classes.hpp"
#include "common/wire/status_json.hpp"

using namespace kw;
using namespace kw::wire;

namespace {

Status full() {
  Status s;
  s.device = DeviceState::online;
  s.media = Media::present;
  s.evidence = Evidence::protocol_reply;
  s.components.push_back({"cover", ComponentState::open, true});
  s.consumables.push_back({.type = "receipt_paper",
                           .state = ConsumableState::low,
                           .source = LevelSource::flag,
                           .unit = "metres",
                           .available = 7.5});
  s.conditions.push_back(condition(*find_condition("media-low"), "EOT4=1e", "near end"));
  return s;
}

std::string batch_frame() {
  pb::Envelope envelope;
  auto& batch = *envelope.mutable_batch();
  batch.set_epoch(5);
  batch.set_first(1);
  batch.set_last(1);
  *batch.add_item()->mutable_event()->mutable_state() = to_wire("receipt", full());
  return encode(envelope);
}

}  // namespace

TEST_CASE("a status survives the wire") {
  const auto back = from_wire(to_wire("receipt", full()));
  CHECK(same_state(full(), back));
  CHECK(back.consumables[0].available == 7.5);
  CHECK_FALSE(back.consumables[0].percent);
}

TEST_CASE("what breaks a limit is garbled, and says what") {
  CHECK_FALSE(decode(std::string(frame_limit + 1, 'x')));
  CHECK_FALSE(decode("\xff\xff\xff\xff"));
  pb::Envelope envelope;
  auto& status = *envelope.mutable_snapshot()->add_status();
  status.set_device("has space");
  const auto bad = decode(encode(envelope));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code() == Errc::garbled);
  CHECK(bad.error().text().find("device id") != std::string::npos);
  status.set_device("receipt");
  status.set_state(77);
  CHECK_FALSE(decode(encode(envelope)));
  status.set_state(2);
  CHECK(decode(encode(envelope)));
  for (int i = 0; i < conditions_per_status + 1; ++i) status.add_condition()->set_code("x");
  CHECK_FALSE(decode(encode(envelope)));
}

TEST_CASE("times that would overflow are refused") {
  pb::Envelope envelope;
  auto& hello = *envelope.mutable_hello();
  hello.add_epoch()->set_epoch(1);
  CHECK(decode(encode(envelope)));
  hello.set_mono_us(INT64_MIN);
  CHECK_FALSE(decode(encode(envelope)));
}

TEST_CASE("no mutation of a frame does more than fail to decode") {
  const auto frame = batch_frame();
  std::mt19937 random{42};
  for (int i = 0; i < 50'000; ++i) {
    auto mutant = frame;
    const auto flips = 1 + random() % 4;
    for (unsigned f = 0; f < flips; ++f) {
      mutant[random() % mutant.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) mutant.resize(random() % mutant.size());
    const auto decoded = decode(mutant);
    if (decoded && decoded->has_batch()) {
      const auto ranged = check_range(decoded->batch());
      for (const auto& item : decoded->batch().item()) {
        if (item.event().has_state()) static_cast<void>(health_of(item.event().state()));
      }
      CHECK((ranged || ranged.error().code() == Errc::garbled));
    }
  }
}

TEST_CASE("health: first that holds of disabled, unknown, fault, warning, busy, ok") {
  Status s;
  s.device = DeviceState::online;
  CHECK(health_of(s) == Health::ok);
  s.device = DeviceState::device_busy;
  CHECK(health_of(s) == Health::busy);
  s.conditions.push_back(condition(*find_condition("media-low")));
  CHECK(health_of(s) == Health::warning);
  s.conditions.push_back(condition(*find_condition("media-empty")));
  CHECK(health_of(s) == Health::fault);
  s.device = DeviceState::unknown;
  CHECK(health_of(s) == Health::unknown);
  s.enabled = false;
  CHECK(health_of(s) == Health::disabled);
}

TEST_CASE("each bad state alone is a fault; a full bin is, a full supply is not") {
  for (const auto device :
       {DeviceState::no_device, DeviceState::offline, DeviceState::power_off,
        DeviceState::hardware_error, DeviceState::user_error, DeviceState::fraud_attempt}) {
    Status s;
    s.device = device;
    CHECK(health_of(s) == Health::fault);
  }
  Status s;
  s.device = DeviceState::online;
  s.consumables.push_back({.type = "paper", .state = ConsumableState::full});
  CHECK(health_of(s) == Health::ok);
  s.consumables[0].direction = Direction::bin;
  CHECK(health_of(s) == Health::fault);
  s.consumables[0].enabled = false;
  CHECK(health_of(s) == Health::ok);
}

TEST_CASE("condition codes are unique, lower-case and hyphenated, with both languages") {
  std::vector<std::string_view> seen;
  for (const auto& row : standard_conditions()) {
    CHECK(std::ranges::find(seen, row.code) == seen.end());
    seen.push_back(row.code);
    CHECK(row.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string_view::npos);
    CHECK_FALSE(row.text.zh.empty());
    CHECK_FALSE(row.text.en.empty());
  }
}

TEST_CASE("gaps and audit are dropped last, samples first") {
  CHECK(row(EventClass::sample).drop_rank == 0);
  for (const auto& r : event_classes()) {
    CHECK(&row(r.event_class) == &r);
    CHECK(r.drop_rank <= row(EventClass::gap).drop_rank);
  }
  CHECK(row(EventClass::state).drop_rank > row(EventClass::business).drop_rank);
}

TEST_CASE("unknown close codes mean: back off") {
  CHECK(after(4999) == AfterClose::back_off);
  CHECK(after(close_revoked.code) == AfterClose::re_enroll);
}

TEST_CASE("unknown figures are null in JSON, never zero") {
  const auto text = boost::json::serialize(to_json(full()));
  CHECK(text.find("\"percent\":null") != std::string::npos);
  CHECK(text.find("\"available\":7.5E0") != std::string::npos);
  CHECK(text.find("\"health\":\"warning\"") != std::string::npos);
}
