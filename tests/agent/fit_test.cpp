#include "agent/outbox/fit.hpp"

#include <doctest/doctest.h>

#include "common/wire/codec.hpp"

using namespace kw;
using namespace kw::agent;

TEST_CASE("text is cut between characters and what is not UTF-8 becomes a question mark") {
  CHECK(fitting("abcdef", 4) == "abcd");
  CHECK(fitting("打印机", 7) == "打印");
  CHECK(fitting(std::string_view{"a\xff"
                                 "b"},
                9) == "a?b");
  CHECK(fitting("\xe6\x89", 9) == "??");
  CHECK(fitting("\xed\xa0\x80", 9) == "???");
}

TEST_CASE("the longest status that a device can say fits one frame") {
  wire::Status status;
  for (int i = 0; i < 100; ++i) {
    status.conditions.push_back({.code = std::string(500, 'c'),
                                 .vendor_code = std::string(5'000, 'v'),
                                 .detail = std::string(5'000, 'd')});
    status.components.push_back({std::string(5'000, 'n'), wire::ComponentState::ok, true});
    wire::Consumable consumable;
    consumable.type = std::string(5'000, 't');
    consumable.unit = std::string(5'000, 'u');
    status.consumables.push_back(consumable);
  }
  auto said = wire::to_wire("printer", status);
  fit(said);
  pb::Envelope envelope;
  auto& batch = *envelope.mutable_batch();
  batch.set_first(1);
  batch.set_last(1);
  *batch.add_item()->mutable_event()->mutable_state() = said;
  const auto frame = wire::encode(envelope);
  CHECK(frame.size() < 48 * 1024);
  CHECK(wire::decode(frame));
}

TEST_CASE("many measurements become several samples, each within the smallest credit") {
  std::vector<wire::Measurement> many;
  for (int i = 0; i < 200; ++i) many.push_back({std::string(80, 'm'), 1.5});
  const auto events = samples_of("host", many);
  int measurements = 0;
  for (const auto& event : events) {
    CHECK(event.ByteSizeLong() < 3'000);
    measurements += event.sample().measurement_size();
  }
  CHECK(measurements == 200);
}
