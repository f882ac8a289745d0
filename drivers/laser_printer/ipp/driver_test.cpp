#include "drivers/driver.hpp"

#include <array>
#include <map>
#include <string>
#include <variant>

#include <doctest/doctest.h>

#include "drivers/laser_printer/ipp/message.hpp"
#include "tests/drivers/fake_http.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ConsumableState;
using wire::DeviceState;
using wire::Health;
using wire::LevelSource;
using wire::Severity;

// What ipptool sent to ippeveprinter, and what that answered (cover-open, media-jam and toner-low
// were set).
constexpr std::string_view captured_request =
    "0200000b0000000101470012617474726962757465732d6368617273657400057574662d3848001b6174"
    "74726962757465732d6e61747572616c2d6c616e67756167650002656e45000b7072696e7465722d7572"
    "6900196970703a2f2f6c6f63616c686f73742f6970702f7072696e744400147265717565737465642d61"
    "747472696275746573000d7072696e7465722d737461746544000000157072696e7465722d7374617465"
    "2d726561736f6e73440000000d6d61726b65722d6c6576656c73440000000c6d61726b65722d6e616d65"
    "73440000000e7072696e7465722d737570706c7903";
constexpr std::string_view captured_answer =
    "020000000000000101470012617474726962757465732d6368617273657400057574662d3848001b6174"
    "74726962757465732d6e61747572616c2d6c616e67756167650002656e0421000d6d61726b65722d6c65"
    "76656c7300040000000c2100000004fffffffd42000c6d61726b65722d6e616d65730005426c61636b42"
    "00000005576173746530000e7072696e7465722d737570706c790070696e6465783d313b636c6173733d"
    "72656365707461636c6554686174497346696c6c65643b747970653d7761737465546f6e65723b756e69"
    "743d70657263656e743b6d617863617061636974793d3130303b6c6576656c3d32353b636f6c6f72616e"
    "746e616d653d756e6b6e6f776e3b3000000066696e6465783d323b636c6173733d737570706c79546861"
    "744973436f6e73756d65643b747970653d746f6e65723b756e69743d70657263656e743b6d6178636170"
    "61636974793d3130303b6c6576656c3d353b636f6c6f72616e746e616d653d626c61636b3b23000d7072"
    "696e7465722d73746174650004000000034400157072696e7465722d73746174652d726561736f6e7300"
    "11636f7665722d6f70656e2d7265706f727444000000106d656469612d6a616d2d7265706f7274440000"
    "0010746f6e65722d6c6f772d7265706f727403";

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  }
  return out;
}

// ---- an answer, written byte by byte ------------------------------------------------------------

using Texts = std::vector<std::string>;
using Numbers = std::vector<std::int32_t>;

void put(Bytes& out, std::uint32_t number, int size) {
  while (size-- > 0) out.push_back(static_cast<std::uint8_t>(number >> size * 8));
}

void put_value(Bytes& out, std::uint8_t tag, std::string_view name, std::string_view value) {
  out.push_back(tag);
  for (const auto part : {name, value}) {
    put(out, static_cast<std::uint32_t>(part.size()), 2);
    out.insert(out.end(), part.begin(), part.end());
  }
}

/// A printer's attributes; keywords and texts are given the tag that the attribute has.
struct Says {
  std::map<std::string, std::variant<Texts, Numbers, bool>, std::less<>> attributes{
      {"printer-state", Numbers{3}}, {"printer-state-reasons", Texts{"none"}}};

  static std::uint8_t tag_of(std::string_view name) {
    if (name == "printer-state") return 0x23;
    if (name == "printer-uuid") return 0x45;
    if (name == "printer-supply" || name == "printer-input-tray" || name == "printer-alert") {
      return 0x30;
    }
    const bool text = name.starts_with("printer-make") || name.ends_with("-description") ||
                      name.ends_with("-id") || name.ends_with("-version");
    if (text) return 0x41;
    return name.starts_with("marker-names") ? 0x42 : 0x44;
  }

  Bytes bytes(std::uint32_t id, std::uint16_t status = 0, std::uint8_t minor = 0) const {
    Bytes out{static_cast<std::uint8_t>(minor == 1 ? 1 : 2), minor};
    put(out, status, 2);
    put(out, id, 4);
    out.push_back(0x01);
    put_value(out, 0x47, "attributes-charset", "utf-8");
    put_value(out, 0x48, "attributes-natural-language", "en");
    out.push_back(0x04);
    for (const auto& [name, values] : attributes) {
      std::string_view left = name;
      if (const auto* texts = std::get_if<Texts>(&values)) {
        for (const auto& v : *texts) put_value(out, tag_of(name), std::exchange(left, {}), v);
      } else if (const auto* numbers = std::get_if<Numbers>(&values)) {
        for (const auto v : *numbers) {
          Bytes raw;
          put(raw, static_cast<std::uint32_t>(v), 4);
          put_value(out, name == "printer-state" ? 0x23 : 0x21, std::exchange(left, {}),
                    std::string{raw.begin(), raw.end()});
        }
      } else {
        put_value(out, 0x22, name, std::string(1, std::get<bool>(values) ? '\1' : '\0'));
      }
    }
    out.push_back(0x03);
    return out;
  }
};

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n";

std::uint32_t id_of(const Bytes& request) {
  const auto body = body_of(request);
  return static_cast<std::uint32_t>(body.at(4) << 24 | body.at(5) << 16 | body.at(6) << 8 |
                                    body.at(7));
}

/// A printer that says this.
struct Printer {
  Says says;
  FakeHttp http;
  std::unique_ptr<Driver> driver;

  explicit Printer(Says what = {}, const Given& settings = {}) : says(std::move(what)) {
    http.device->device = [this](const Bytes& request) {
      http.device->arrive(http_answer(ok, says.bytes(id_of(request))));
    };
    auto made = make_driver("ipp", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
  }

  Result<void> open() { return driver->open(http.port, http.within(seconds{2})); }
  Result<wire::Status> poll() { return driver->poll(http.within(seconds{2})); }

  wire::Status polled() {
    const auto opened = open();
    REQUIRE_MESSAGE(bool(opened), opened.error().text());
    auto status = poll();
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return std::move(*status);
  }
};

wire::Status polled(Says says, const Given& settings = {}) {
  return Printer{std::move(says), settings}.polled();
}

Says reasons(Texts list, std::int32_t state = 3) {
  Says out;
  out.attributes["printer-state"] = Numbers{state};
  out.attributes["printer-state-reasons"] = std::move(list);
  return out;
}

const wire::Consumable* find(const wire::Status& status, std::string_view type) {
  for (const auto& c : status.consumables) {
    if (c.type == type) return &c;
  }
  return nullptr;
}

wire::Consumable consumable(const wire::Status& status, std::string_view type) {
  const auto* found = find(status, type);
  REQUIRE_MESSAGE(found != nullptr, type);
  return *found;
}

std::string supply(std::string_view kind, std::string_view type, int level,
                   std::string_view colour = "unknown", int most = 100,
                   std::string_view unit = "percent") {
  return fmt::format("index=1;class={};type={};unit={};maxcapacity={};level={};colorantname={}",
                     kind, type, unit, most, level, colour);
}
constexpr std::string_view consumed = "supplyThatIsConsumed";
constexpr std::string_view filled = "receptacleThatIsFilled";

}  // namespace

TEST_CASE("ipp: the captured request is written byte for byte") {
  const std::array<std::string_view, 5> wanted{"printer-state", "printer-state-reasons",
                                               "marker-levels", "marker-names", "printer-supply"};
  CHECK(ipp::get_printer_attributes(2, 0, 1, "ipp://localhost/ipp/print", wanted) ==
        from_hex(captured_request));
}

TEST_CASE("ipp: the captured answer is read") {
  const auto message = ipp::parse(from_hex(captured_answer));
  REQUIRE(bool(message));
  CHECK(message->status == 0);
  CHECK(message->request_id == 1);
  CHECK(message->integer("printer-state") == 3);
  CHECK(message->texts("printer-state-reasons") ==
        Texts{"cover-open-report", "media-jam-report", "toner-low-report"});
  CHECK(message->integers("marker-levels") == Numbers{12, -3});
  CHECK(message->texts("marker-names") == Texts{"Black", "Waste"});
  CHECK(message->texts("printer-supply").size() == 2);
  CHECK(message->text("attributes-charset").empty());  // not the printer's

  Printer printer;
  printer.http.device->device = [&](const Bytes& request) {
    auto answer = from_hex(captured_answer);
    answer[7] = static_cast<std::uint8_t>(id_of(request));
    printer.http.device->arrive(http_answer(ok, answer));
  };
  const auto status = printer.polled();
  CHECK(codes_of(status) == Texts{"cover-open", "media-jam", "toner-low"});
  CHECK(status.media == wire::Media::jammed);
  CHECK(wire::health_of(status) == Health::fault);
  CHECK(consumable(status, "toner").percent == 5.0);
  CHECK(consumable(status, "toner").state == ConsumableState::low);
  CHECK(consumable(status, "waste_toner").percent == 25.0);
}

TEST_CASE("ipp: no bytes crash the reader: every cut and every flipped byte of an answer") {
  const auto whole = from_hex(captured_answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = ipp::parse(std::span{whole}.first(size));
    REQUIRE_FALSE(bool(cut));
    REQUIRE(cut.error().code() == Errc::garbled);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned other : {0x00U, 0x03U, 0x7fU, 0x80U, 0xffU}) {
      auto bad = whole;
      bad[at] = static_cast<std::uint8_t>(other);
      const auto message = ipp::parse(bad);
      if (!message) continue;
      for (const auto name : {"printer-state-reasons", "printer-supply", "marker-names"}) {
        message->texts(name);
        message->integers(name);
        message->boolean(name);
      }
    }
  }
}

TEST_CASE("ipp: bytes that break the rules are garbled") {
  const std::vector<std::pair<const char*, std::string_view>> rows{
      {"an attribute outside any group", "0200000000000001210001610004000000010103"},
      {"a value without an attribute", "02000000000000010421000000040000000103"},
      {"an attribute cut short", "0200000000000001042100ff61"},
      {"an attribute cut short", "02000000000000010421000161ffff00"},
      {"no end tag", "020000000000000104"},
      {"version 72.84", "4854545020000001"},
  };
  for (const auto& [what, hex] : rows) {
    CAPTURE(what);
    const auto message = ipp::parse(from_hex(hex));
    REQUIRE_FALSE(bool(message));
    CHECK(message.error().text().find(what) != std::string::npos);
  }
}

TEST_CASE("ipp: values of other kinds than expected are left out, texts are made readable") {
  Bytes out = from_hex("02000000000000010104");
  put_value(out, 0x21, "printer-state", "abc");  // not four bytes
  put_value(out, 0x13, "printer-uuid", "");      // no-value
  put_value(out, 0x35, "printer-info", std::string("\0\2zh\0\6墨粉", 12));
  put_value(out, 0x35, "printer-name", std::string("\0\x09zh", 4));  // language longer than all
  put_value(out, 0x41, "printer-location", "a\xff\x1b[2J\xe5\xa2");
  put_value(out, 0x34, "media-col-ready", "");  // a collection
  put_value(out, 0x4a, "", "media-size");
  put_value(out, 0x37, "", "");
  out.push_back(0x03);
  const auto message = ipp::parse(out);
  REQUIRE(bool(message));
  CHECK_FALSE(message->integer("printer-state"));
  CHECK(message->text("printer-uuid").empty());
  CHECK(message->text("printer-info") == "墨粉");
  CHECK(message->text("printer-name").empty());
  CHECK(message->text("printer-location") == "a??[2J??");
  CHECK_FALSE(message->boolean("media-col-ready"));
}

TEST_CASE("ipp: the keyword tells how bad it is, and the suffix only makes it worse") {
  struct Row {
    std::string reason;
    std::string code;
    Severity severity;
  };
  const std::vector<Row> rows{
      {"media-jam-report", "media-jam", Severity::fault},  // an idle ippeveprinter's
      {"media-jam-warning", "media-jam", Severity::fault},
      {"media-jam-error", "media-jam", Severity::fault},
      {"media-jam", "media-jam", Severity::fault},
      {"toner-low-report", "toner-low", Severity::warning},
      {"toner-low", "toner-low", Severity::warning},
      {"toner-low-error", "toner-low", Severity::fault},
      {"cover-open-report", "cover-open", Severity::fault},
      {"door-open-error", "door-open", Severity::fault},
      {"media-needed-error", "media-needed", Severity::fault},
      {"marker-waste-full-report", "marker-waste-full", Severity::fault},
      {"marker-waste-almost-full-report", "marker-waste-almost-full", Severity::warning},
      {"marker-supply-low-warning", "marker-supply-low", Severity::warning},
      {"opc-near-eol-report", "opc-near-eol", Severity::warning},
      {"output-area-full-warning", "output-area-full", Severity::fault},
      {"moving-to-paused", "paused", Severity::fault},
      {"timed-out", "printer-offline", Severity::fault},
      {"connecting-to-device", "connecting-to-device", Severity::warning},
      {"stopped-partly-report", "stopped-partly", Severity::warning},
      {"com.example.lid-ajar-warning", "printer-other", Severity::warning},
      {"com.example.lid-ajar-error", "printer-other", Severity::fault},
      {"disk-full-error", "printer-other", Severity::fault},  // a host's code, not a printer's
  };
  for (const auto& row : rows) {
    CAPTURE(row.reason);
    const auto status = polled(reasons({row.reason}));
    REQUIRE(codes_of(status) == Texts{row.code});
    CHECK(status.conditions[0].severity == row.severity);
    // Without the suffix: that changes with the printer's state.
    CHECK(row.reason.starts_with(status.conditions[0].vendor_code));
    CHECK_FALSE(status.conditions[0].vendor_code.ends_with("-report"));
  }
}

TEST_CASE("ipp: reasons that are none, or for information only, are no conditions") {
  for (const auto* reason : {"none", "stopping", "cups-waiting-for-job-completed-report", ""}) {
    CAPTURE(reason);
    const auto status = polled(reasons({reason}));
    CHECK(codes_of(status) ==
          (std::string_view{reason}.empty() ? Texts{"printer-other"} : Texts{}));
  }
}

TEST_CASE("ipp: a printer that sleeps is well, one that is switched off or holds jobs is not") {
  for (const auto* const sleeps : {"hibernate", "standby", "suspend", "resuming", "power-up"}) {
    CAPTURE(sleeps);
    CHECK(wire::health_of(polled(reasons({sleeps}))) == Health::ok);
  }
  auto status = polled(reasons({"power-down"}));
  CHECK(codes_of(status) == std::vector<std::string>{"printer-offline"});
  CHECK(status.device == DeviceState::power_off);
  status = polled(reasons({"hold-new-jobs"}));
  CHECK(codes_of(status) == std::vector<std::string>{"paused"});
  CHECK(status.conditions[0].vendor_code == "hold-new-jobs");
}

TEST_CASE("ipp: several reasons at once, the greater one for the lesser, each code once") {
  const auto status =
      polled(reasons({"media-low-warning", "media-empty-error", "media-empty-report",
                      "toner-low-report", "a-warning", "b-error"},
                     5));
  CHECK(codes_of(status) == Texts{"printer-other", "media-empty", "toner-low"});
  CHECK(condition_of(status, "printer-other")->vendor_code == "a b");
  CHECK(condition_of(status, "printer-other")->severity == Severity::fault);
}

TEST_CASE("ipp: printer-state and what stands behind it") {
  struct Row {
    std::int32_t state;
    Texts reasons;
    DeviceState device;
    Texts codes;
    Health health;
  };
  const std::vector<Row> rows{
      {3, {"none"}, DeviceState::online, {}, Health::ok},
      {4, {"none"}, DeviceState::device_busy, {}, Health::busy},
      {4, {"toner-low-warning"}, DeviceState::device_busy, {"toner-low"}, Health::warning},
      {5, {"media-jam-error"}, DeviceState::online, {"media-jam"}, Health::fault},
      {5, {"paused"}, DeviceState::online, {"paused"}, Health::fault},
      {5, {"none"}, DeviceState::online, {"printer-stopped"}, Health::fault},
      {5,
       {"toner-low-report"},
       DeviceState::online,
       {"toner-low", "printer-stopped"},
       Health::fault},
      {5, {"shutdown"}, DeviceState::power_off, {"printer-offline"}, Health::fault},
      {5, {"timed-out-error"}, DeviceState::offline, {"printer-offline"}, Health::fault},
      {5,
       {"fuser-over-temp-error"},
       DeviceState::hardware_error,
       {"fuser-over-temp"},
       Health::fault},
      {9, {"none"}, DeviceState::unknown, {}, Health::unknown},
  };
  for (const auto& row : rows) {
    CAPTURE(row.state);
    CAPTURE(row.reasons[0]);
    const auto status = polled(reasons(row.reasons, row.state));
    CHECK(status.device == row.device);
    CHECK(codes_of(status) == row.codes);
    CHECK(wire::health_of(status) == row.health);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
  }
  auto rejecting = reasons({"none"});
  rejecting.attributes["printer-is-accepting-jobs"] = false;
  CHECK(codes_of(polled(rejecting)) == Texts{"not-accepting-jobs"});
  rejecting.attributes["printer-state-reasons"] = Texts{"paused"};
  CHECK(codes_of(polled(rejecting)) == Texts{"paused"});
}

TEST_CASE("ipp: alerts name what the reasons do not, without what changes by itself") {
  auto says = reasons({"other-error"}, 5);
  says.attributes["printer-alert"] =
      Texts{"code=markerFuserOverTemperature;severity=critical;time=123",
            "code=unknown;index=7;time=124", "severity=warning"};
  const auto status = polled(says);
  CHECK(condition_of(status, "printer-other")->detail == "markerFuserOverTemperature, unknown");
}

TEST_CASE("ipp: each supply has a type of its own") {
  Says says;
  says.attributes["printer-supply"] =
      Texts{supply(consumed, "other", 97),         supply(consumed, "other", 45),
            supply(consumed, "transferUnit", 80),  supply(consumed, "toner", 75, "cyan"),
            supply(consumed, "toner", 70, "cyan"), supply(consumed, "transferUnit", 60)};
  const auto status = polled(says);
  CHECK(consumable(status, "other").percent == 97.0);
  CHECK(consumable(status, "other_2").percent == 45.0);
  CHECK(consumable(status, "transfer_unit").percent == 80.0);
  CHECK(consumable(status, "transfer_unit_2").percent == 60.0);
  CHECK(consumable(status, "toner_cyan").percent == 75.0);
  CHECK(consumable(status, "toner_cyan_2").percent == 70.0);
}

TEST_CASE("ipp: supplies of either family, of both, and of none") {
  Says says;
  SUBCASE("printer-supply alone, as ippeveprinter has it") {
    says.attributes["printer-supply"] =
        Texts{supply(filled, "wasteToner", 25) + ";", supply(consumed, "toner", 75, "black")};
  }
  SUBCASE("marker-* alone, as CUPS has it") {
    says.attributes["marker-names"] = Texts{"Black Toner", "Waste Toner"};
    says.attributes["marker-types"] = Texts{"toner", "waste-toner"};
    says.attributes["marker-colors"] = Texts{"#000000", "none"};
    says.attributes["marker-levels"] = Numbers{75, 25};
  }
  SUBCASE("both, in different orders and not of one mind") {
    says.attributes["printer-supply"] =
        Texts{supply(filled, "wasteToner", 25) + ";", supply(consumed, "toner", 75, "black")};
    says.attributes["marker-names"] = Texts{"Black Toner", "Waste Toner"};
    says.attributes["marker-types"] = Texts{"toner-cartridge", "wasteToner"};
    says.attributes["marker-levels"] = Numbers{70, -3};
    says.attributes["marker-low-levels"] = Numbers{10, 0};
    CHECK(consumable(polled(says), "toner").warning_level == 10.0);
  }
  const auto status = polled(says);
  CHECK(status.consumables.size() == 3);  // and paper
  const auto toner = consumable(status, "toner");
  CHECK(toner.percent == 75.0);
  CHECK(toner.available == 75.0);
  CHECK(toner.unit == "percent");
  CHECK(toner.source == LevelSource::measured);
  CHECK(toner.state == ConsumableState::full);
  CHECK(toner.direction == wire::Direction::supply);
  const auto waste = consumable(status, "waste_toner");
  CHECK(waste.direction == wire::Direction::bin);
  CHECK(waste.percent == 25.0);
  CHECK(waste.state == ConsumableState::ok);
  CHECK(wire::health_of(status) == Health::ok);

  CHECK(polled({}).consumables.size() == 1);
}

TEST_CASE("ipp: a level that is none stays unknown") {
  struct Row {
    int level;
    ConsumableState state;
  };
  for (const auto& row : {Row{-1, ConsumableState::unknown}, Row{-2, ConsumableState::unknown},
                          Row{-3, ConsumableState::full}}) {
    CAPTURE(row.level);
    Says by_supply;
    by_supply.attributes["printer-supply"] = Texts{supply(consumed, "toner", row.level, "black")};
    Says by_marker;
    by_marker.attributes["marker-types"] = Texts{"toner"};
    by_marker.attributes["marker-levels"] = Numbers{row.level};
    for (const auto& says : {by_supply, by_marker}) {
      const auto toner = consumable(polled(says), "toner");
      CHECK_FALSE(toner.percent);
      CHECK_FALSE(toner.available);
      CHECK(toner.state == row.state);
      CHECK(toner.source == LevelSource::flag);
    }
  }
  // Not in percent, and no capacity to make one of.
  Says grams;
  grams.attributes["printer-supply"] =
      Texts{supply(consumed, "toner", 40, "black", -2, "tenthsOfGrams")};
  CHECK_FALSE(consumable(polled(grams), "toner").percent);
  grams.attributes["printer-supply"] =
      Texts{supply(consumed, "toner", 40, "black", 160, "tenthsOfGrams")};
  CHECK(consumable(polled(grams), "toner").percent == 25.0);
}

TEST_CASE("ipp: a receptacle is never full by its level, only by the printer's word") {
  Says says;
  says.attributes["printer-supply"] = Texts{supply(filled, "wasteToner", 95)};
  auto status = polled(says);
  CHECK(status.conditions.empty());
  CHECK(consumable(status, "waste_toner").state == ConsumableState::ok);
  says.attributes["printer-supply"] = Texts{supply(filled, "wasteToner", 0)};
  CHECK(wire::health_of(polled(says)) == Health::ok);

  says.attributes["printer-supply-description"] = Texts{"Toner Waste Tank"};
  says.attributes["printer-state-reasons"] = Texts{"marker-waste-almost-full-report"};
  status = polled(says);
  CHECK(consumable(status, "waste_toner").state == ConsumableState::high);
  CHECK(condition_of(status, "marker-waste-almost-full")->detail == "Toner Waste Tank");
  CHECK(wire::health_of(status) == Health::warning);
  says.attributes["printer-state-reasons"] = Texts{"marker-waste-full-report"};
  CHECK(consumable(polled(says), "waste_toner").state == ConsumableState::full);
}

TEST_CASE("ipp: toner is low by flag, by the printer's own level or by the operator's") {
  Says says;
  says.attributes["marker-names"] = Texts{"Black Toner"};
  says.attributes["marker-types"] = Texts{"toner"};
  says.attributes["marker-levels"] = Numbers{14};
  CHECK(consumable(polled(says), "toner").state == ConsumableState::full);
  CHECK(consumable(polled(says, {{"toner_warning_percent", "20"}}), "toner").state ==
        ConsumableState::low);
  CHECK(consumable(polled(says, {{"toner_warning_percent", "20"}}), "toner").warning_level == 20.0);
  says.attributes["marker-low-levels"] = Numbers{15};
  auto status = polled(says);
  CHECK(consumable(status, "toner").state == ConsumableState::low);
  CHECK(status.conditions.empty());  // a condition is the printer's word
  CHECK(wire::health_of(status) == Health::warning);

  says.attributes["printer-state-reasons"] = Texts{"toner-low-report"};
  CHECK(condition_of(polled(says), "toner-low")->detail == "Black Toner");
  says.attributes["printer-state-reasons"] = Texts{"toner-empty-report"};
  status = polled(says);
  CHECK(consumable(status, "toner").state == ConsumableState::out);
  CHECK(consumable(status, "toner").percent == 0.0);
  CHECK(condition_of(status, "toner-empty")->detail == "Black Toner");
}

TEST_CASE("ipp: the toner that is meant among four") {
  Says says;
  says.attributes["marker-names"] = Texts{"C", "M", "Y", "K"};
  says.attributes["marker-types"] = Texts{"toner", "toner", "toner", "toner"};
  says.attributes["marker-colors"] = Texts{"#00FFFF", "#FF00FF", "#FFFF00", "#000000"};
  says.attributes["marker-levels"] = Numbers{40, 8, 60, 70};
  says.attributes["printer-state-reasons"] = Texts{"toner-low-warning"};
  auto status = polled(says);
  CHECK(consumable(status, "toner_cyan").state == ConsumableState::full);
  CHECK(consumable(status, "toner_magenta").state == ConsumableState::low);
  CHECK(consumable(status, "toner_yellow").state == ConsumableState::full);
  CHECK(consumable(status, "toner").state == ConsumableState::full);
  CHECK(condition_of(status, "toner-low")->detail == "M");
  says.attributes["marker-low-levels"] = Numbers{50, 50, 10, 10};
  status = polled(says);
  CHECK(condition_of(status, "toner-low")->detail == "C, M");

  // Of two that are low only the lower is empty.
  says.attributes["printer-state-reasons"] = Texts{"toner-empty-error"};
  status = polled(says);
  CHECK(consumable(status, "toner_magenta").state == ConsumableState::out);
  CHECK(consumable(status, "toner_magenta").percent == 0.0);
  CHECK(consumable(status, "toner_cyan").state == ConsumableState::low);
  CHECK(consumable(status, "toner_cyan").percent == 40.0);
  CHECK(condition_of(status, "toner-empty")->detail == "M");
}

TEST_CASE("ipp: the supply that is meant, where the printer says no more than supply") {
  Says says;
  says.attributes["marker-names"] = Texts{"Toner", "Drum", "Waste"};
  says.attributes["marker-types"] = Texts{"toner", "opc", "waste-toner"};
  says.attributes["marker-levels"] = Numbers{50, 4, 1};
  says.attributes["printer-state-reasons"] = Texts{"marker-supply-low-warning"};
  auto status = polled(says);
  CHECK(consumable(status, "toner").state == ConsumableState::full);
  CHECK(consumable(status, "drum").state == ConsumableState::low);
  CHECK(condition_of(status, "marker-supply-low")->detail == "Drum");
  says.attributes["marker-levels"] = Numbers{2, 4, 1};
  says.attributes["printer-state-reasons"] = Texts{"marker-supply-empty-error"};
  status = polled(says);
  CHECK(consumable(status, "toner").state == ConsumableState::out);
  CHECK(consumable(status, "drum").state == ConsumableState::full);
  CHECK(consumable(status, "waste_toner").state == ConsumableState::ok);
  CHECK(condition_of(status, "marker-supply-empty")->detail == "Toner");
}

TEST_CASE("ipp: paper in its trays, with flags over what is counted") {
  const std::string main =
      "type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;maxcapacity=250;level=";
  Says says;
  says.attributes["printer-input-tray"] = Texts{
      "type=sheetFeedAutoRemovableTray;mediafeed=0;mediaxfeed=0;maxcapacity=-2;level=-2;"
      "status=0;name=auto",
      main + "100;status=0;name=main;"};
  auto paper = consumable(polled(says), "a4_paper");
  CHECK(paper.available == 100.0);
  CHECK(paper.capacity == 250.0);
  CHECK(paper.percent == 40.0);
  CHECK(paper.unit == "sheets");
  CHECK(paper.state == ConsumableState::full);
  CHECK(paper.source == LevelSource::measured);
  paper = consumable(polled(says, {{"paper_warning_sheets", "100"}}), "a4_paper");
  CHECK(paper.state == ConsumableState::low);
  CHECK(paper.warning_level == 100.0);

  says.attributes["printer-state-reasons"] = Texts{"media-low-report"};
  CHECK(consumable(polled(says), "a4_paper").state == ConsumableState::low);
  // "At least one tray is empty": another has paper.
  says.attributes["printer-state-reasons"] = Texts{"media-empty-report"};
  paper = consumable(polled(says), "a4_paper");
  CHECK(paper.state == ConsumableState::low);
  CHECK(paper.available == 100.0);
  says.attributes["printer-input-tray"] = Texts{main + "0;name=main"};
  auto status = polled(says);
  CHECK(consumable(status, "a4_paper").state == ConsumableState::out);
  CHECK(consumable(status, "a4_paper").available == 0.0);
  CHECK(condition_of(status, "media-empty")->detail == "main");

  // One tray is empty, another has some and does not say how much.
  says.attributes["printer-input-tray"] = Texts{main + "0;name=main", main + "-3;name=lower"};
  status = polled(says);
  CHECK(consumable(status, "a4_paper").state == ConsumableState::low);
  CHECK_FALSE(consumable(status, "a4_paper").available);

  // Flags only, and no size.
  paper = consumable(polled(reasons({"media-empty"})), "paper");
  CHECK(paper.state == ConsumableState::out);
  CHECK(paper.source == LevelSource::flag);
  CHECK_FALSE(consumable(polled({}), "paper").available);
  // Every printer gives its reasons: that none is about paper does not mean that it watches any.
  CHECK(consumable(polled({}), "paper").state == ConsumableState::unknown);
  Says nothing;
  nothing.attributes.erase("printer-state-reasons");
  CHECK(consumable(polled(nothing), "paper").state == ConsumableState::unknown);
  Says ready;
  ready.attributes["media-ready"] = Texts{"na_letter_8.5x11in", "iso_a4_210x297mm"};
  CHECK(consumable(polled(ready), "a4_paper").state == ConsumableState::full);
}

TEST_CASE("ipp: what a tray does not count in sheets, or at all, is no figure") {
  const std::string tray = "type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;";
  const auto paper_of = [](Texts trays, Texts because = {"none"}) {
    auto says = reasons(std::move(because));
    says.attributes["printer-input-tray"] = std::move(trays);
    return consumable(polled(says), "a4_paper");
  };
  auto paper = paper_of({tray + "unit=percent;maxcapacity=100;level=50;name=Tray 1"});
  CHECK_FALSE(paper.available);
  CHECK_FALSE(paper.capacity);
  CHECK(paper.source == LevelSource::flag);
  CHECK(paper.state == ConsumableState::full);
  CHECK(paper_of({tray + "unit=sheets;maxcapacity=100;level=50;name=Tray 1"}).available == 50.0);

  // A slot for single sheets counts for nothing.
  const std::string slot = "type=sheetFeedManual;maxcapacity=1;level=0;name=Bypass";
  paper = paper_of({slot, tray + "maxcapacity=250;level=-2;name=Tray 1"});
  CHECK_FALSE(paper.available);
  CHECK(paper.source == LevelSource::flag);
  paper = paper_of({slot, tray + "maxcapacity=250;level=-2;name=Tray 1"}, {"media-empty-report"});
  CHECK(paper.state == ConsumableState::low);
  CHECK_FALSE(paper.available);
  CHECK(paper_of({slot, tray + "maxcapacity=250;level=30;name=Tray 1"}).capacity == 250.0);

  // As ippeveprinter has them: only one of its trays is a tray that counts.
  paper =
      paper_of({"type=sheetFeedAutoRemovableTray;maxcapacity=-2;level=-2;name=auto",
                tray + "maxcapacity=250;level=100;name=main",
                "type=sheetFeedManual;maxcapacity=1;level=-2;name=manual",
                "type=sheetFeedAutoNonRemovableTray;maxcapacity=25;level=-2;name=by-pass-tray"});
  CHECK(paper.available == 100.0);
  CHECK(paper.capacity == 250.0);

  // A tray that tells nothing is not one that has none.
  const auto unknown = tray + "maxcapacity=500;level=-2;name=Tray 2";
  paper = paper_of({tray + "maxcapacity=250;level=100;name=Tray 1", unknown});
  CHECK_FALSE(paper.available);
  CHECK(paper.state == ConsumableState::full);
  paper = paper_of({tray + "maxcapacity=250;level=0;name=Tray 1", unknown}, {"media-empty"});
  CHECK_FALSE(paper.available);
  CHECK(paper.state == ConsumableState::low);
  CHECK(paper_of({unknown}, {"media-empty"}).state == ConsumableState::out);
}

TEST_CASE("ipp: a supply that is counted in pages keeps them") {
  Says says;
  says.attributes["printer-supply"] =
      Texts{supply(consumed, "toner", 1500, "black", -2, "impressions")};
  const auto toner = consumable(polled(says), "toner");
  CHECK(toner.available == 1500.0);
  CHECK(toner.unit == "pages");
  CHECK_FALSE(toner.percent);
  CHECK(toner.source == LevelSource::measured);
  CHECK(toner.state == ConsumableState::full);
}

TEST_CASE("ipp: identity and counters") {
  Says says;
  says.attributes["printer-make-and-model"] = Texts{"HP LaserJet 400 M401dn"};
  says.attributes["printer-uuid"] = Texts{"urn:uuid:12345678-9abc-def0-1234-56789abcdef0"};
  says.attributes["printer-impressions-completed"] = Numbers{4321};
  says.attributes["printer-up-time"] = Numbers{77};
  says.attributes["queued-job-count"] = Numbers{-2};
  auto status = polled(says);
  CHECK(status.identity ==
        wire::Identity{"", "HP LaserJet 400 M401dn", "12345678-9abc-def0-1234-56789abcdef0", ""});
  CHECK(status.measurements ==
        std::vector<wire::Measurement>{{"printed_impressions", 4321}, {"uptime_seconds", 77}});
  says.attributes["printer-device-id"] =
      Texts{"MFG:HP; MDL:LaserJet 400;CMD:PCL,PDF;SN:CNB1234567"};
  says.attributes["printer-firmware-string-version"] = Texts{"20240105", "1.0"};
  status = polled(says);
  CHECK(status.identity == wire::Identity{"HP", "LaserJet 400", "CNB1234567", "20240105"});
  says.attributes["printer-device-id"] = Texts{"MANUFACTURER:HP;"};
  CHECK(polled(says).identity.model == "LaserJet 400 M401dn");
}

TEST_CASE("ipp: two polls that differ in counters only are the same state") {
  Printer printer;
  printer.says = reasons({"other-warning", "media-low", "cover-open"});
  printer.says.attributes["printer-alert"] = Texts{"code=unknown;time=1"};
  printer.says.attributes["printer-up-time"] = Numbers{1};
  const auto before = printer.polled();
  printer.says.attributes["printer-state-reasons"] =
      Texts{"cover-open-report", "other-warning", "media-low-report"};
  printer.says.attributes["printer-alert"] = Texts{"code=unknown;time=2"};
  printer.says.attributes["printer-up-time"] = Numbers{2};
  const auto after = printer.poll();
  REQUIRE(bool(after));
  CHECK(wire::same_state(before, *after));
}

TEST_CASE("ipp: a printer that knows no 2.0 is asked with 1.1, and not asked twice again") {
  Printer printer;
  std::vector<int> versions;
  printer.http.device->device = [&](const Bytes& request) {
    const auto body = body_of(request);
    versions.push_back(body[0] * 10 + body[1]);
    const bool old = body[0] == 1;
    printer.http.device->arrive(
        http_answer(ok, printer.says.bytes(id_of(request), old ? 0 : 0x0503, 1)));
  };
  CHECK(printer.polled().device == DeviceState::online);
  CHECK(bool(printer.poll()));
  CHECK(versions == std::vector<int>{20, 11, 11, 11});
  // One that knows neither is not asked for ever.
  printer.http.device->device = [&](const Bytes& request) {
    printer.http.device->arrive(http_answer(ok, printer.says.bytes(id_of(request), 0x0503, 1)));
  };
  CHECK(printer.poll().error().code() == Errc::refused);
}

TEST_CASE("ipp: what is no status is an error with its reason") {
  struct Row {
    const char* what;
    std::string head;
    std::uint16_t status;
    Errc open;
    Errc poll;
  };
  const std::string good{ok};
  const std::vector<Row> rows{
      {"HTTP status 405", "HTTP/1.1 405 Method Not Allowed\r\n", 0, Errc::refused, Errc::refused},
      {"HTTP status 500", "HTTP/1.1 500 Oops\r\n", 0, Errc::refused, Errc::garbled},
      {"the answer is \"text/html\"", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", 0,
       Errc::refused, Errc::garbled},
      {"server-error-operation-not-supported", good, 0x0501, Errc::refused, Errc::refused},
      {"server-error-internal-error", good, 0x0500, Errc::refused, Errc::garbled},
      {"IPP status 0x04ff", good, 0x04ff, Errc::refused, Errc::refused},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Printer printer;
    REQUIRE(bool(printer.open()));
    printer.http.device->device = [&](const Bytes& request) {
      printer.http.device->arrive(
          http_answer(row.head, printer.says.bytes(id_of(request), row.status)));
    };
    const auto status = printer.poll();
    REQUIRE_FALSE(bool(status));
    CHECK_MESSAGE(status.error().code() == row.poll, status.error().text());
    CHECK_MESSAGE(status.error().text().find(row.what) != std::string::npos, status.error().text());
    CHECK(printer.open().error().code() == row.open);
  }
}

TEST_CASE("ipp: a printer that tells why it tells nothing is no other device and not in use") {
  struct Row {
    std::string what;
    std::string head;
    std::uint16_t status;
    std::string code;
    DeviceState device;
    Health health;
  };
  const std::string good{ok};
  const std::string mistake = "bad-configuration";
  const std::string busy = "printer-too-busy";
  using enum DeviceState;
  for (const auto& row : std::vector<Row>{
           {"HTTP status 401: the printer wants a login", "HTTP/1.1 401 Unauthorized\r\n", 0,
            mistake, unknown, Health::unknown},
           {"HTTP status 403: the printer wants a login", "HTTP/1.1 403 Forbidden\r\n", 0, mistake,
            unknown, Health::unknown},
           {"correct the path in port, often /ipp/print", "HTTP/1.1 404 Not Found\r\n", 0, mistake,
            no_device, Health::fault},
           {"the printer wants TLS", "HTTP/1.1 426 Upgrade Required\r\n", 0, mistake, unknown,
            Health::unknown},
           {"client-error-not-found: no printer at this path", good, 0x0406, mistake, no_device,
            Health::fault},
           {"client-error-not-authenticated", good, 0x0402, mistake, unknown, Health::unknown},
           {"HTTP status 503", "HTTP/1.1 503 Busy\r\n", 0, busy, device_busy, Health::warning},
           {"server-error-busy", good, 0x0507, busy, device_busy, Health::warning},
           {"server-error-service-unavailable", good, 0x0502, busy, device_busy,
            Health::warning}}) {
    CAPTURE(row.what);
    Printer printer;
    const auto answering = printer.http.device->device;
    printer.http.device->device = [&](const Bytes& request) {
      printer.http.device->arrive(
          http_answer(row.head, printer.says.bytes(id_of(request), row.status)));
    };
    const auto status = printer.polled();
    REQUIRE(codes_of(status) == std::vector<std::string>{row.code});
    const auto& condition = status.conditions[0];
    CHECK_MESSAGE((condition.detail + condition.vendor_code).find(row.what) != std::string::npos,
                  condition.detail);
    CHECK(status.device == row.device);
    CHECK(wire::health_of(status) == row.health);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
    CHECK(status.consumables.empty());
    // It ends by itself.
    printer.http.device->device = answering;
    const auto later = printer.poll();
    REQUIRE(bool(later));
    CHECK(later->conditions.empty());
  }
}

TEST_CASE("ipp: answers to another request, without a state or of too many words") {
  Printer printer;
  REQUIRE(bool(printer.open()));
  printer.http.device->device = [&](const Bytes& request) {
    printer.http.device->arrive(http_answer(ok, printer.says.bytes(id_of(request) + 1)));
  };
  CHECK(printer.poll().error().code() == Errc::garbled);

  Printer stateless;
  stateless.says.attributes.erase("printer-state");
  CHECK(stateless.open().error().code() == Errc::refused);

  Says many = reasons({});
  Texts& list = std::get<Texts>(many.attributes["printer-state-reasons"]);
  Texts supplies;
  for (int i = 0; i < 1000; ++i) {
    list.push_back(fmt::format("reason-{}-error", i));
    supplies.push_back(supply(consumed, "toner", i % 100));
  }
  many.attributes["printer-supply"] = supplies;
  const auto status = polled(many);
  CHECK(status.conditions.size() == 1);
  CHECK(status.conditions[0].vendor_code.size() < 1000);
  CHECK(status.consumables.size() <= 32);
}

TEST_CASE("ipp: neither a silent nor a slow printer holds a call past its deadline") {
  Printer printer;
  REQUIRE(bool(printer.open()));
  printer.http.device->device = [](const Bytes&) {};
  const auto deadline = printer.http.within(milliseconds{700});
  CHECK(printer.driver->poll(deadline).error().code() == Errc::timeout);
  CHECK(printer.http.device->now() == deadline);
  printer.http.device->device = [&](const Bytes& request) {
    const auto answer = http_answer(ok, printer.says.bytes(id_of(request)));
    Duration after{};
    for (const auto byte : answer) printer.http.device->arrive({byte}, after += milliseconds{20});
  };
  CHECK(printer.poll().error().code() == Errc::timeout);
}

TEST_CASE("ipp: needs an ipp port, an open, and tests nothing") {
  FakePort bytes;
  Printer printer;
  CHECK(printer.driver->open(bytes, bytes.now() + seconds{1}).error().code() == Errc::unsupported);
  CHECK(printer.poll().error().code() == Errc::disconnected);
  REQUIRE(bool(printer.open()));
  CHECK(printer.driver->self_test("print", printer.http.within(seconds{1})).error().code() ==
        Errc::unsupported);
  printer.driver->close();
  CHECK(printer.poll().error().code() == Errc::disconnected);
}

}  // namespace kw::drivers
