#include <doctest/doctest.h>

#include "drivers/card_reader/f2/frame.hpp"
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

Bytes framed(const Bytes& payload, std::uint8_t address = 0) {
  Bytes out{0xf2, address, 0x00, static_cast<std::uint8_t>(payload.size())};
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(0x03);
  std::uint8_t sum = 0;
  for (const auto b : out) sum ^= b;
  out.push_back(sum);
  return out;
}

Bytes request(std::uint8_t command, std::uint8_t parameter, std::uint8_t address = 0) {
  return framed({'C', command, parameter}, address);
}

Bytes positive(std::uint8_t command, std::uint8_t parameter, std::string_view states,
               std::string_view more = {}) {
  Bytes payload{'P', command, parameter};
  payload.insert(payload.end(), states.begin(), states.end());
  payload.insert(payload.end(), more.begin(), more.end());
  return framed(payload);
}

Bytes negative(std::string_view error, std::uint8_t head = 'N', std::uint8_t command = 0x31) {
  return framed({head, command, 0x30, static_cast<std::uint8_t>(error[0]),
                 static_cast<std::uint8_t>(error[1])});
}

const Bytes ask_status = request(0x31, 0x30);

/// A machine that acknowledges and answers what it was told to.
struct Machine {
  std::map<Bytes, Bytes> answers{{ask_status, positive(0x31, 0x30, "020")},
                                 {request(0xa2, 0x30), positive(0xa2, 0x30, "020", "591-0001")},
                                 {request(0xa4, 0x30), positive(0xa4, 0x30, "020", "V1.20")}};
  FakePort port;
  std::unique_ptr<Driver> driver;

  explicit Machine(const Given& settings = {}) {
    port.device = [this](const Bytes& asked) {
      const auto it = answers.find(asked);
      if (it == answers.end()) return;
      port.arrive({0x06});
      port.arrive(it->second, milliseconds{3});
    };
    auto made = make_driver("f2", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
  }
  explicit Machine(std::string_view states, const Given& settings = {}) : Machine(settings) {
    answers[ask_status] = positive(0x31, 0x30, states);
  }

  MonoTime within(Duration d) const { return port.now() + d; }
  Result<void> open() { return driver->open(port, within(seconds{2})); }
  wire::Status polled() {
    auto out = driver->poll(within(seconds{2}));
    REQUIRE_MESSAGE(bool(out), out.error().text());
    return std::move(*out);
  }
  wire::Status opened() {
    const auto done = open();
    REQUIRE_MESSAGE(bool(done), done.error().text());
    return polled();
  }
};

template <class Command>
constexpr bool can_encode = requires(Command command) { f2::encode(command, 0); };
static_assert(can_encode<f2::PollCommand>);
static_assert(!can_encode<std::uint16_t>);

}  // namespace

TEST_CASE("f2: card, stacker and bin by the three states") {
  struct Row {
    std::string_view states;
    Media media;
    ConsumableState stock;
    ConsumableState bin;
    std::vector<std::string> codes;
    Health health;
  };
  using enum ConsumableState;
  using Codes = std::vector<std::string>;
  for (const auto& row : std::vector<Row>{
           {"020", Media::not_present, full, ok, {}, Health::ok},
           {"120", Media::present, full, ok, {}, Health::ok},
           {"220", Media::present, full, ok, {}, Health::ok},
           {"010", Media::not_present, low, ok, Codes{"card-stock"}, Health::warning},
           {"000", Media::not_present, out, ok, Codes{"card-stock"}, Health::fault},
           {"021", Media::not_present, full, full, Codes{"retain-full"}, Health::fault},
           {"999", Media::unknown, unknown, unknown, {}, Health::ok},
       }) {
    CAPTURE(row.states);
    Machine machine{row.states};
    const auto status = machine.opened();
    CHECK(status.media == row.media);
    REQUIRE(status.consumables.size() == 2);
    CHECK(status.consumables[0].type == "card_stock");
    CHECK(status.consumables[0].state == row.stock);
    CHECK(status.consumables[1].type == "retain_bin");
    CHECK(status.consumables[1].state == row.bin);
    CHECK_FALSE(status.consumables[1].available);
    CHECK(codes_of(status) == row.codes);
    CHECK(health_of(status) == row.health);
  }
  // What the machine does not have says nothing.
  Machine bare{"001", {{"stacker", "false"}, {"bin", "false"}}};
  const auto status = bare.opened();
  CHECK(status.consumables.empty());
  CHECK(status.conditions.empty());
}

TEST_CASE("f2: errors by either negative head") {
  struct Row {
    std::string_view error;
    std::string code;
    DeviceState device;
    Media media;
  };
  for (const auto& row : std::vector<Row>{
           {"10", "jam", DeviceState::hardware_error, Media::jammed},
           {"17", "jam", DeviceState::hardware_error, Media::jammed},
           {"11", "part-failed", DeviceState::hardware_error, Media::unknown},
           {"12", "part-failed", DeviceState::hardware_error, Media::unknown},
           {"15", "part-failed", DeviceState::hardware_error, Media::unknown},
           {"51", "part-failed", DeviceState::hardware_error, Media::unknown},
           {"13", "card-length", DeviceState::user_error, Media::jammed},
           {"30", "power", DeviceState::power_off, Media::unknown},
           {"A0", "card-stock", DeviceState::online, Media::unknown},
           {"A1", "retain-full", DeviceState::online, Media::unknown},
           {"50", "retain-full", DeviceState::online, Media::unknown},
           {"B0", "not-initialised", DeviceState::starting, Media::unknown},
           {"43", "reader-error", DeviceState::online, Media::unknown},
       }) {
    for (const std::uint8_t head : {std::uint8_t{'N'}, std::uint8_t{'E'}}) {
      CAPTURE(row.error);
      Machine machine;
      machine.answers[ask_status] = negative(row.error, head);
      const auto status = machine.opened();
      REQUIRE(codes_of(status) == std::vector<std::string>{row.code});
      CHECK(status.conditions[0].vendor_code == "E=" + std::string{row.error});
      CHECK(status.device == row.device);
      CHECK(status.media == row.media);
    }
  }
  Machine machine;
  machine.answers[ask_status] = negative("11");
  const auto status = machine.opened();
  CHECK(status.components.at(0) == wire::Component{"shutter", ComponentState::inoperable, true});
  CHECK(status.conditions[0].detail == "shutter");
}

TEST_CASE("f2: who the machine is, asked once; a poll asks for its state and nothing else") {
  Machine machine;
  const auto status = machine.opened();
  CHECK(status.identity == wire::Identity{{}, {}, "591-0001", "V1.20"});
  CHECK(machine.port.written() ==
        std::vector<Bytes>{ask_status, request(0xa2, 0x30), request(0xa4, 0x30)});
  machine.port.forget_written();
  CHECK(machine.polled().identity.serial == "591-0001");
  CHECK(machine.port.written() == std::vector<Bytes>{ask_status});

  Machine shy{{{"identify", "false"}}};
  shy.opened();
  CHECK(shy.port.written() == std::vector<Bytes>{ask_status});

  // One that does not answer costs its time once.
  Machine mute;
  mute.answers.erase(request(0xa2, 0x30));
  CHECK(mute.opened().identity == wire::Identity{});
  mute.port.forget_written();
  mute.polled();
  CHECK(mute.port.written() == std::vector<Bytes>{ask_status});
}

TEST_CASE("f2: a lost answer does not look like another machine") {
  Machine machine;
  const auto before = machine.opened().identity;
  machine.answers.erase(request(0xa2, 0x30));
  machine.answers[request(0xa4, 0x30)] = positive(0xa4, 0x30, "020", "V1.21");
  machine.port.pass(std::chrono::hours{2});
  // The question that stayed without an answer is the last one of this poll.
  CHECK(machine.polled().identity == before);
  machine.answers[request(0xa2, 0x30)] = positive(0xa2, 0x30, "020", "591-0002");
  machine.port.pass(std::chrono::hours{2});
  CHECK(machine.polled().identity == wire::Identity{{}, {}, "591-0002", "V1.21"});
}

TEST_CASE("f2: the machine's own count of captured cards, where it has one") {
  Machine machine{{{"bin_counter", "true"}, {"bin_capacity", "40"}}};
  machine.answers[request(0xa5, 0x30)] = positive(0xa5, 0x30, "020", "010");
  auto bin = machine.opened().consumables.at(1);
  CHECK(bin.source == wire::LevelSource::counted);
  CHECK(bin.available == 10.0);
  CHECK(bin.percent == 25.0);
  CHECK(bin.state == ConsumableState::ok);
  machine.answers[request(0xa5, 0x30)] = positive(0xa5, 0x30, "020", "1x");
  bin = machine.polled().consumables.at(1);
  CHECK_FALSE(bin.available);
  CHECK(bin.source == wire::LevelSource::flag);
}

TEST_CASE("f2: a machine at another address is not mistaken for ours") {
  Machine machine{{{"address", "3"}, {"identify", "false"}}};
  machine.port.device = [&](const Bytes& asked) {
    CHECK(asked == request(0x31, 0x30, 3));
    machine.port.arrive(framed({'P', 0x31, 0x30, 0x30, 0x30, 0x31}, 0));
    machine.port.arrive(framed({'P', 0x31, 0x30, 0x32, 0x32, 0x30}, 3), milliseconds{5});
  };
  const auto status = machine.opened();
  CHECK(status.media == Media::present);
  CHECK(status.conditions.empty());
}

TEST_CASE("f2: a card that stays too long was left behind") {
  Machine machine{"220", {{"card_left_s", "60"}}};
  CHECK(machine.opened().conditions.empty());
  machine.port.pass(seconds{45});
  CHECK(machine.polled().conditions.empty());
  machine.port.pass(seconds{45});
  CHECK(codes_of(machine.polled()) == std::vector<std::string>{"card-left"});
}

TEST_CASE(
    "f2: a slow answer behind the 06 has its own time, and a missing one is no other device") {
  Machine machine{{{"identify", "false"}}};
  SUBCASE("slow at each step") {
    machine.port.device = [&](const Bytes& asked) {
      machine.port.arrive({0x06}, milliseconds{300});
      machine.port.arrive(machine.answers.at(asked), milliseconds{600});
    };
    CHECK(machine.opened().conditions.empty());
    CHECK(machine.polled().conditions.empty());
  }
  SUBCASE("heard, and never answered") {
    machine.port.device = [&](const Bytes& request) {
      if (request == ask_status) machine.port.arrive({0x06});
    };
    CHECK(machine.open().error().code() == Errc::timeout);
  }
  SUBCASE("heard, and an answer that breaks off") {
    machine.port.device = [&](const Bytes& request) {
      if (request == ask_status) machine.port.arrive({0x06, 0xf2, 0x00});
    };
    CHECK(machine.open().error().code() == Errc::timeout);
  }
  SUBCASE("a 06 among other bytes proves nothing") {
    machine.port.device = [&](const Bytes&) { machine.port.arrive({0xfd, 0x06, 0xaa}); };
    CHECK(machine.open().error().code() == Errc::refused);
  }
}

TEST_CASE("f2: noise, silence, another device and a cut wire are told apart") {
  Machine machine{{{"identify", "false"}}};
  SUBCASE("noise") {
    machine.opened();
    auto bad = positive(0x31, 0x30, "020");
    bad.back() ^= 1U;
    int left = 1;
    machine.port.device = [&](const Bytes&) {
      machine.port.arrive(left-- > 0 ? bad : positive(0x31, 0x30, "020"));
    };
    CHECK(machine.polled().conditions.empty());
    left = 100;
    const auto status = machine.polled();
    CHECK(codes_of(status) == std::vector<std::string>{"link-noise"});
    CHECK(status.conditions[0].vendor_code == "BCC");
    CHECK(status.consumables.at(0).state == ConsumableState::unknown);
  }
  SUBCASE("silent") {
    machine.answers.clear();
    CHECK(machine.open().error().code() == Errc::timeout);
  }
  SUBCASE("another device") {
    machine.port.device = [&](const Bytes&) { machine.port.arrive({0xfd, 0xaa, 0x77}); };
    CHECK(machine.open().error().code() == Errc::refused);
  }
  SUBCASE("a terminal that echoes what it is sent") {
    machine.port.device = [&](const Bytes& asked) { machine.port.arrive(asked); };
    CHECK(machine.open().error().code() == Errc::refused);
  }
  SUBCASE("cut") {
    machine.port.cut();
    CHECK(machine.open().error().code() == Errc::disconnected);
  }
}

}  // namespace kw::drivers
