#include "drivers/driver.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "common/wire/status_json.hpp"
#include "drivers/laser_printer/snmp/troubles.hpp"
#include "drivers/ports/snmp.hpp"
#include "drivers/ports/snmp_message.hpp"
#include "drivers/simulators/snmp_agent.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using devices::snmp::Agent;
using devices::snmp::counter;
using devices::snmp::integer;
using devices::snmp::octets;
using devices::snmp::oid;
using devices::snmp::text;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ConsumableState;
using wire::DeviceState;
using wire::Health;
using wire::LevelSource;
using wire::Severity;

// What snmpget and snmpsim exchanged: GET hrPrinterDetectedErrorState.1 of "laser-low".
constexpr std::string_view captured_request =
    "302f02010104096c617365722d6c6f77a01f020464bb78c60201000201003011300f060b2b060102011903050102"
    "010500";
constexpr std::string_view captured_answer =
    "303102010104096c617365722d6c6f77a221020464bb78c602010002010030133011060b2b060102011903050102"
    "010402a000";

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  }
  return out;
}

/// Supply `row`, cell by cell.
struct SupplyRow {
  std::int64_t kind = 3;
  std::int64_t type = 3;
  std::string name;
  std::int64_t unit = 7;
  std::int64_t most = 6000;
  std::int64_t level = 4100;
  std::int64_t colorant = 0;
};

/// A printer's agent that has this to say.
struct Printer {
  Agent agent;
  FakePort* wire;
  SnmpPort port;
  std::unique_ptr<Driver> driver;

  explicit Printer(const Given& settings = {}, std::uint8_t version = 1)
      : Printer(settings, std::make_unique<FakePort>(), version) {}

  Printer(const Given& settings, std::unique_ptr<FakePort> fake, std::uint8_t version)
      : wire(fake.get()), port(std::move(fake), {version, "public"}) {
    wire->device = [this](const Bytes& request) { reply(request); };
    auto made = make_driver("snmp", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
    put("1.3.6.1.2.1.1.3.0", devices::snmp::ticks(4321'00));
    put("1.3.6.1.2.1.25.3.2.1.3.1", text("Example KioskLaser 4000"));
    state(2, 3, {0, 0});
    put("1.3.6.1.2.1.43.5.1.1.16.1", text("KioskLaser"));
    put("1.3.6.1.2.1.43.5.1.1.17.1", text("KL4000A00017"));
    put("1.3.6.1.2.1.43.6.1.1.2.1.1", text("Front cover"));
    put("1.3.6.1.2.1.43.6.1.1.3.1.1", integer(4));
    tray(1, 250, 180, "Tray 1");
    tray(2, 25, -3, "By-pass");
    put("1.3.6.1.2.1.43.10.2.1.3.1.1", integer(7));
    put("1.3.6.1.2.1.43.10.2.1.4.1.1", counter(48211));
    supply(1, {.name = "Black Toner Cartridge", .colorant = 1});
    supply(
        2,
        {.kind = 4, .type = 4, .name = "Waste Toner Bottle", .unit = 19, .most = 100, .level = -2});
    supply(3, {.type = 9, .name = "Drum Unit", .most = 30000, .level = 21400});
    supply(4, {.type = 15, .name = "Fuser", .most = 100000, .level = -3});
    put("1.3.6.1.2.1.43.12.1.1.4.1.1", text("black"));
  }

  /// Replaced where a test wants another answer.
  std::function<void(const Bytes&)> reply = [this](const Bytes& request) {
    auto answer = agent.answer(request);
    if (!answer.empty()) wire->arrive(std::move(answer));
  };

  void put(std::string_view name, devices::snmp::Value value) {
    agent.table.insert_or_assign(oid(name), std::move(value));
  }
  void remove(std::string_view prefix) {
    const auto below = oid(prefix);
    std::erase_if(agent.table, [&](const auto& item) { return snmp::below(item.first, below); });
  }
  void state(std::int64_t device, std::int64_t printer, Bytes bits) {
    put("1.3.6.1.2.1.25.3.2.1.5.1", integer(device));
    put("1.3.6.1.2.1.25.3.5.1.1.1", integer(printer));
    put("1.3.6.1.2.1.25.3.5.1.2.1", octets(std::move(bits)));
  }
  void tray(int row, std::int64_t most, std::int64_t level, std::string_view name) {
    const std::map<int, devices::snmp::Value> cells{{2, integer(3)},
                                                    {8, integer(8)},
                                                    {9, integer(most)},
                                                    {10, integer(level)},
                                                    {13, text(name)}};
    for (const auto& [column, value] : cells) cell("8.2", column, row, value);
  }
  void supply(int row, const SupplyRow& s) {
    const std::map<int, devices::snmp::Value> cells{
        {3, integer(s.colorant)}, {4, integer(s.kind)}, {5, integer(s.type)}, {6, text(s.name)},
        {7, integer(s.unit)},     {8, integer(s.most)}, {9, integer(s.level)}};
    for (const auto& [column, value] : cells) cell("11.1", column, row, value);
  }
  void alert(int row, std::int64_t severity, std::int64_t group, std::int64_t part,
             std::int64_t code) {
    const std::map<int, devices::snmp::Value> cells{
        {2, integer(severity)}, {4, integer(group)}, {5, integer(part)}, {7, integer(code)}};
    for (const auto& [column, value] : cells) cell("18.1", column, row, value);
  }
  void cell(std::string_view table, int column, int row, const devices::snmp::Value& value) {
    put("1.3.6.1.2.1.43." + std::string{table} + ".1." + std::to_string(column) + ".1." +
            std::to_string(row),
        value);
  }

  MonoTime within(Duration d) const { return wire->now() + d; }
  Result<void> open() { return driver->open(port, within(seconds{3})); }
  Result<wire::Status> poll() { return driver->poll(within(seconds{3})); }

  wire::Status polled() {
    const auto opened = open();
    REQUIRE_MESSAGE(bool(opened), opened.error().text());
    auto status = poll();
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return std::move(*status);
  }
};

wire::Consumable consumable(const wire::Status& status, std::string_view type) {
  const auto it = std::ranges::find(status.consumables, type, &wire::Consumable::type);
  REQUIRE_MESSAGE(it != status.consumables.end(), type);
  return *it;
}

using Codes = std::vector<std::string>;

/// What SNMPv3 is to the driver: answers of `agent`, however they came about.
class FakeSession final : public SnmpSession {
 public:
  explicit FakeSession(Agent& agent) : agent_(agent) {}

  std::optional<Error> failure;
  int failing = 0;  ///< so many questions from now on
  int asked = 0;

  Result<snmp::Message> ask(snmp::Pdu type, std::int32_t repetitions,
                            std::span<const snmp::Oid> names, MonoTime /*until*/) override {
    ++asked;
    if (failing > 0 && failing-- > 0) return *failure;
    return snmp::decode(
        agent_.answer(snmp::encode_request(1, "public", type, asked, repetitions, names)));
  }

 private:
  Agent& agent_;
};

}  // namespace

// ---- messages -----------------------------------------------------------------------------------

TEST_CASE("snmp: the captured request is written byte for byte") {
  const std::vector<snmp::Oid> names{oid("1.3.6.1.2.1.25.3.5.1.2.1")};
  const auto request = snmp::encode_request(1, "laser-low", snmp::Pdu::get, 0x64bb78c6, 0, names);
  CHECK(request == from_hex(captured_request));
  const auto read = snmp::decode(request);
  REQUIRE(bool(read));
  CHECK(read->type == snmp::Pdu::get);
  CHECK(read->variables.front().name == names.front());
}

TEST_CASE("snmp: the captured answer is read") {
  const auto message = snmp::decode(from_hex(captured_answer));
  REQUIRE_MESSAGE(bool(message), message.error().text());
  CHECK(message->version == 1);
  CHECK(message->community == "laser-low");
  CHECK(message->type == snmp::Pdu::response);
  CHECK(message->request_id == 0x64bb78c6);
  CHECK(message->status == snmp::no_error);
  REQUIRE(message->variables.size() == 1);
  CHECK(message->variables[0].name == oid("1.3.6.1.2.1.25.3.5.1.2.1"));
  CHECK(message->variables[0].value.kind == snmp::Value::Kind::octets);
  CHECK(message->variables[0].value.octets == std::string("\xa0\x00", 2));
}

TEST_CASE("snmp: arcs, numbers and lengths of every size go there and back") {
  Agent agent;
  const snmp::Oid longest(128, 1);
  const std::vector<std::pair<snmp::Oid, std::int64_t>> rows{{oid("0.0"), 0},
                                                             {oid("1.39.127"), 127},
                                                             {oid("2.999.128"), 128},
                                                             {oid("1.3.16383.16384"), -128},
                                                             {oid("1.3.4294967295"), -129},
                                                             {oid("1.3.6.1.1"), 2147483647},
                                                             {oid("1.3.6.1.2"), -2147483648LL},
                                                             {longest, -1}};
  for (const auto& [name, number] : rows) {
    CAPTURE(number);
    agent.table = {{name, integer(number)}};
    const std::vector<snmp::Oid> names{name};
    for (const std::int32_t id : {0, 127, 128, 32768, 2147483647, -1}) {
      const auto request = snmp::encode_request(0, "public", snmp::Pdu::get, id, 0, names);
      const auto answer = snmp::decode(agent.answer(request));
      REQUIRE_MESSAGE(bool(answer), answer.error().text());
      CHECK(answer->request_id == id);
      CHECK(answer->variables.at(0).name == name);
      CHECK(answer->variables.at(0).value.number == number);
    }
  }
  // Counters are never negative; one without the zero in front of its high bit neither.
  agent.table = {{oid("1.3.1"), {0x41, {0xff, 0xff, 0xff, 0xff}}},
                 {oid("1.3.2"), {0x46, {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}},
                 {oid("1.3.3"), {0x40, {192, 0, 2, 1}}},
                 {oid("1.3.4"), {0x06, {0x2b}}},
                 {oid("1.3.5"), {0x47, {0x05}}}};
  const std::vector<snmp::Oid> all{oid("1.3.1"), oid("1.3.2"), oid("1.3.3"),
                                   oid("1.3.4"), oid("1.3.5"), oid("1.3.9")};
  const auto answer =
      snmp::decode(agent.answer(snmp::encode_request(1, "public", snmp::Pdu::get, 1, 0, all)));
  REQUIRE(bool(answer));
  CHECK(answer->variables.at(0).value.number == 4294967295LL);
  CHECK(answer->variables.at(1).value.number == 9223372036854775807LL);
  CHECK(answer->variables.at(2).value.octets == "\xc0" + std::string("\0\2\1", 3));
  CHECK(answer->variables.at(3).value.kind == snmp::Value::Kind::identifier);
  CHECK(answer->variables.at(4).value.kind == snmp::Value::Kind::null);
  CHECK(answer->variables.at(5).value.kind == snmp::Value::Kind::none);
}

TEST_CASE("snmp: no bytes crash the reader: every cut and every flipped byte of an answer") {
  const auto whole = from_hex(captured_answer);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto message = snmp::decode(std::span{whole}.first(cut));
    REQUIRE_FALSE(bool(message));
    CHECK(message.error().code() == Errc::garbled);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      auto bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(value);
      const auto message = snmp::decode(bytes);
      if (!message) CHECK_FALSE(message.error().text().empty());
    }
  }
}

TEST_CASE("snmp: what breaks the rules is garbled, what is merely unusual is not") {
  const auto bad = [](std::string_view hex) {
    const auto message = snmp::decode(from_hex(hex));
    return message ? Errc::invalid : message.error().code();
  };
  CHECK(bad("") == Errc::garbled);
  CHECK(bad("3080") == Errc::garbled);                                      // length not given
  CHECK(bad("3085010101010102") == Errc::garbled);                          // length of five bytes
  CHECK(bad("3003020103") == Errc::unsupported);                            // SNMPv3
  CHECK(bad("30120201000400a40b0201010201000201003000") == Errc::garbled);  // SNMPv1's trap
  // An empty variable; an identifier whose last arc does not end; a length beyond the end.
  const std::string head =
      "0201000406"
      "7075626c6963";
  const std::string fields = "020101020100020100";
  CHECK(bad("301a" + head + "a20d" + fields + "30023000") == Errc::garbled);
  CHECK(bad("3020" + head + "a213" + fields + "3008300606022b850500") == Errc::garbled);
  CHECK(bad("3019" + head + "a20b" + fields + "3000") == Errc::garbled);
  CHECK(bad("3017" + head + "a20b" + fields + "3000") == Errc::garbled);
  CHECK(bad("3018" + head + "a20b" + fields + "3000") == Errc::invalid);  // this one is right
  // Lengths and numbers may be longer than needed, and something may stand behind the message.
  const auto fine = snmp::decode(from_hex("30840000001b" + head + "a282000c" +
                                          "020101"
                                          "02020000"
                                          "020100"
                                          "3000"
                                          "ffff"));
  REQUIRE_MESSAGE(bool(fine), fine.error().text());
  CHECK(fine->request_id == 1);
  CHECK(fine->variables.empty());
}

// ---- what a printer says
// --------------------------------------------------------------------------

TEST_CASE("snmp: a printer with which nothing is wrong") {
  Printer printer;
  const auto status = printer.polled();
  CHECK(wire::health_of(status) == Health::ok);
  CHECK(status.device == DeviceState::online);
  CHECK(status.conditions.empty());
  CHECK(status.evidence == wire::Evidence::protocol_reply);
  CHECK(status.identity.model == "Example KioskLaser 4000");
  CHECK(status.identity.serial == "KL4000A00017");
  CHECK(status.measurements ==
        std::vector<wire::Measurement>{{"printed_impressions", 48211}, {"uptime_seconds", 4321}});
  CHECK(status.components ==
        std::vector<wire::Component>{{"cover", wire::ComponentState::closed, true}});
  REQUIRE(status.consumables.size() == 5);

  const auto toner = consumable(status, "toner");
  CHECK(toner.percent.value() == doctest::Approx(68.33).epsilon(0.001));
  CHECK(toner.state == ConsumableState::full);
  CHECK(toner.source == LevelSource::measured);
  const auto waste = consumable(status, "waste_toner");
  CHECK(waste.direction == wire::Direction::bin);
  CHECK(waste.state == ConsumableState::ok);
  CHECK_FALSE(waste.percent);
  const auto fuser = consumable(status, "fuser");
  CHECK_FALSE(fuser.percent);
  CHECK(fuser.state == ConsumableState::full);  // "some"
  CHECK(fuser.source == LevelSource::flag);
  // One tray counts, the other only says that it has some.
  CHECK_FALSE(consumable(status, "paper").available);
  CHECK(consumable(status, "paper").state == ConsumableState::full);
}

TEST_CASE(
    "snmp: SNMPv1 tells the same, and so do an agent of short answers and one of few tables") {
  Printer modern;
  const auto status = modern.polled();
  Printer old{{}, 0};
  old.agent.only_v1 = true;
  auto same = old.polled();
  CHECK(wire::same_state(same, status));
  CHECK(same.measurements == status.measurements);
  for (const std::size_t largest : {400U, 200U, 120U}) {
    CAPTURE(largest);
    Printer narrow;
    narrow.agent.largest = largest;
    same = narrow.polled();
    CHECK(wire::same_state(same, status));
    CHECK(same.identity == status.identity);
  }
  Printer old_and_narrow{{}, 0};
  old_and_narrow.agent.largest = 120;
  CHECK(wire::same_state(old_and_narrow.polled(), status));

  // Only what net-snmp's snmpd is told to say of a printer.
  Printer bare;
  bare.agent.table.clear();
  bare.put("1.3.6.1.2.1.25.3.5.1.1.1", integer(3));
  bare.put("1.3.6.1.2.1.25.3.5.1.2.1", octets({0xa0, 0}));
  bare.put("1.3.6.1.2.1.43.11.1.1.8.1.1", integer(6000));
  bare.put("1.3.6.1.2.1.43.11.1.1.9.1.1", integer(420));
  const auto little = bare.polled();
  CHECK(codes_of(little) == Codes{"media-low", "toner-low"});
  CHECK(little.device == DeviceState::online);
  CHECK(consumable(little, "other").percent == 7.0);
}

TEST_CASE("snmp: the state's bits, of two bytes, of one and of none") {
  struct Row {
    Bytes bits;
    Codes codes;
    Health health;
  };
  const std::vector<Row> rows{
      {{}, {}, Health::ok},
      {{0x00}, {}, Health::ok},
      {{0x80}, {"media-low"}, Health::warning},
      {{0x40}, {"media-empty"}, Health::fault},
      {{0x20}, {"toner-low"}, Health::warning},
      {{0x10}, {"toner-empty"}, Health::fault},
      {{0x08}, {"door-open"}, Health::fault},
      {{0x04}, {"media-jam"}, Health::fault},
      {{0x02}, {"printer-offline"}, Health::fault},
      {{0x01}, {"service-requested"}, Health::warning},
      {{0x00, 0x80}, {"input-tray-missing"}, Health::fault},
      {{0x00, 0x40}, {"output-tray-missing"}, Health::fault},
      {{0x00, 0x20}, {"marker-supply-missing"}, Health::fault},
      {{0x00, 0x10}, {"output-area-almost-full"}, Health::warning},
      {{0x00, 0x08}, {"output-area-full"}, Health::fault},
      {{0x00, 0x04}, {"media-empty"}, Health::fault},
      {{0x00, 0x02}, {"maintenance-due"}, Health::warning},
      {{0x00, 0x01}, {}, Health::ok},  // means nothing
      {{0xa0, 0x00}, {"media-low", "toner-low"}, Health::warning},
      {{0xf0, 0x18}, {"media-empty", "toner-empty", "output-area-full"}, Health::fault},
      {{0x00, 0x00, 0xff, 0xff}, {}, Health::ok}};
  for (const auto& row : rows) {
    CAPTURE(row.bits.size());
    CAPTURE(row.codes);
    Printer printer;
    printer.state(2, 3, row.bits);
    const auto status = printer.polled();
    CHECK(codes_of(status) == row.codes);
    CHECK(wire::health_of(status) == row.health);
  }
  Printer jammed;
  jammed.state(5, 1, {0x04});
  CHECK(jammed.polled().media == wire::Media::jammed);
}

TEST_CASE("snmp: hrDeviceStatus and hrPrinterStatus") {
  struct Row {
    std::int64_t device;
    std::int64_t printer;
    Bytes bits;
    DeviceState state;
    Codes codes;
  };
  const std::vector<Row> rows{{2, 3, {0}, DeviceState::online, {}},
                              {2, 4, {0}, DeviceState::device_busy, {}},
                              {2, 5, {0}, DeviceState::device_busy, {}},
                              {2, 1, {0}, DeviceState::online, {}},  // stand-by
                              {1, 2, {0}, DeviceState::unknown, {}},
                              {1, 2, {0x20}, DeviceState::online, {"toner-low"}},
                              {3, 3, {0}, DeviceState::online, {"printer-other"}},
                              {3, 3, {0x20}, DeviceState::online, {"toner-low"}},
                              {5, 1, {0}, DeviceState::online, {"printer-stopped"}},
                              {5, 5, {0}, DeviceState::device_busy, {}},  // coming on-line
                              {5, 1, {0x20}, DeviceState::online, {"toner-low", "printer-stopped"}},
                              {5, 1, {0x02}, DeviceState::offline, {"printer-offline"}}};
  for (const auto& row : rows) {
    CAPTURE(row.device);
    CAPTURE(row.printer);
    Printer printer;
    printer.state(row.device, row.printer, row.bits);
    const auto status = printer.polled();
    CHECK(status.device == row.state);
    CHECK(codes_of(status) == row.codes);
  }
}

TEST_CASE("snmp: a jam that is only told as a call for service") {
  Printer printer;
  printer.state(5, 1, {0x01});
  auto status = printer.polled();
  CHECK(codes_of(status) == Codes{"service-requested"});
  CHECK(wire::health_of(status) == Health::fault);
  CHECK(status.media == wire::Media::unknown);
  // The table of covers knows better.
  printer.put("1.3.6.1.2.1.43.6.1.1.3.1.1", integer(3));
  status = printer.polled();
  CHECK(codes_of(status) == Codes{"cover-open"});
  CHECK(status.conditions[0].detail == "Front cover");
  CHECK(status.components ==
        std::vector<wire::Component>{{"cover", wire::ComponentState::open, true}});
  // So does an alert.
  printer.put("1.3.6.1.2.1.43.6.1.1.3.1.1", integer(4));
  printer.alert(1, 3, 13, 1, 8);
  status = printer.polled();
  CHECK(codes_of(status) == Codes{"media-jam"});
  CHECK(status.media == wire::Media::jammed);
  // A wish beside a known warning.
  Printer wishing;
  wishing.state(3, 3, {0x21});
  CHECK(codes_of(wishing.polled()) == Codes{"toner-low"});
}

TEST_CASE("snmp: alerts, by their code and by the part that they are about") {
  struct Row {
    std::int64_t group;
    std::int64_t part;
    std::int64_t code;
    std::string means;
  };
  const std::vector<Row> rows{{6, 2, 3, "cover-open"},
                              {6, 1, 5, "interlock-open"},
                              {13, 1, 8, "media-jam"},
                              {8, 1, 801, "input-tray-missing"},
                              {8, 1, 807, "media-low"},
                              {8, 1, 808, "media-empty"},
                              {8, 1, 809, "media-needed"},
                              {9, 1, 901, "output-tray-missing"},
                              {9, 1, 902, "output-area-almost-full"},
                              {9, 1, 903, "output-area-full"},
                              {10, 1, 1002, "fuser-over-temp"},
                              {11, 1, 1101, "toner-empty"},
                              {11, 1, 1104, "toner-low"},
                              {11, 2, 1107, "marker-waste-almost-full"},
                              {11, 2, 1109, "marker-waste-full"},
                              {11, 3, 1111, "opc-near-eol"},
                              {11, 3, 1112, "opc-life-over"},
                              {11, 1, 1115, "marker-supply-missing"},
                              {13, 1, 1306, "media-jam"},
                              {8, 1, 815, "media-jam"},
                              {5, 1, 501, "door-open"},
                              // Codes of any part.
                              {8, 1, 9, "input-tray-missing"},
                              {9, 1, 9, "output-tray-missing"},
                              {11, 1, 9, "marker-supply-missing"},
                              {8, 1, 12, "media-low"},
                              {8, 1, 13, "media-empty"},
                              {11, 1, 12, "toner-low"},
                              {11, 1, 13, "toner-empty"},
                              {11, 3, 10, "opc-near-eol"},
                              {11, 4, 11, "marker-supply-empty"},
                              {11, 2, 15, "marker-waste-full"},
                              {9, 1, 15, "output-area-full"},
                              {10, 1, 36, "fuser-over-temp"},
                              {6, 2, 18, "cover-open"},
                              {5, 1, 22, "printer-offline"},
                              {10, 1, 30, "unrecoverable-error"},
                              // What we do not know, and what is nothing.
                              {10, 1, 4711, "printer-other"},
                              {5, -1, 1, "printer-other"},
                              {17, 1, 22, "printer-other"},
                              {5, 1, 507, ""},
                              {6, 1, 4, ""},
                              {5, 1, 23, ""},
                              {5, 1, 1801, ""}};
  for (const auto& row : rows) {
    CAPTURE(row.group);
    CAPTURE(row.code);
    Printer printer;
    printer.alert(1, 4, row.group, row.part, row.code);
    const auto status = printer.polled();
    CHECK(codes_of(status) == (row.means.empty() ? Codes{} : Codes{row.means}));
    if (row.means.empty()) continue;
    CHECK(status.conditions[0].vendor_code == std::to_string(row.code));
    // What is critical is a fault, whatever it is.
    printer.alert(1, 3, row.group, row.part, row.code);
    CHECK(printer.polled().conditions.at(0).severity == Severity::fault);
  }
}

TEST_CASE("snmp: an alert of a cover that grew old is not believed against the cover") {
  Printer printer;
  printer.alert(1, 4, 6, 1, 3);
  CHECK(printer.polled().conditions.empty());
  printer.put("1.3.6.1.2.1.43.6.1.1.3.1.1", integer(3));
  const auto status = printer.polled();
  CHECK(codes_of(status) == Codes{"cover-open"});
  CHECK(status.conditions[0].vendor_code == "3 coverOpen");
}

TEST_CASE("snmp: what is told twice is one condition, in an order of ours") {
  Printer printer;
  printer.state(3, 3, {0xa0, 0});
  printer.supply(1, {.name = "Black Toner Cartridge", .level = 420, .colorant = 1});
  printer.alert(1, 4, 11, 1, 1104);
  printer.alert(2, 4, 8, 1, 807);
  const auto status = printer.polled();
  CHECK(codes_of(status) == Codes{"media-low", "toner-low"});
  CHECK(condition_of(status, "toner-low")->vendor_code == "1104 lowToner");
  CHECK(condition_of(status, "toner-low")->detail == "Black Toner Cartridge");
  CHECK(condition_of(status, "media-low")->detail == "Tray 1");
  CHECK(consumable(status, "toner").percent == 7.0);
  CHECK(consumable(status, "toner").state == ConsumableState::low);
  CHECK(consumable(status, "paper").state == ConsumableState::low);
  printer.alert(1, 4, 8, 1, 807);
  printer.alert(2, 4, 11, 1, 1104);
  CHECK(wire::same_state(printer.polled(), status));
}

TEST_CASE("snmp: the supply that an alert names, whatever the levels say") {
  Printer printer;
  printer.supply(2, {.name = "Cyan Toner", .level = 600});
  printer.supply(3, {.name = "Magenta Toner", .level = 3000});
  printer.alert(1, 4, 11, 3, 1104);
  auto status = printer.polled();
  CHECK(consumable(status, "toner_magenta").state == ConsumableState::low);
  CHECK(consumable(status, "toner_cyan").state == ConsumableState::full);
  CHECK(condition_of(status, "toner-low")->detail == "Magenta Toner");
  printer.alert(2, 3, 11, 2, 1101);
  status = printer.polled();
  CHECK(codes_of(status) == Codes{"toner-empty"});
  CHECK(consumable(status, "toner_cyan").state == ConsumableState::out);
  CHECK(consumable(status, "toner_cyan").available == 0.0);
  CHECK(consumable(status, "toner_magenta").state == ConsumableState::low);
  printer.alert(2, 3, 11, 1, 1115);
  CHECK(consumable(printer.polled(), "toner").state == ConsumableState::missing);
}

TEST_CASE("snmp: levels, with those that are none") {
  struct Row {
    SupplyRow says;
    std::optional<double> percent;
    std::optional<double> available;
    std::string unit;
    ConsumableState state;
  };
  const std::vector<Row> rows{
      {{.most = 6000, .level = 3000}, 50, 50, "percent", ConsumableState::full},
      {{.most = 6000, .level = 0}, 0, 0, "percent", ConsumableState::low},
      {{.most = 6000, .level = 9000}, 100, 100, "percent", ConsumableState::full},
      {{.most = 6000, .level = -1}, {}, {}, "percent", ConsumableState::unknown},
      {{.most = 6000, .level = -2}, {}, {}, "percent", ConsumableState::unknown},
      {{.most = 6000, .level = -3}, {}, {}, "percent", ConsumableState::full},
      {{.unit = 19, .most = 100, .level = 40}, 40, 40, "percent", ConsumableState::full},
      {{.unit = 19, .most = -2, .level = 40}, 40, 40, "percent", ConsumableState::full},
      {{.unit = 7, .most = -2, .level = 1200}, {}, 1200, "pages", ConsumableState::full},
      {{.unit = 13, .most = -2, .level = 1200}, {}, 120, "g", ConsumableState::full},
      {{.unit = 2, .most = -2, .level = 40}, {}, {}, "percent", ConsumableState::unknown}};
  for (const auto& row : rows) {
    CAPTURE(row.says.unit);
    CAPTURE(row.says.level);
    Printer printer;
    printer.supply(1, row.says);
    const auto toner = consumable(printer.polled(), "toner");
    CHECK(toner.percent == row.percent);
    CHECK(toner.available == row.available);
    CHECK(toner.unit == row.unit);
    CHECK(toner.state == row.state);
  }
}

TEST_CASE("snmp: waste toner is never full by its level, whatever class it is in") {
  for (const std::int64_t kind : {3, 4}) {
    for (const std::int64_t level : {0, 5, 95, 100, -3}) {
      CAPTURE(kind);
      CAPTURE(level);
      Printer printer;
      printer.supply(
          2, {.kind = kind, .type = 4, .name = "Waste", .unit = 19, .most = 100, .level = level});
      auto status = printer.polled();
      CHECK(status.conditions.empty());
      CHECK(consumable(status, "waste_toner").state == ConsumableState::ok);
      CHECK(consumable(status, "waste_toner").direction == wire::Direction::bin);
      printer.alert(1, 4, 11, 2, 1107);
      CHECK(consumable(printer.polled(), "waste_toner").state == ConsumableState::high);
      printer.alert(1, 3, 11, 2, 1109);
      status = printer.polled();
      CHECK(consumable(status, "waste_toner").state == ConsumableState::full);
      CHECK(status.conditions.at(0).detail == "Waste");
    }
  }
}

TEST_CASE("snmp: paper of which nothing is told is unknown") {
  Printer printer;
  printer.remove("1.3.6.1.2.1.43.8");
  CHECK(consumable(printer.polled(), "paper").state == ConsumableState::full);  // no bit is set
  printer.remove("1.3.6.1.2.1.25.3.5.1.2");
  CHECK(consumable(printer.polled(), "paper").state == ConsumableState::unknown);
}

TEST_CASE("snmp: paper in its trays") {
  Printer printer{{{"paper_warning_sheets", "20"}}};
  printer.remove("1.3.6.1.2.1.43.8");
  printer.tray(1, 250, 100, "Tray 1");
  auto paper = consumable(printer.polled(), "paper");
  CHECK(paper.available == 100.0);
  CHECK(paper.capacity == 250.0);
  CHECK(paper.percent == 40.0);
  CHECK(paper.unit == "sheets");
  printer.tray(1, 250, 12, "Tray 1");
  CHECK(consumable(printer.polled(), "paper").state == ConsumableState::low);
  // A4 by its name, or by its size in either unit.
  printer.put("1.3.6.1.2.1.43.8.2.1.12.1.1", text("iso-a4-white"));
  CHECK(consumable(printer.polled(), "a4_paper").available == 12.0);
  printer.put("1.3.6.1.2.1.43.8.2.1.12.1.1", text(""));
  const std::vector<std::array<std::int64_t, 3>> sizes{
      {4, 297000, 210000}, {3, 116929, 82677}, {4, 210000, 297000}};
  for (const auto& [unit, feed, across] : sizes) {
    printer.put("1.3.6.1.2.1.43.8.2.1.3.1.1", integer(unit));
    printer.put("1.3.6.1.2.1.43.8.2.1.6.1.1", integer(feed));
    printer.put("1.3.6.1.2.1.43.8.2.1.7.1.1", integer(across));
    CHECK(consumable(printer.polled(), "a4_paper").available == 12.0);
  }
  // A slot for single sheets is empty nearly always.
  printer.tray(2, 1, 0, "Manual feed");
  printer.put("1.3.6.1.2.1.43.8.2.1.2.1.2", integer(5));
  CHECK(consumable(printer.polled(), "a4_paper").capacity == 250.0);
  printer.tray(1, 250, 0, "Tray 1");
  printer.alert(1, 3, 8, 1, 808);
  auto status = printer.polled();
  CHECK(consumable(status, "a4_paper").state == ConsumableState::out);
  CHECK(condition_of(status, "media-empty")->detail == "Tray 1");
  // Another tray does not say how much it has, or that it has any.
  printer.tray(3, 500, -2, "Tray 3");
  status = printer.polled();
  CHECK(consumable(status, "a4_paper").state == ConsumableState::low);
  CHECK_FALSE(consumable(status, "a4_paper").available);
  printer.tray(1, 250, 100, "Tray 1");
  CHECK_FALSE(consumable(printer.polled(), "a4_paper").available);
  printer.tray(1, 250, 0, "Tray 1");
  // Another tray has some.
  printer.tray(3, 500, -3, "Tray 3");
  CHECK(consumable(printer.polled(), "a4_paper").state == ConsumableState::low);
}

TEST_CASE("snmp: texts are made readable, values of other kinds are left out") {
  Printer printer;
  printer.put("1.3.6.1.2.1.25.3.2.1.3.1", text(std::string("  Laser\x01\xff 4000 \0\0", 18)));
  printer.put("1.3.6.1.2.1.43.5.1.1.17.1", integer(17));
  printer.put("1.3.6.1.2.1.25.3.5.1.2.1", integer(0xa0));
  printer.put("1.3.6.1.2.1.43.11.1.1.9.1.1", text("420"));
  const auto status = printer.polled();
  CHECK(status.identity.model == "Laser?? 4000");
  CHECK(status.identity.serial.empty());
  CHECK(status.conditions.empty());
  CHECK_FALSE(consumable(status, "toner").percent);
}

TEST_CASE("snmp: two polls that differ in counters only are the same state") {
  Printer printer;
  const auto before = printer.polled();
  printer.put("1.3.6.1.2.1.43.10.2.1.4.1.1", counter(48999));
  printer.put("1.3.6.1.2.1.1.3.0", devices::snmp::ticks(999900));
  printer.supply(1, {.name = "Black Toner Cartridge", .level = 4099, .colorant = 1});
  CHECK(wire::same_state(printer.polled(), before));
}

TEST_CASE("snmp: a printer that is not the agent's first device") {
  Printer printer;
  std::map<snmp::Oid, devices::snmp::Value> moved;
  for (const auto& [old, value] : printer.agent.table) {
    auto name = old;
    // The printer's index stands behind the column: last of one arc, last but one of two.
    const bool parts =
        snmp::below(name, oid("1.3.6.1.2.1.43")) && !snmp::below(name, oid("1.3.6.1.2.1.43.5"));
    if (!snmp::below(name, oid("1.3.6.1.2.1.1"))) name[name.size() - (parts ? 2 : 1)] = 196608;
    moved.emplace(name, value);
  }
  printer.agent.table = std::move(moved);
  printer.put("1.3.6.1.2.1.25.3.2.1.3.1", text("a processor"));
  printer.put("1.3.6.1.2.1.25.3.2.1.5.1", integer(5));
  const auto status = printer.polled();
  CHECK(status.identity.model == "Example KioskLaser 4000");
  CHECK(status.consumables.size() == 5);
  CHECK(wire::health_of(status) == Health::ok);
}

// ---- the exchange
// ---------------------------------------------------------------------------------

TEST_CASE("snmp: a lost datagram is asked for once more, a second loss is a miss") {
  Printer printer;
  int lose = 0;
  printer.wire->device = [&](const Bytes& request) {
    if (lose-- > 0) return;
    printer.reply(request);
  };
  REQUIRE(bool(printer.open()));
  lose = 1;
  printer.wire->forget_written();
  const auto before = printer.wire->now();
  CHECK(bool(printer.poll()));
  CHECK(printer.wire->written()[0] == printer.wire->written()[1]);
  CHECK(printer.wire->now() - before >= milliseconds{800});
  lose = 1000;
  printer.wire->forget_written();
  const auto start = printer.wire->now();
  const auto missed = printer.poll();
  REQUIRE_FALSE(bool(missed));
  CHECK(missed.error().code() == Errc::timeout);
  CHECK(missed.error().text().find("community") != std::string::npos);
  CHECK(printer.wire->written().size() == 2);
  CHECK(printer.wire->now() - start == milliseconds{1600});
}

TEST_CASE("snmp: neither a silent nor a slow agent holds a call past its deadline") {
  Printer printer;
  REQUIRE(bool(printer.open()));
  printer.wire->device = [](const Bytes&) {};
  auto start = printer.wire->now();
  CHECK_FALSE(bool(printer.driver->poll(printer.within(milliseconds{500}))));
  CHECK(printer.wire->now() - start <= milliseconds{500});
  // Never at an end: rows without number, each a little later.
  printer.wire->device = [&](const Bytes& request) {
    auto answer = printer.agent.answer(request);
    printer.wire->arrive(std::move(answer), milliseconds{300});
  };
  start = printer.wire->now();
  CHECK_FALSE(bool(printer.driver->poll(printer.within(milliseconds{1000}))));
  CHECK(printer.wire->now() - start <= milliseconds{1000});
}

TEST_CASE("snmp: late answers, answers to others and noise are not taken for the answer") {
  Printer printer;
  Printer other;
  other.put("1.3.6.1.2.1.25.3.5.1.2.1", octets({0x04}));
  printer.wire->device = [&](const Bytes& request) {
    other.agent.wrong_id_by = -1;
    printer.wire->arrive(other.agent.answer(request), Duration{100});
    printer.wire->arrive({0xff, 0x00}, Duration{200});
    printer.wire->arrive(request, Duration{300});  // our own question, come back
    printer.reply(request);
    printer.reply(request);  // twice
  };
  const auto status = printer.polled();
  CHECK(status.conditions.empty());
  CHECK(status.consumables.size() == 5);
}

TEST_CASE("snmp: an agent that goes round in circles or says nothing is left") {
  Printer printer;
  REQUIRE(bool(printer.open()));
  // Always the same variable, as answer to whatever.
  printer.wire->device = [&](const Bytes& request) {
    const auto asked = snmp::decode(request);
    REQUIRE(bool(asked));
    Agent same;
    same.table = {{oid("1.3.6.1.2.1.25.3.5.1.1.1"), integer(3)}};
    const std::vector<snmp::Oid> name{oid("1.3.6.1.2.1.25.3.5.1.1.1")};
    printer.wire->arrive(
        same.answer(snmp::encode_request(1, "public", snmp::Pdu::get, asked->request_id, 0, name)));
  };
  printer.wire->forget_written();
  const auto little = printer.poll();
  REQUIRE(bool(little));
  CHECK(little->consumables.size() == 1);  // paper, of which nothing is known
  CHECK(printer.wire->written().size() < 60);
  printer.wire->device = [&](const Bytes& request) {
    const auto asked = snmp::decode(request);
    const std::vector<snmp::Oid> none;
    printer.wire->arrive(Agent{}.answer(
        snmp::encode_request(1, "public", snmp::Pdu::get, asked->request_id, 0, none)));
  };
  const auto nothing = printer.poll();
  REQUIRE_FALSE(bool(nothing));
  CHECK(nothing.error().code() == Errc::garbled);
}

TEST_CASE("snmp: what is no printer is refused, and says why") {
  Printer none;
  none.agent.table = {{oid("1.3.6.1.2.1.1.1.0"), text("Linux")}};
  auto opened = none.open();
  REQUIRE_FALSE(bool(opened));
  CHECK(opened.error().code() == Errc::refused);
  CHECK(opened.error().text().find("knows of no printer") != std::string::npos);
  CHECK(none.poll().error().code() == Errc::disconnected);

  Printer noise;
  noise.wire->device = [&](const Bytes&) { noise.wire->arrive({'2', '2', '0', ' '}); };
  opened = noise.open();
  CHECK(opened.error().code() == Errc::refused);
  CHECK(opened.error().text().find("no agent") != std::string::npos);

  Printer secret;
  secret.agent.community = "other";
  CHECK(secret.open().error().code() == Errc::timeout);

  Printer gone;
  gone.wire->cut();
  CHECK(gone.open().error().code() == Errc::disconnected);
}

TEST_CASE("snmp: needs an snmp port, an open, and tests nothing") {
  const auto driver = make_driver("snmp");
  REQUIRE(bool(driver));
  FakePort bare;
  CHECK((*driver)->open(bare, bare.now() + seconds{1}).error().code() == Errc::unsupported);
  CHECK((*driver)->poll(bare.now() + seconds{1}).error().code() == Errc::disconnected);
  CHECK_FALSE(bool((*driver)->self_test("print", bare.now() + seconds{1})));
  Printer printer;
  printer.polled();
  for (const auto& request : printer.wire->written()) {
    const auto asked = snmp::decode(request);
    REQUIRE(bool(asked));
    const bool reads = asked->type == snmp::Pdu::get || asked->type == snmp::Pdu::get_next ||
                       asked->type == snmp::Pdu::get_bulk;
    CHECK(reads);
  }
}

TEST_CASE("snmp: where there is a session of SNMPv3, it asks, and the wire is left to it") {
  Printer printer;
  printer.alert(1, 4, 8, 1, 807);
  const auto by_wire = printer.polled();
  printer.driver->close();

  auto session = std::make_unique<FakeSession>(printer.agent);
  auto& asks = *session;
  auto wire = std::make_unique<FakePort>();
  const auto& bare = *wire;
  SnmpPort port{std::move(wire), std::move(session)};
  const auto within = [&] { return bare.now() + seconds{3}; };
  REQUIRE(bool(printer.driver->open(port, within())));
  auto status = printer.driver->poll(within());
  REQUIRE_MESSAGE(bool(status), status.error().text());
  CHECK(wire::to_json(*status) == wire::to_json(by_wire));
  CHECK(bare.written().empty());

  // Lost once, it is asked once more; twice, it is a miss. What an agent says against us is passed
  // on.
  const auto quiet = asks.asked;
  REQUIRE(bool(printer.driver->poll(within())));
  const auto questions = asks.asked - quiet;
  asks.failure = Error{Errc::timeout, "lost"};
  asks.failing = 1;
  asks.asked = 0;
  CHECK(bool(printer.driver->poll(within())));
  CHECK(asks.asked == questions + 1);
  asks.failing = 2;
  asks.asked = 0;
  CHECK(printer.driver->poll(within()).error().code() == Errc::timeout);
  CHECK(asks.asked == 2);
  asks.failure = Error{Errc::refused, "the agent knows no user \"kiosk\""};
  asks.failing = 1;
  asks.asked = 0;
  const auto refused = printer.driver->poll(within());
  REQUIRE_FALSE(bool(refused));
  CHECK(refused.error().code() == Errc::refused);
  CHECK(refused.error().text() == "snmp: the agent knows no user \"kiosk\"");
  CHECK(asks.asked == 1);
}

}  // namespace kw::drivers
