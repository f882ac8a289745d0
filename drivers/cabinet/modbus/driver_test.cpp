#include <algorithm>
#include <fstream>
#include <memory>

#include <doctest/doctest.h>

#include "drivers/cabinet/modbus/board.hpp"
#include "drivers/cabinet/modbus/codec.hpp"
#include "drivers/cabinet/modbus/reading.hpp"
#include "drivers/ports/modbus.hpp"
#include "drivers/profiles.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using modbus::Reply;
using modbus::Request;
using modbus::Table;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Framing = ModbusPort::Framing;

Request reading(Table table, std::uint16_t address, std::uint16_t count) {
  const auto out = Request::read(table, address, count);
  REQUIRE(bool(out));
  return *out;
}

/// A board of switches and registers behind a fake wire, in either framing.
class Board {
 public:
  explicit Board(Framing framing) : framing_(framing) {
    auto wire = std::make_unique<FakePort>();
    wire_ = wire.get();
    wire_->device = [this](const Bytes& request) { answer(request); };
    port_ = std::make_unique<ModbusPort>(std::move(wire), framing, milliseconds{4});
    bits[Table::discrete_inputs] = {0, 1, 0, 0, 0, 1};
    bits[Table::coils] = {1, 1};
    registers[Table::input_registers] = {253, 415, 2380, 12050};
  }

  std::map<Table, std::vector<int>> bits;
  std::map<Table, std::vector<int>> registers;
  std::map<Table, std::uint8_t> refuses;  ///< with this exception

  FakePort& wire() { return *wire_; }
  ModbusPort& port() { return *port_; }
  MonoTime within(Duration d) const { return wire_->now() + d; }

  /// What it sends back to `request`, framed.
  Bytes reply_to(const Bytes& request) const {
    const bool tcp = framing_ == Framing::tcp;
    const std::size_t at = tcp ? 7 : 1;
    const auto table = static_cast<Table>(request[at]);
    const auto address = static_cast<std::size_t>(request[at + 1] << 8 | request[at + 2]);
    const auto count = static_cast<std::size_t>(request[at + 3] << 8 | request[at + 4]);
    Bytes pdu{request[at]};
    if (const auto no = refuses.find(table); no != refuses.end()) {
      pdu = {static_cast<std::uint8_t>(request[at] | 0x80), no->second};
    } else if (modbus::is_bits(table)) {
      pdu.push_back(static_cast<std::uint8_t>((count + 7) / 8));
      pdu.resize(2 + (count + 7) / 8);
      for (std::size_t i = 0; i < count; ++i) {
        if (bits.at(table).at(address + i) != 0) pdu[2 + i / 8] |= std::uint8_t(1U << i % 8);
      }
    } else {
      pdu.push_back(static_cast<std::uint8_t>(2 * count));
      for (std::size_t i = 0; i < count; ++i) {
        const auto value = registers.at(table).at(address + i);
        pdu.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
        pdu.push_back(static_cast<std::uint8_t>(value & 0xff));
      }
    }
    Bytes out;
    if (tcp) {
      out = {request[0], request[1], 0, 0, 0, static_cast<std::uint8_t>(pdu.size() + 1),
             request[6]};
      out.insert(out.end(), pdu.begin(), pdu.end());
    } else {
      out = {request[0]};
      out.insert(out.end(), pdu.begin(), pdu.end());
      const auto crc = modbus::crc16(out);
      out.push_back(static_cast<std::uint8_t>(crc & 0xff));
      out.push_back(static_cast<std::uint8_t>(crc >> 8));
    }
    return out;
  }

 private:
  void answer(const Bytes& request) { wire_->arrive(reply_to(request), milliseconds{5}); }

  Framing framing_;
  FakePort* wire_;
  std::unique_ptr<ModbusPort> port_;
};

std::unique_ptr<Driver> driver_for(const Given& settings = {}) {
  auto out = make_driver("modbus", settings);
  REQUIRE_MESSAGE(bool(out), out.error().text());
  return std::move(*out);
}

wire::Status polled(Driver& driver, Board& board) {
  auto status = driver.poll(board.within(seconds{5}));
  REQUIRE_MESSAGE(bool(status), status.error().text());
  return std::move(*status);
}

wire::ComponentState component(const wire::Status& status, std::string_view name) {
  for (const auto& c : status.components) {
    if (c.name == name) return c.state;
  }
  FAIL("no component " << name);
  return {};
}

std::optional<double> measured(const wire::Status& status, std::string_view name) {
  for (const auto& m : status.measurements) {
    if (m.name == name) return m.value;
  }
  return std::nullopt;
}

/// A map as a file of its own.
Checked<modbus::Board> map_of(const TempFolder& folder, const std::string& text) {
  const auto path = folder.path() / "map.toml";
  std::ofstream{path} << text;
  return modbus::board_of(path.string());
}

}  // namespace

TEST_CASE("modbus codec: the vectors that libmodbus and pymodbus exchanged") {
  const auto inputs = reading(Table::discrete_inputs, 0, 6);
  const auto registers = reading(Table::input_registers, 0, 4);
  const auto nowhere = reading(Table::input_registers, 0x01f4, 1);

  CHECK(modbus::encode_tcp(inputs, 1, 1) ==
        Bytes{0x00, 0x01, 0x00, 0x00, 0x00, 0x06, 0x01, 0x02, 0x00, 0x00, 0x00, 0x06});
  CHECK(modbus::encode_tcp(registers, 1, 2) ==
        Bytes{0x00, 0x02, 0x00, 0x00, 0x00, 0x06, 0x01, 0x04, 0x00, 0x00, 0x00, 0x04});
  CHECK(modbus::encode_rtu(inputs, 1) == Bytes{0x01, 0x02, 0x00, 0x00, 0x00, 0x06, 0xf8, 0x08});
  CHECK(modbus::encode_rtu(registers, 1) == Bytes{0x01, 0x04, 0x00, 0x00, 0x00, 0x04, 0xf1, 0xc9});
  CHECK(modbus::encode_rtu(nowhere, 1) == Bytes{0x01, 0x04, 0x01, 0xf4, 0x00, 0x01, 0x71, 0xc4});

  using Values = std::vector<std::uint16_t>;
  const auto tcp = [](Bytes in, const Request& request, std::uint16_t transaction) {
    const auto reply = modbus::take_tcp(in, request, 1, transaction);
    REQUIRE_MESSAGE(bool(reply), reply.error().text());
    REQUIRE(bool(*reply));
    return **reply;
  };
  CHECK(tcp({0x00, 0x01, 0x00, 0x00, 0x00, 0x04, 0x01, 0x02, 0x01, 0x23}, inputs, 1).values ==
        Values{1, 1, 0, 0, 0, 1});
  CHECK(tcp({0x00, 0x02, 0x00, 0x00, 0x00, 0x0b, 0x01, 0x04, 0x08, 0xff, 0xce, 0x01, 0x9f, 0x09,
             0x4c, 0x2f, 0x12},
            registers, 2)
            .values == Values{0xffce, 415, 2380, 12050});
  CHECK(tcp({0x00, 0x04, 0x00, 0x00, 0x00, 0x03, 0x01, 0x84, 0x02}, nowhere, 4).exception == 2);

  const auto rtu = [](Bytes in, const Request& request) {
    const auto reply = modbus::take_rtu(in, request, 1);
    REQUIRE(bool(reply));
    return *reply;
  };
  CHECK(rtu({0x01, 0x02, 0x01, 0x22, 0x21, 0x91}, inputs).values == Values{0, 1, 0, 0, 0, 1});
  CHECK(
      rtu({0x01, 0x04, 0x08, 0x00, 0xfd, 0x01, 0x9f, 0x09, 0x4c, 0x2f, 0x12, 0xc3, 0x79}, registers)
          .values == Values{253, 415, 2380, 12050});
  CHECK(rtu({0x01, 0x84, 0x02, 0xc2, 0xc1}, nowhere).exception == 2);
}

TEST_CASE("modbus codec: only what can be read can be asked") {
  CHECK_FALSE(bool(Request::read(Table::coils, 0, 0)));
  CHECK(bool(Request::read(Table::coils, 0, 2000)));
  CHECK_FALSE(bool(Request::read(Table::coils, 0, 2001)));
  CHECK(bool(Request::read(Table::holding_registers, 0, 125)));
  CHECK_FALSE(bool(Request::read(Table::holding_registers, 0, 126)));
  CHECK(bool(Request::read(Table::input_registers, 65535, 1)));
  CHECK_FALSE(bool(Request::read(Table::input_registers, 65535, 2)));
}

TEST_CASE("modbus codec: an answer of another length, function, unit or protocol is garbled") {
  const auto request = reading(Table::input_registers, 0, 2);
  const std::vector<Bytes> rows{
      {},                                         // nothing
      {0x04},                                     // no length
      {0x04, 0x02, 0x00, 0x01},                   // one register of two
      {0x04, 0x04, 0x00, 0x01, 0x00},             // a byte short
      {0x04, 0x05, 0x00, 0x01, 0x00, 0x02, 0x0},  // a byte long
      {0x03, 0x04, 0x00, 0x01, 0x00, 0x02},       // another function
      {0x84},                                     // an exception without a code
      {0x84, 0x00},
      {0x84, 0x02, 0x00},
      {0x83, 0x02},
  };
  for (const auto& pdu : rows) {
    const auto reply = modbus::decode_pdu(pdu, request);
    REQUIRE_FALSE(bool(reply));
    CHECK(reply.error().code() == Errc::garbled);
  }
  const auto tcp = [&](Bytes in) { return modbus::take_tcp(in, request, 1, 7); };
  CHECK_FALSE(bool(tcp({'H', 'T', 'T', 'P', '/', '1', '.', '1'})));
  CHECK_FALSE(bool(tcp({0, 7, 0, 0, 0, 1, 1})));           // a length without a function
  CHECK_FALSE(bool(tcp({0, 7, 0, 0, 1, 0, 1})));           // longer than any
  CHECK_FALSE(bool(tcp({0, 7, 0, 0, 0, 3, 2, 0x84, 2})));  // unit 2
  // A late answer is another transaction's, and half an answer is none yet.
  const auto late = tcp({0, 6, 0, 0, 0, 3, 1, 0x84, 2, 0, 7, 0, 0, 0, 7, 1, 4, 4, 0, 1});
  REQUIRE(bool(late));
  CHECK_FALSE(bool(*late));
}

TEST_CASE("modbus codec: on a line the answer is found behind noise, echo and broken frames") {
  const auto request = reading(Table::discrete_inputs, 0, 6);
  const Bytes answer{0x01, 0x02, 0x01, 0x22, 0x21, 0x91};
  const auto behind = [&](const Bytes& before) {
    Bytes in = before;
    in.insert(in.end(), answer.begin(), answer.end());
    const auto reply = modbus::take_rtu(in, request, 1);
    return reply && reply->exception == 0 && in.empty();
  };
  CHECK(behind({}));
  CHECK(behind({0x00}));
  CHECK(behind({0xff, 0x01, 0x02}));
  CHECK(behind(modbus::encode_rtu(request, 1)));
  CHECK(behind({0x01, 0x02, 0x01, 0x23, 0x21, 0x91}));  // its CRC does not fit
  CHECK(behind({0x02, 0x02, 0x01, 0x22, 0x21, 0xd5}));  // another unit

  Bytes in;
  for (std::size_t i = 0; i + 1 < answer.size(); ++i) {
    in.push_back(answer[i]);
    CHECK_FALSE(bool(modbus::take_rtu(in, request, 1)));
  }
  in.push_back(answer.back());
  CHECK(bool(modbus::take_rtu(in, request, 1)));
  // Noise without end is not kept.
  for (int i = 0; i < 4000; ++i) {
    in.push_back(0x01);
    CHECK_FALSE(bool(modbus::take_rtu(in, request, 1)));
  }
  CHECK(in.size() <= 512);
}

TEST_CASE("modbus: a healthy cabinet, the same over TCP and on a line") {
  for (const auto framing : {Framing::tcp, Framing::rtu}) {
    Board board{framing};
    const auto driver = driver_for();
    REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
    const auto status = polled(*driver, board);
    CHECK(status.conditions.empty());
    CHECK(wire::health_of(status) == wire::Health::ok);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
    CHECK(component(status, "door") == wire::ComponentState::closed);
    CHECK(component(status, "lock") == wire::ComponentState::locked);
    CHECK(component(status, "lamp") == wire::ComponentState::on);
    CHECK(component(status, "mains") == wire::ComponentState::on);
    CHECK(measured(status, "temperature_celsius") == doctest::Approx(25.3));
    CHECK(measured(status, "humidity_percent") == doctest::Approx(41.5));
    CHECK(measured(status, "fan_rpm") == 2380);
    CHECK(measured(status, "supply_volts") == doctest::Approx(12.05));
  }
}

TEST_CASE("modbus: each input says what is wired to it, by its address") {
  Board board{Framing::tcp};
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  board.bits[Table::discrete_inputs] = {1, 0, 1, 1, 1, 0};
  board.bits[Table::coils] = {0, 1};
  auto status = polled(*driver, board);
  CHECK(codes_of(status) == std::vector<std::string>{"cabinet-door-open", "cabinet-unlocked",
                                                     "mains-lost", "smoke", "cabinet-tilted",
                                                     "water"});
  CHECK(condition_of(status, "smoke")->vendor_code == "DI2");
  CHECK(component(status, "door") == wire::ComponentState::open);
  CHECK(component(status, "lock") == wire::ComponentState::open);
  CHECK(component(status, "lamp") == wire::ComponentState::off);
  CHECK(wire::health_of(status) == wire::Health::fault);
}

TEST_CASE("modbus: a limit holds until its second value, so that it does not flap") {
  Board board{Framing::tcp};
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  const auto at = [&](int tenths) {
    board.registers[Table::input_registers][0] = tenths;
    return codes_of(polled(*driver, board));
  };
  using Codes = std::vector<std::string>;
  CHECK(at(500) == Codes{});
  CHECK(at(501) == Codes{"temperature-high"});
  CHECK(at(480) == Codes{"temperature-high"});
  CHECK(at(601) == Codes{"over-temperature"});
  CHECK(at(560) == Codes{"over-temperature"});
  CHECK(at(549) == Codes{"temperature-high"});
  CHECK(at(470) == Codes{});
  CHECK(at(480) == Codes{});
  CHECK(at(0xfff0) == Codes{"under-temperature"});  // -1.6
  CHECK(at(20) == Codes{"under-temperature"});
  CHECK(at(30) == Codes{});

  // The value itself is no part of the state.
  const auto first = [&] {
    at(610);
    return polled(*driver, board);
  }();
  board.registers[Table::input_registers][0] = 640;
  CHECK(wire::same_state(first, polled(*driver, board)));
  CHECK(condition_of(first, "over-temperature")->detail == "temperature_celsius above 60");
}

TEST_CASE("modbus: a fan that is switched off may stand still") {
  Board board{Framing::tcp};
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  board.registers[Table::input_registers][2] = 0;
  CHECK(codes_of(polled(*driver, board)) == std::vector<std::string>{"fan-stopped"});
  board.bits[Table::coils][1] = 0;
  CHECK(codes_of(polled(*driver, board)).empty());
}

TEST_CASE("modbus: what the board refuses to tell is unknown, and the map is named wrong") {
  Board board{Framing::rtu};
  board.refuses[Table::discrete_inputs] = 2;
  board.refuses[Table::input_registers] = 4;
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  const auto status = polled(*driver, board);
  CHECK(component(status, "door") == wire::ComponentState::unknown);
  CHECK(component(status, "lamp") == wire::ComponentState::on);
  CHECK(status.measurements.empty());
  CHECK(codes_of(status) == std::vector<std::string>{"bad-configuration", "board-error"});
  CHECK(condition_of(status, "bad-configuration")->vendor_code == "FC02=EX02");
  CHECK(condition_of(status, "bad-configuration")->detail ==
        "discrete inputs 0-5: illegal data address");
  CHECK(condition_of(status, "board-error")->detail ==
        "input registers 0-3: server device failure");

  board.refuses[Table::coils] = 6;
  CHECK(driver->poll(board.within(seconds{5})).error().text().find("exception 06") !=
        std::string::npos);
  board.refuses[Table::coils] = 11;
  CHECK(driver->poll(board.within(seconds{5})).error().code() == Errc::timeout);
}

TEST_CASE("modbus: a poll reads, in as few requests as the map allows, and sends nothing else") {
  Board board{Framing::tcp};
  const auto driver = driver_for({{"unit", "17"}});
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  board.wire().forget_written();
  polled(*driver, board);
  REQUIRE(board.wire().written().size() == 3);
  const std::vector<Bytes> expected{{17, 1, 0, 0, 0, 2}, {17, 2, 0, 0, 0, 6}, {17, 4, 0, 0, 0, 4}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& sent = board.wire().written()[i];
    CHECK(Bytes{sent.begin() + 6, sent.end()} == expected[i]);
  }
}

TEST_CASE("modbus: on a line a frame is sent after silence, and a late answer is waited out") {
  Board board{Framing::rtu};
  const auto driver = driver_for({{"timeout_ms", "200"}});
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  const auto before = board.wire().now();
  polled(*driver, board);
  CHECK(board.wire().now() - before == 3 * milliseconds{4 + 5});

  const auto honest = board.wire().device;
  board.wire().device = [&](const Bytes& request) {
    board.wire().arrive(board.reply_to(request), milliseconds{300});
  };
  CHECK(driver->poll(board.within(seconds{5})).error().code() == Errc::timeout);
  // What comes late is coils; it must not be taken for the coils of the next poll.
  board.wire().device = honest;
  board.bits[Table::coils][0] = 0;
  CHECK(component(polled(*driver, board), "lamp") == wire::ComponentState::off);
}

TEST_CASE("modbus: over TCP a late answer is told by its transaction") {
  Board board{Framing::tcp};
  const auto driver = driver_for({{"timeout_ms", "200"}});
  REQUIRE(bool(driver->open(board.port(), board.within(seconds{5}))));
  const auto honest = board.wire().device;
  board.wire().device = [&](const Bytes& request) {
    board.wire().arrive(board.reply_to(request), milliseconds{202});
  };
  CHECK(driver->poll(board.within(seconds{5})).error().code() == Errc::timeout);
  board.wire().device = honest;
  board.bits[Table::coils][0] = 0;
  CHECK(component(polled(*driver, board), "lamp") == wire::ComponentState::off);
}

TEST_CASE("modbus: open tells a silent board, another device, a cut wire and a wrong port apart") {
  for (const auto framing : {Framing::tcp, Framing::rtu}) {
    Board board{framing};
    const auto driver = driver_for();
    const auto opening = [&] { return driver->open(board.port(), board.within(seconds{5})); };
    board.wire().device = [](const Bytes&) {};
    auto start = board.wire().now();
    CHECK(opening().error().code() == Errc::timeout);
    CHECK(board.wire().now() - start <= milliseconds{505});
    board.wire().device = [&](const Bytes&) {
      board.wire().arrive({0x12, 0x16, 0x12, 0x12, 0x12, 0x12, 0x12});
    };
    CHECK(opening().error().code() == Errc::refused);
    // A line that is never quiet.
    for (int i = 0; i < 4000; ++i) board.wire().arrive({0x55}, milliseconds{2 * i});
    start = board.wire().now();
    CHECK_FALSE(bool(driver->open(board.port(), board.within(milliseconds{700}))));
    CHECK(board.wire().now() - start <= milliseconds{702});
    board.wire().cut();
    CHECK(opening().error().code() == Errc::disconnected);
  }
  FakePort bare;
  const auto driver = driver_for();
  CHECK(driver->poll(bare.now() + seconds{1}).error().code() == Errc::disconnected);
  CHECK(driver->open(bare, bare.now() + seconds{1}).error().code() == Errc::unsupported);
}

TEST_CASE("modbus: a board whose CRC is wrong is on a bad line, and is no other device") {
  Board board{Framing::rtu};
  const auto driver = driver_for();
  const auto opening = [&] {
    const auto opened = driver->open(board.port(), board.within(seconds{5}));
    return opened ? std::optional<Errc>{} : opened.error().code();
  };
  std::size_t wrong = 1;  // how many bytes from the end
  board.wire().device = [&](const Bytes& request) {
    auto reply = board.reply_to(request);
    reply[reply.size() - wrong] ^= 0x20U;
    board.wire().arrive(reply);
  };
  for (wrong = 1; wrong <= 3; ++wrong) {
    CAPTURE(wrong);
    CHECK(opening() == Errc::garbled);
  }
  // A board of another unit, or half an answer of other bytes, is none of ours.
  board.wire().device = [&](const Bytes& request) {
    auto reply = board.reply_to(request);
    reply[0] = 2;
    board.wire().arrive(reply);
  };
  CHECK(opening() == Errc::refused);
  board.wire().device = [&](const Bytes& request) { board.wire().arrive(board.reply_to(request)); };
  CHECK_FALSE(opening());
}

TEST_CASE("modbus: every map that is built in can be loaded, and a wrong one is told") {
  const auto profiles = profiles_of("modbus");
  CHECK(profiles.size() == 3);
  for (const auto& profile : profiles) {
    const auto board = modbus::board_of(profile.model);
    REQUIRE_MESSAGE(bool(board), board.error().text());
    const auto help = find("modbus")->settings[0].help;
    CHECK(help.en.find(profile.model) != std::string_view::npos);
    CHECK(help.zh.find(profile.model) != std::string_view::npos);
  }
  const auto unknown = make_driver("modbus", {{"map", "genric"}});
  REQUIRE_FALSE(bool(unknown));
  CHECK(unknown.error().text().find("known: generic, waveshare-io-8ch, xy-md02") !=
        std::string::npos);
  CHECK(make_driver("modbus", {{"map", "/nowhere/map.toml"}})
            .error()
            .text()
            .ends_with("no such file"));
  CHECK_FALSE(make_driver("modbus", {{"map", "/"}}));
}

TEST_CASE(
    "modbus: a map of one's own: inverted, in register bits, in 32 bits, with a missing sensor") {
  const TempFolder folder;
  const auto loaded = map_of(folder, R"(
[[component]]
name = "door"
table = "holding-register"
address = 10
bit = 3
invert = true
on = "open"
off = "closed"
[[component]]
name = "door"
table = "holding-register"
address = 10
bit = 4
on = "tampered"
on_condition = "cabinet-tampered"
[[condition]]
code = "smoke"
table = "holding-register"
address = 10
bit = 0
[[condition]]
code = "smoke"
table = "coil"
address = 5
[[measurement]]
name = "energy_watt_hours"
table = "holding-register"
address = 20
registers = 2
low_word_first = true
signed = true
scale = 10
offset = 5
[[measurement]]
name = "temperature_celsius"
table = "holding-register"
address = 22
absent = 32767
limits = [{ condition = "over-temperature", above = 60 }]
)");
  REQUIRE_MESSAGE(bool(loaded), loaded.error().text());
  const auto requests = loaded->requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[2].address() == 20);
  CHECK(requests[2].count() == 3);

  const auto status_of = [&](std::vector<std::uint16_t> at10, std::vector<std::uint16_t> at20) {
    modbus::Judge judge{*loaded};
    modbus::Image image;
    image.add(requests[0], Reply{0, {1}});
    image.add(requests[1], Reply{0, std::move(at10)});
    image.add(requests[2], Reply{0, std::move(at20)});
    return judge.judge(image);
  };
  auto status = status_of({0x0001}, {0xfffe, 0xffff, 32767});
  CHECK(component(status, "door") == wire::ComponentState::open);
  CHECK(measured(status, "energy_watt_hours") == -15.0);
  CHECK_FALSE(measured(status, "temperature_celsius"));
  // Two detectors, one alarm.
  CHECK(codes_of(status) == std::vector<std::string>{"smoke"});
  CHECK(status.conditions[0].vendor_code == "HR10.0 CO5");

  status = status_of({0x0018}, {1, 1, 61});
  CHECK(component(status, "door") == wire::ComponentState::tampered);
  CHECK(measured(status, "energy_watt_hours") == 655375.0);
  CHECK(codes_of(status) ==
        std::vector<std::string>{"cabinet-tampered", "smoke", "over-temperature"});
}

TEST_CASE("modbus: a map of many inputs stays within what a status carries") {
  const TempFolder folder;
  std::string text;
  const auto add = [&text](int i) {
    const auto n = std::to_string(i);
    text += "[[component]]\nname = \"door" + n +
            "\"\ntable = \"coil\"\naddress = " + std::to_string(2 * i) +
            "\non = \"open\"\non_condition = \"cabinet-door-open\"\n";
  };
  for (int i = 0; i < 32; ++i) add(i);
  const auto board = map_of(folder, text);
  REQUIRE_MESSAGE(bool(board), board.error().text());
  CHECK(board->requests().size() == 32);
  modbus::Image image;
  for (const auto& request : board->requests()) image.add(request, Reply{2, {}});
  modbus::Judge judge{*board};
  const auto refused = judge.judge(image);
  CHECK(codes_of(refused) == std::vector<std::string>{"bad-configuration"});
  CHECK(refused.conditions[0].detail.size() <= 300);
  add(32);
  const auto one_more = map_of(folder, text);
  REQUIRE_FALSE(bool(one_more));
  CHECK(one_more.error().text().find("at most 32 names") != std::string::npos);
}

TEST_CASE("modbus: every mistake of a map is told with its line and key") {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "at least one [[component]]"},
      {"[[condition]]\ncode = \"smok\"\ntable = \"coil\"\naddress = 0\n",
       "map.toml:2: condition.0.code: bad value; expected a condition's code, not \"smok\""},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"relay\"\naddress = 0\n",
       "condition.0.table: bad value; expected coil, discrete-input"},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"coil\"\n", "condition.0.address"},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"coil\"\naddress = 70000\n",
       "condition.0.address: out of range; expected integer from 0 to 65535"},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"coil\"\naddress = 0\nbit = 1\n",
       "a bit belongs to a register"},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"input-register\"\naddress = 0\n",
       "which bit of the register"},
      {"[[condition]]\ncode = \"smoke\"\ntable = \"coil\"\naddress = 0\ninvrt = true\n",
       "condition.0.invrt: unknown key"},
      {"[[component]]\nname = \"door\"\ntable = \"coil\"\naddress = 0\n", "what it is when on"},
      {"[[component]]\nname = \"Door\"\ntable = \"coil\"\naddress = 0\non = \"open\"\n",
       "lower-case letters, digits and hyphens"},
      {"[[component]]\nname = \"door\"\ntable = \"coil\"\naddress = 0\non = \"ajar\"\n",
       "open, closed, locked"},
      {"[[measurement]]\nname = \"t\"\ntable = \"coil\"\naddress = 0\n",
       "holding-register or input-register"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 0\nscale = 0\n",
       "measurement.0.scale: bad value; expected not 0"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 65535\nregisters = "
       "2\n",
       "no register after 65535"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 0\n"
       "limits = [{ condition = \"smoke\", above = 5, clear = 6 }]\n",
       "measurement.0.limits.0.clear: bad value; expected not above the limit"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 0\n"
       "limits = [{ condition = \"smoke\", above = 5, below = 6 }]\n",
       "either above or below"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 0\n"
       "only_while = \"fan\"\n",
       "only_while names a component"},
      {"[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 0\n"
       "[[measurement]]\nname = \"t\"\ntable = \"input-register\"\naddress = 1\n",
       "\"t\" only once"},
      {"[[component]\n", "map.toml:1"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    const auto board = map_of(folder, text);
    REQUIRE_FALSE(bool(board));
    CHECK(board.error().code() == Errc::invalid);
    CHECK_MESSAGE(board.error().text().find(expected) != std::string::npos, board.error().text());
  }
}

}  // namespace kw::drivers
