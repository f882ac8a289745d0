#include "drivers/driver.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "drivers/laser_printer/pjl/status.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ConsumableState;
using wire::DeviceState;
using wire::Health;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

constexpr std::string_view ready =
    "@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY=\"00 READY\"\r\nONLINE=TRUE\r\n\f";

/// A printer that answers what is asked of it with these words.
struct Printer {
  FakePort port;
  std::unique_ptr<Driver> driver;
  std::string status{ready};
  std::string id = "@PJL INFO ID\r\n\"LASERJET P2055\"\r\n\f";
  std::string before;  ///< what stands in front of every echo

  explicit Printer(const Given& settings = {}) {
    port.device = [this](const Bytes& request) { port.arrive(bytes(reply_to(request))); };
    auto made = make_driver("pjl", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
  }

  std::string reply_to(const Bytes& request) const {
    const std::string text{request.begin(), request.end()};
    const auto echo = text.find("@PJL ECHO ");
    auto said = before + text.substr(echo, text.find("\r\n", echo) - echo) + "\r\n\f";
    if (text.find("INFO STATUS") != std::string::npos) said += status;
    if (text.find("INFO ID") != std::string::npos) said += id;
    return said;
  }

  MonoTime within(Duration d) const { return port.now() + d; }
  Result<void> open() { return driver->open(port, within(seconds{2})); }

  wire::Status polled() {
    const auto opened = open();
    REQUIRE_MESSAGE(bool(opened), opened.error().text());
    auto polled = driver->poll(within(seconds{2}));
    REQUIRE_MESSAGE(bool(polled), polled.error().text());
    return std::move(*polled);
  }
};

wire::Status saying(std::string_view status) {
  Printer printer;
  printer.status = status;
  return printer.polled();
}

using Codes = std::vector<std::string>;

std::string coded(int code, std::string_view display = "", bool online = true) {
  return "@PJL INFO STATUS\r\nCODE=" + std::to_string(code) + "\r\nDISPLAY=\"" +
         std::string{display} + "\"\r\nONLINE=" + (online ? "TRUE" : "FALSE") + "\r\n\f";
}

}  // namespace

TEST_CASE("pjl: what is sent is a question between two exits, and no job") {
  Printer printer{{{"identify", "false"}}};
  printer.polled();
  REQUIRE(printer.port.written().size() == 1);
  const auto& request = printer.port.written()[0];
  const std::string text{request.begin(), request.end()};
  CHECK(text.starts_with("\x1b%-12345X@PJL \r\n@PJL ECHO KIOSKWATCH "));
  CHECK(text.ends_with("\r\n@PJL INFO STATUS\r\n\x1b%-12345X"));
  CHECK(text.find("USTATUS") == std::string::npos);
  CHECK(text.find("ENTER") == std::string::npos);
}

TEST_CASE("pjl: a ready printer, and who it is") {
  const auto status = Printer{}.polled();
  CHECK(wire::health_of(status) == Health::ok);
  CHECK(status.device == DeviceState::online);
  CHECK(status.conditions.empty());
  CHECK(status.identity.model == "LASERJET P2055");
  REQUIRE(status.consumables.size() == 2);
  CHECK(status.consumables[0].type == "toner");
  CHECK_FALSE(status.consumables[0].percent);
  CHECK(status.consumables[0].source == wire::LevelSource::flag);
  Printer mute;
  mute.id.clear();
  CHECK(mute.polled().identity.model.empty());
  mute.id = "@PJL INFO ID\r\n\"?\"\r\n\f";
  mute.port.pass(seconds{61});
  CHECK(mute.polled().identity.model.empty());
}

TEST_CASE("pjl: makers' own forms of the same") {
  // HP, Panasonic KX-P7200 (no line end before the form feed), Brother HL-1440 (apostrophes).
  CHECK(codes_of(saying("@PJL INFO STATUS\r\nCODE=10006\r\nDISPLAY=\"16 TONER LOW\"\r\nONLINE=TRUE"
                        "\r\n\f")) == Codes{"toner-low"});
  const auto jam =
      saying("@PJL INFO STATUS\r\nCODE=40022\r\nDISPLAY=\"ERROR:PAPER JAM\"\r\nONLINE=FALSE\f");
  CHECK(codes_of(jam) == Codes{"media-jam"});
  CHECK(jam.media == wire::Media::jammed);
  CHECK(codes_of(
            saying("@PJL INFO STATUS\nCODE=40021\nDISPLAY='12 COVER OPEN '\nONLINE=FALSE\n\f")) ==
        Codes{"cover-open"});
  CHECK(codes_of(
            saying("@PJL  INFO  STATUS \r\n code = 40021\r\nTIME=\"x\"\r\nonline = false\r\n\f")) ==
        Codes{"cover-open"});
  // Several at once; no word on being on-line.
  CHECK(codes_of(saying("@PJL INFO STATUS\r\nCODE=10006\r\nCODE2=41002\r\n\f")) ==
        Codes{"toner-low", "media-empty"});
}

TEST_CASE("pjl: several values in a line, and the words of the protocol on the panel") {
  const std::vector<std::pair<std::string, Codes>> rows{
      {"@PJL INFO STATUS\r\nCODE=40022 DISPLAY=\"ERROR:PAPER JAM\" ONLINE=FALSE\f", {"media-jam"}},
      {"@PJL INFO STATUS CODE=40021 DISPLAY='12 COVER OPEN ' ONLINE=FALSE\r\n\f", {"cover-open"}},
      {"@PJL INFO STATUS\r\nONLINE=FALSE CODE = 10002\tDISPLAY=OFF LINE\f", {"printer-offline"}},
      {"@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY=\"SEND @PJL JOB\"\r\nONLINE=TRUE\r\n\f", {}},
      {"@PJL INFO STATUS\r\nDISPLAY=\"@PJL ONLINE=FALSE CODE=40022\" CODE=10001 ONLINE=TRUE\f", {}},
      {"@PJL INFO STATUS\r\nDISPLAY=\"SAY \"HELLO\" NOW\" CODE=10006\r\n\f", {"toner-low"}},
      {"@PJL INFO STATUS\r\nDISPLAY=\"DON'T OPEN\" CODE=10006\r\n\f", {"toner-low"}},
  };
  for (const auto& [text, codes] : rows) {
    CAPTURE(text);
    CHECK(codes_of(saying(text)) == codes);
  }
  const auto block = pjl::read_block(rows[5].first.substr(0, rows[5].first.size() - 1));
  REQUIRE(bool(block));
  CHECK(block->head == "INFO STATUS");
  const auto status = pjl::read_status(*block);
  REQUIRE(bool(status));
  CHECK(status->display == "SAY \"HELLO\" NOW");
  // What is left of a job stands in front of an answer, with quotes that do not close.
  const auto behind = pjl::read_block("x=\"1 @PJL@PJL INFO STATUS\r\nCODE=10001");
  CHECK(bool(pjl::read_block("it's @PJL INFO STATUS\r\nCODE=10001")));
  REQUIRE(bool(behind));
  CHECK(behind->head == "INFO STATUS");
}

TEST_CASE("pjl: codes, by themselves and by their range") {
  struct Row {
    int code;
    Codes codes;
    Health health;
    DeviceState state = DeviceState::online;
  };
  const std::vector<Row> rows{
      {10000, {}, Health::ok},
      {10001, {}, Health::ok},
      {10002, {"printer-offline"}, Health::fault, DeviceState::offline},
      {10003, {}, Health::busy, DeviceState::device_busy},
      {10006, {"toner-low"}, Health::warning},
      {10023, {}, Health::busy, DeviceState::device_busy},
      {10999, {}, Health::ok},
      {11102, {"media-low"}, Health::warning},
      {12202, {}, Health::ok},
      {15000, {"output-area-full"}, Health::fault},
      {20001, {}, Health::ok},
      {27001, {}, Health::ok},
      {30010, {"printer-other"}, Health::warning},
      {32000, {}, Health::ok},
      {35073, {"printer-other"}, Health::warning},
      {35078, {}, Health::ok},
      {40010, {"marker-supply-missing"}, Health::fault},
      {40021, {"cover-open"}, Health::fault},
      {40022, {"media-jam"}, Health::fault},
      {40099, {"printer-other"}, Health::fault},
      {41203, {"media-empty"}, Health::fault},
      {42202, {"media-jam"}, Health::fault},
      {43001, {"printer-other"}, Health::fault},
      {44001, {"media-jam"}, Health::fault},
      {50001, {"unrecoverable-error"}, Health::fault, DeviceState::hardware_error},
      {55001, {"printer-other"}, Health::fault},
      {99999, {"printer-other"}, Health::warning},
      {7, {"printer-other"}, Health::warning}};
  for (const auto& row : rows) {
    CAPTURE(row.code);
    const auto status = saying(coded(row.code));
    CHECK(codes_of(status) == row.codes);
    CHECK(wire::health_of(status) == row.health);
    CHECK(status.device == row.state);
    if (!row.codes.empty()) CHECK(status.conditions[0].vendor_code == std::to_string(row.code));
  }
  CHECK(codes_of(saying(coded(10001, "", false))) == Codes{"printer-offline"});
  CHECK(codes_of(saying(coded(40021, "", false))) == Codes{"cover-open"});
  // Lexmark's uses of two codes.
  CHECK(codes_of(saying(coded(10006, "84 PC Kit life warning"))) == Codes{"opc-near-eol"});
  CHECK(codes_of(saying(coded(10006, "80 Replace Fuser"))) == Codes{"marker-supply-low"});
  CHECK(codes_of(saying(coded(40021, "Defective Cartridge", false))) ==
        Codes{"marker-supply-missing"});
}

TEST_CASE("pjl: flags are what is known of toner and paper") {
  const auto state = [](int code, std::size_t item) {
    return saying(coded(code)).consumables.at(item).state;
  };
  CHECK(state(10001, 0) == ConsumableState::full);
  CHECK(state(10006, 0) == ConsumableState::low);
  CHECK(state(40010, 0) == ConsumableState::missing);
  CHECK(state(11102, 1) == ConsumableState::low);
  CHECK(state(41002, 1) == ConsumableState::out);
  CHECK(state(10001, 1) == ConsumableState::full);
  CHECK(state(10023, 0) == ConsumableState::full);
  // The one code that is told hides the others.
  for (const int code : {40021, 50001, 10002, 32000, 30010}) {
    CAPTURE(code);
    CHECK(state(code, 0) == ConsumableState::unknown);
    CHECK(state(code, 1) == ConsumableState::unknown);
    for (const auto& item : saying(coded(code)).consumables) {
      CHECK(item.source == wire::LevelSource::unknown);
    }
  }
  CHECK(state(40022, 0) == ConsumableState::unknown);
  CHECK(state(40022, 1) == ConsumableState::jammed);
  CHECK(state(10006, 1) == ConsumableState::unknown);
  CHECK(state(41002, 0) == ConsumableState::unknown);
}

TEST_CASE("pjl: what stands before the echo is nobody's answer") {
  Printer printer;
  const std::string old = coded(42202, "JAM", false);
  for (const std::string& before :
       {old, std::string{"job data @PJL"}, old + "@PJL ECHO KIOSKWATCH 1\r\n\f" + old,
        std::string{"@PJL USTATUS DEVICE\r\nCODE=40021\r\nONLINE=FALSE\r\n\f"},
        std::string("\x00\xff\f\f", 4)}) {
    CAPTURE(before);
    printer.before = before;
    CHECK(printer.polled().conditions.empty());
  }
  // Nor is a status that somebody else switched on, behind the echo.
  printer.before.clear();
  printer.status = "@PJL USTATUS DEVICE\r\nCODE=40021\r\nONLINE=FALSE\r\n\f" + std::string{ready};
  CHECK(printer.polled().conditions.empty());
}

TEST_CASE("pjl: answers in pieces, late or without end") {
  Printer printer;
  REQUIRE(bool(printer.open()));
  REQUIRE(bool(printer.driver->poll(printer.within(seconds{2}))));
  printer.port.device = [&](const Bytes& request) {
    const auto whole = printer.reply_to(request);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      printer.port.arrive(bytes(whole.substr(i, 1)), Duration{static_cast<int>(i) * 100});
    }
  };
  CHECK(bool(printer.driver->poll(printer.within(seconds{2}))));
  printer.port.device = [&](const Bytes& request) {
    printer.port.arrive(bytes(printer.reply_to(request)), seconds{3});
  };
  const auto start = printer.port.now();
  CHECK(printer.driver->poll(printer.within(seconds{2})).error().code() == Errc::timeout);
  CHECK(printer.port.now() - start <= seconds{2});
  // The late answer is there now, and the jam that it does not know of is told.
  printer.port.pass(seconds{2});
  printer.status = coded(42202, "", false);
  printer.port.device = [&](const Bytes& request) {
    printer.port.arrive(bytes(printer.reply_to(request)));
  };
  const auto status = printer.driver->poll(printer.within(seconds{2}));
  REQUIRE(bool(status));
  CHECK(codes_of(*status) == Codes{"media-jam"});
  printer.port.device = [&](const Bytes&) {
    for (int i = 0; i < 100; ++i) printer.port.arrive(Bytes(1000, 'x'));
  };
  CHECK(printer.driver->poll(printer.within(seconds{2})).error().code() == Errc::garbled);
}

TEST_CASE("pjl: what is no PJL printer is refused, and silence is a miss") {
  Printer other;
  other.port.device = [&](const Bytes&) { other.port.arrive(bytes("220 FTP server ready\r\n")); };
  auto opened = other.open();
  REQUIRE_FALSE(bool(opened));
  CHECK(opened.error().code() == Errc::refused);
  CHECK(other.driver->poll(other.within(seconds{1})).error().code() == Errc::disconnected);

  Printer vague;
  vague.status = "@PJL INFO STATUS\r\n\"?\"\r\n\f";
  CHECK(vague.open().error().code() == Errc::refused);

  Printer silent;
  silent.port.device = [](const Bytes&) {};
  CHECK(silent.open().error().code() == Errc::timeout);

  Printer gone;
  gone.port.cut();
  CHECK(gone.open().error().code() == Errc::disconnected);
  CHECK_FALSE(bool(Printer{}.driver->self_test("print", MonoTime{})));
}

TEST_CASE("pjl: no bytes crash the reader") {
  for (std::size_t cut = 0; cut <= ready.size(); ++cut) {
    const auto block = pjl::read_block(ready.substr(0, cut));
    const bool has_code = block && pjl::read_status(*block);
    CHECK(has_code == (cut >= ready.find("10001") + 1));
  }
  for (std::size_t at = 0; at < ready.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string text{ready};
      text[at] = static_cast<char>(value);
      const auto block = pjl::read_block(text);
      const auto status = block ? pjl::read_status(*block) : Result<pjl::Status>{block.error()};
      if (!status) CHECK(status.error().code() == Errc::garbled);
    }
  }
  CHECK_FALSE(bool(pjl::read_block("")));
  CHECK(pjl::read_block("@PJL")->head.empty());
  std::string endless = "@PJL INFO STATUS";
  for (int i = 0; i < 100; ++i) endless += "\nCODE=1";
  CHECK_FALSE(bool(pjl::read_block(endless)));
  for (const std::string_view bad : {"CODE=", "CODE=-1", "CODE=1x", "CODE=123456789012", "CODE"}) {
    CHECK_FALSE(bool(pjl::read_status({"INFO STATUS", {std::string{bad}}})));
  }
}

}  // namespace kw::drivers
