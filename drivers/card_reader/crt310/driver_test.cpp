#include <doctest/doctest.h>

#include "drivers/card_reader/crt310/frame.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ComponentState;
using wire::ConsumableState;
using wire::DeviceState;
using wire::Health;
using wire::Media;

const Bytes ask_status{0x02, 0x00, 0x02, 0x31, 0x30, 0x03, 0x02};
const Bytes ask_sensors{0x02, 0x00, 0x02, 0x31, 0x2f, 0x03, 0x1d};
const Bytes ack{0x06};
const Bytes enq{0x05};

Bytes framed(const Bytes& payload) {
  Bytes out{0x02, 0x00, static_cast<std::uint8_t>(payload.size())};
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(0x03);
  std::uint8_t sum = 0;
  for (const auto b : out) sum ^= b;
  out.push_back(sum);
  return out;
}

Bytes at(std::uint8_t position, std::uint8_t front = 0x49, std::uint8_t rear = 0x4e) {
  return framed({0x31, 0x30, position, front, rear});
}

/// A reader that acknowledges what it is asked and answers on ENQ.
struct Reader {
  Bytes status = at(0x4e);
  Bytes sensors = framed({0x31, 0x2f, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30});
  Bytes waiting;
  FakePort port;
  std::unique_ptr<Driver> driver;

  explicit Reader(const Given& settings = {}) {
    port.device = [this](const Bytes& request) { answer(request); };
    auto made = make_driver("crt310", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
  }

  void answer(const Bytes& request) {
    if (request == enq) {
      port.arrive(waiting);
    } else if (request == ask_status || request == ask_sensors) {
      waiting = request == ask_status ? status : sensors;
      port.arrive(ack);
    }
  }

  MonoTime within(Duration d) const { return port.now() + d; }
  Result<void> open() { return driver->open(port, within(seconds{2})); }
  Result<wire::Status> poll() { return driver->poll(within(seconds{2})); }
  wire::Status opened() {
    const auto done = open();
    REQUIRE_MESSAGE(bool(done), done.error().text());
    return polled();
  }
  wire::Status polled() {
    auto out = poll();
    REQUIRE_MESSAGE(bool(out), out.error().text());
    return std::move(*out);
  }
};

ComponentState component(const wire::Status& status, std::string_view name) {
  for (const auto& c : status.components) {
    if (c.name == name) return c.state;
  }
  return ComponentState::unknown;
}

template <class Command>
constexpr bool can_encode = requires(Command command) { crt310::encode(command); };
static_assert(can_encode<crt310::PollCommand>);
static_assert(!can_encode<std::uint16_t>);

}  // namespace

TEST_CASE("crt310: every place of a card is read as what it is") {
  struct Row {
    std::uint8_t position;
    Media media;
    DeviceState device;
    std::vector<std::string> codes;
    Health health;
  };
  using Codes = std::vector<std::string>;
  const std::vector<Row> rows{
      {0x4e, Media::not_present, DeviceState::online, {}, Health::ok},
      {0x48, Media::entering, DeviceState::online, {}, Health::ok},
      {0x49, Media::present, DeviceState::online, {}, Health::ok},
      {0x4a, Media::present, DeviceState::online, {}, Health::ok},
      {0x4b, Media::present, DeviceState::online, {}, Health::ok},
      {0x4c, Media::present, DeviceState::online, {}, Health::ok},
      {0x4d, Media::entering, DeviceState::online, {}, Health::ok},
      {0x46, Media::jammed, DeviceState::user_error, Codes{"card-length"}, Health::fault},
      {0x47, Media::jammed, DeviceState::user_error, Codes{"card-length"}, Health::fault},
      {0x55, Media::unknown, DeviceState::online, {}, Health::ok},
  };
  for (const auto& row : rows) {
    CAPTURE(row.position);
    Reader reader;
    reader.status = at(row.position);
    const auto status = reader.opened();
    CHECK(status.media == row.media);
    CHECK(status.device == row.device);
    CHECK(codes_of(status) == row.codes);
    CHECK(health_of(status) == row.health);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
  }
}

TEST_CASE("crt310: entries and shutter are shown as they are set") {
  Reader reader;
  auto status = reader.opened();
  CHECK(component(status, "front_entry") == ComponentState::on);
  CHECK(component(status, "rear_entry") == ComponentState::off);
  CHECK(component(status, "shutter") == ComponentState::closed);
  reader.status = at(0x4e, 0x4e, 0x4a);
  reader.sensors = framed({0x31, 0x2f, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x31, 0x30});
  status = reader.polled();
  CHECK(component(status, "front_entry") == ComponentState::off);
  CHECK(component(status, "rear_entry") == ComponentState::on);
  CHECK(component(status, "shutter") == ComponentState::open);
  CHECK(health_of(status) == Health::ok);
}

TEST_CASE("crt310: errors are conditions with the device's own code") {
  struct Row {
    std::uint8_t error;
    std::string code;
    DeviceState device;
  };
  for (const auto& row : std::vector<Row>{{0x06, "card-length", DeviceState::user_error},
                                          {0x05, "power", DeviceState::power_off},
                                          {0x07, "power", DeviceState::power_off},
                                          {0x04, "link-noise", DeviceState::online},
                                          {0x02, "reader-error", DeviceState::online}}) {
    CAPTURE(row.error);
    Reader reader;
    reader.status = framed({0x4e, 0x31, row.error});
    const auto status = reader.opened();
    CHECK(codes_of(status) == std::vector<std::string>{row.code});
    CHECK(status.device == row.device);
    CHECK(status.conditions[0].vendor_code.starts_with("ERR=0"));
  }
}

TEST_CASE("crt310: the dialogue is request, 06, 05, answer, 06, and nothing else is sent") {
  Reader reader{{{"sensors", "false"}}};
  reader.opened();
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status, enq, ack});
  reader.port.forget_written();
  reader.polled();
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status, enq, ack});

  Reader asks;
  asks.opened();
  CHECK(asks.port.written() == std::vector<Bytes>{ask_status, enq, ack, ask_sensors, enq, ack});
}

TEST_CASE("crt310: models that answer at once, or want an address byte") {
  Reader direct{{{"enquiry", "false"}, {"sensors", "false"}}};
  direct.port.device = [&](const Bytes& request) {
    if (request == ask_status) direct.port.arrive(direct.status);
  };
  CHECK(direct.opened().media == Media::not_present);
  CHECK(direct.port.written() == std::vector<Bytes>{ask_status});

  Reader addressed{{{"addressed", "true"}, {"sensors", "false"}}};
  addressed.port.device = [&](const Bytes& request) {
    if (request.size() == 8 && request[0] == 0x00) {
      addressed.answer(Bytes{request.begin() + 1, request.end()});
    } else {
      addressed.answer(request);
    }
  };
  CHECK(addressed.opened().media == Media::not_present);
}

TEST_CASE("crt310: a model without the sensor command is not asked for it each time") {
  Reader reader;
  reader.sensors = framed({0x4e, 0x31, 0x00});
  const auto status = reader.opened();
  CHECK(component(status, "shutter") == ComponentState::unknown);
  CHECK(status.conditions.empty());
  reader.polled();
  CHECK(std::ranges::count(reader.port.written(), ask_sensors) == 1);
}

TEST_CASE("crt310: retained cards are counted as far as a poll can see them") {
  Reader reader{{{"retain_capacity", "4"}}};
  auto status = reader.opened();
  REQUIRE(status.consumables.size() == 1);
  CHECK(status.consumables[0].type == "retain_bin");
  CHECK(status.consumables[0].direction == wire::Direction::bin);
  CHECK(status.consumables[0].source == wire::LevelSource::counted);
  CHECK(status.consumables[0].available == 0.0);
  CHECK(status.consumables[0].state == ConsumableState::unknown);
  const auto after = [&](std::vector<Bytes> steps) {
    for (auto& step : steps) {
      reader.status = std::move(step);
      status = reader.polled();
    }
    return *status.consumables[0].available;
  };
  CHECK(after({at(0x4a), at(0x4c), at(0x4e)}) == 1);
  CHECK(after({at(0x4a), at(0x4d), at(0x4d), at(0x4e)}) == 2);
  CHECK(after({at(0x4c), at(0x4a), at(0x48), at(0x4e)}) == 2);  // came back and went out in front
  CHECK(after({at(0x4d, 0x49, 0x4a), at(0x4e, 0x49, 0x4a)}) == 2);  // the rear is an entry
  CHECK(status.consumables[0].state == ConsumableState::unknown);
  // The port may be given back meanwhile.
  reader.driver->close();
  REQUIRE(reader.opened().consumables.at(0).available == 2.0);
  CHECK(after({at(0x4c), at(0x4e)}) == 3);
  CHECK(status.consumables[0].state == ConsumableState::high);
  CHECK(after({at(0x4c), at(0x4e)}) == 4);
  CHECK(status.consumables[0].state == ConsumableState::full);
  CHECK(codes_of(status) == std::vector<std::string>{"retain-full"});
  CHECK(health_of(status) == Health::fault);
}

TEST_CASE("crt310: a card that stays too long was left behind") {
  Reader reader{{{"card_left_s", "120"}}};
  reader.status = at(0x4a);
  CHECK(reader.opened().conditions.empty());
  for (int i = 0; i < 2; ++i) {
    reader.port.pass(seconds{50});
    CHECK(reader.polled().conditions.empty());
  }
  reader.port.pass(seconds{30});
  const auto status = reader.polled();
  CHECK(codes_of(status) == std::vector<std::string>{"card-left"});
  CHECK(health_of(status) == Health::warning);
  reader.status = at(0x4e);
  CHECK(reader.polled().conditions.empty());
  reader.status = at(0x4a);
  CHECK(reader.polled().conditions.empty());
}

TEST_CASE("crt310: a stay is counted anew after what nobody saw") {
  Reader reader{{{"card_left_s", "120"}}};
  reader.status = at(0x4a);
  reader.opened();
  const auto stays = [&](int polls) {
    bool left = false;
    for (int i = 0; i < polls; ++i) {
      reader.port.pass(seconds{50});
      left = condition_of(reader.polled(), "card-left") != nullptr;
    }
    return left;
  };
  REQUIRE(stays(3));
  reader.port.pass(seconds{200});  // another card may be there
  CHECK_FALSE(stays(2));
  REQUIRE(stays(2));
  reader.port.device = [](const Bytes&) {};
  CHECK_FALSE(bool(reader.driver->poll(reader.within(seconds{2}))));
  reader.port.device = [&](const Bytes& request) { reader.answer(request); };
  CHECK_FALSE(stays(2));
}

TEST_CASE("crt310: noise once is asked again, repeated it is a warning") {
  Reader reader{{{"sensors", "false"}}};
  reader.opened();
  int bad = 1;
  reader.port.device = [&](const Bytes& request) {
    if (request == ask_status && bad-- > 0) {
      reader.port.arrive({0x15});
    } else {
      reader.answer(request);
    }
  };
  CHECK(reader.polled().conditions.empty());
  bad = 100;
  const auto status = reader.polled();
  CHECK(codes_of(status) == std::vector<std::string>{"link-noise"});
  CHECK(status.conditions[0].vendor_code == "NAK");
  CHECK(status.media == Media::unknown);
}

TEST_CASE("crt310: silence, another device and a cut wire are told apart") {
  Reader reader;
  SUBCASE("silent") {
    reader.port.device = [](const Bytes&) {};
    const auto start = reader.port.now();
    CHECK(reader.open().error().code() == Errc::timeout);
    CHECK(reader.port.now() - start <= seconds{2});
  }
  SUBCASE("another device") {
    reader.port.device = [&](const Bytes&) { reader.port.arrive({0xfd, 0xaa, 0x77}); };
    CHECK(reader.open().error().code() == Errc::refused);
  }
  SUBCASE("a device that does not know the command") {
    reader.status = framed({0x4e, 0x31, 0x00});
    CHECK(reader.open().error().code() == Errc::refused);
  }
  SUBCASE("an answer to another question is none") {
    reader.status = framed({0x30, 0x30, 0x4e, 0x4e, 0x4e});
    CHECK_FALSE(bool(reader.open()));
  }
  SUBCASE("cut") {
    reader.port.cut();
    CHECK(reader.open().error().code() == Errc::disconnected);
  }
  SUBCASE("never quiet") {
    reader.opened();
    reader.port.device = [](const Bytes&) {};
    for (int i = 0; i < 4000; ++i) reader.port.arrive({0x02}, milliseconds{i});
    const auto deadline = reader.within(milliseconds{1500});
    CHECK_FALSE(bool(reader.driver->poll(deadline)));
    CHECK(reader.port.now() <= deadline);
  }
}

TEST_CASE(
    "crt310: a slow answer behind the 06 has its own time, and a missing one is no other device") {
  Reader reader{{{"sensors", "false"}}};
  SUBCASE("slow at each step") {
    reader.port.device = [&](const Bytes& request) {
      if (request == ask_status) reader.port.arrive(ack, milliseconds{300});
      if (request == enq) reader.port.arrive(reader.status, milliseconds{300});
    };
    CHECK(reader.opened().conditions.empty());
    CHECK(reader.polled().conditions.empty());
  }
  SUBCASE("heard, and never answered") {
    reader.port.device = [&](const Bytes& request) {
      if (request == ask_status) reader.port.arrive({0x06});
    };
    CHECK(reader.open().error().code() == Errc::timeout);
  }
  SUBCASE("heard, and an answer that breaks off") {
    reader.port.device = [&](const Bytes& request) {
      if (request == ask_status) reader.port.arrive({0x06, 0x02, 0x00});
    };
    CHECK(reader.open().error().code() == Errc::timeout);
  }
  SUBCASE("a 06 among other bytes proves nothing") {
    reader.port.device = [&](const Bytes&) { reader.port.arrive({0xfd, 0x06, 0xaa}); };
    CHECK(reader.open().error().code() == Errc::refused);
  }
}

TEST_CASE("crt310: a frame inside what a broken one claimed to be is still found") {
  Bytes in{0x02, 0x00, 0x0a, 0x31};
  const auto good = at(0x4a);
  in.insert(in.end(), good.begin(), good.end());
  in.insert(in.end(), 8, 0x00);
  int frames = 0;
  for (;;) {
    const auto found = crt310::find_frame(in);
    if (found.kind == crt310::Found::Kind::partial) break;
    if (found.kind == crt310::Found::Kind::frame) ++frames;
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
  }
  CHECK(frames == 1);
}

}  // namespace kw::drivers
