#include <array>
#include <string>

#include <doctest/doctest.h>

#include "drivers/profiles.hpp"
#include "drivers/receipt_printer/escpos/usb_class.hpp"
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

/// A printer that answers DLE EOT 1-4 with these four bytes, and what else it is told to.
struct Printer {
  std::array<std::uint8_t, 4> eot{0x12, 0x12, 0x12, 0x12};
  std::map<Bytes, Bytes> more;
  FakePort port;

  Printer() {
    port.device = [this](const Bytes& request) { answer(request); };
  }
  explicit Printer(std::array<std::uint8_t, 4> says) : Printer() { eot = says; }

  void answer(const Bytes& request) {
    if (request.size() == 3 && request[0] == 0x10 && request[1] == 0x04 && request[2] <= 4) {
      port.arrive({eot[request[2] - 1U]});
    } else if (const auto it = more.find(request); it != more.end()) {
      port.arrive(it->second);
    }
  }

  MonoTime within(Duration d) const { return port.now() + d; }
};

std::unique_ptr<Driver> driver_for(std::string_view model, Given more = {}) {
  more.emplace("model", model);
  auto driver = make_driver("escpos", more);
  REQUIRE(bool(driver));
  return std::move(*driver);
}

Result<wire::Status> status_of(Printer& printer, std::string_view model, const Given& more = {}) {
  const auto driver = driver_for(model, more);
  auto opened = driver->open(printer.port, printer.within(seconds{5}));
  if (!opened) return std::move(opened).error();
  return driver->poll(printer.within(seconds{5}));
}

wire::Status polled(Printer& printer, std::string_view model = "generic", const Given& more = {}) {
  auto status = status_of(printer, model, more);
  REQUIRE_MESSAGE(bool(status), status.error().text());
  return std::move(*status);
}

Bytes text_block(std::string_view text) {
  Bytes out{0x5f};
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
  return out;
}

ComponentState component(const wire::Status& status, std::string_view name) {
  for (const auto& c : status.components) {
    if (c.name == name) return c.state;
  }
  return ComponentState::unknown;
}

}  // namespace

TEST_CASE("escpos: every published reply is read as what it says") {
  struct Row {
    const char* what;
    std::array<std::uint8_t, 4> eot;
    std::vector<std::string> codes;
    std::vector<std::string> vendor_codes;
    DeviceState device;
    ConsumableState paper;
    Health health;
  };
  using Codes = std::vector<std::string>;
  const std::vector<Row> rows{
      {"ready",
       {0x12, 0x12, 0x12, 0x12},
       {},
       {},
       DeviceState::online,
       ConsumableState::full,
       Health::ok},
      {"ready, drawer pin high",
       {0x16, 0x12, 0x12, 0x12},
       {},
       {},
       DeviceState::online,
       ConsumableState::full,
       Health::ok},
      {"cover open",
       {0x1a, 0x16, 0x12, 0x12},
       Codes{"cover-open"},
       Codes{"EOT2=16"},
       DeviceState::online,
       ConsumableState::full,
       Health::fault},
      {"near end, still printing",
       {0x12, 0x12, 0x12, 0x1e},
       Codes{"media-low"},
       Codes{"EOT4=1e"},
       DeviceState::online,
       ConsumableState::low,
       Health::warning},
      {"paper end",
       {0x1a, 0x32, 0x12, 0x7e},
       Codes{"media-empty"},
       Codes{"EOT2=32 EOT4=7e"},
       DeviceState::online,
       ConsumableState::out,
       Health::fault},
      {"cutter error",
       {0x1a, 0x52, 0x1a, 0x12},
       Codes{"cutter-error"},
       Codes{"EOT3=1a"},
       DeviceState::hardware_error,
       ConsumableState::full,
       Health::fault},
      {"unrecoverable",
       {0x1a, 0x52, 0x32, 0x12},
       Codes{"unrecoverable-error"},
       Codes{"EOT3=32"},
       DeviceState::hardware_error,
       ConsumableState::full,
       Health::fault},
      {"head hot",
       {0x1a, 0x52, 0x52, 0x12},
       Codes{"head-overheated"},
       Codes{"EOT3=52"},
       DeviceState::online,
       ConsumableState::full,
       Health::warning},
      {"cutter and head",
       {0x1a, 0x52, 0x5a, 0x12},
       Codes{"cutter-error", "head-overheated"},
       Codes{"EOT3=5a", "EOT3=5a"},
       DeviceState::hardware_error,
       ConsumableState::full,
       Health::fault},
      {"one bit of each paper pair",
       {0x1a, 0x12, 0x12, 0x36},
       Codes{"media-empty"},
       Codes{"EOT4=36"},
       DeviceState::online,
       ConsumableState::out,
       Health::fault},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Printer printer{row.eot};
    const auto status = polled(printer);
    CHECK(codes_of(status) == row.codes);
    std::vector<std::string> vendor_codes;
    for (const auto& c : status.conditions) vendor_codes.push_back(c.vendor_code);
    CHECK(vendor_codes == row.vendor_codes);
    CHECK(status.device == row.device);
    CHECK(status.consumables.at(0).state == row.paper);
    CHECK(health_of(status) == row.health);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
  }
}

TEST_CASE("escpos: a printer off-line for no reason it can tell is off-line, and only then") {
  SUBCASE("nothing explains it") {
    Printer printer{{0x1a, 0x12, 0x12, 0x12}};
    const auto status = polled(printer);
    CHECK(codes_of(status) == std::vector<std::string>{"printer-offline"});
    CHECK(status.device == DeviceState::offline);
  }
  SUBCASE("low paper does not explain it") {
    Printer printer{{0x1a, 0x12, 0x12, 0x1e}};
    CHECK(codes_of(polled(printer)) == std::vector<std::string>{"media-low", "printer-offline"});
  }
  SUBCASE("paper being fed explains it") {
    Printer printer{{0x1a, 0x1a, 0x12, 0x12}};
    const auto status = polled(printer);
    CHECK(status.conditions.empty());
    CHECK(health_of(status) == Health::busy);
  }
  SUBCASE("an error without a cause is its own condition") {
    Printer printer{{0x1a, 0x52, 0x12, 0x12}};
    CHECK(codes_of(polled(printer)) == std::vector<std::string>{"printer-error"});
  }
  SUBCASE("an Epson that waits to be told to go on says so") {
    Printer printer{{0x3a, 0x12, 0x12, 0x12}};
    const auto status = polled(printer, "epson");
    CHECK(condition_of(status, "printer-offline")->detail == "waits for on-line recovery");
  }
}

TEST_CASE("escpos: components and paper are shown as far as the model can tell") {
  Printer printer;
  const auto generic = polled(printer);
  CHECK(component(generic, "cover") == ComponentState::closed);
  CHECK(component(generic, "cutter") == ComponentState::ok);
  CHECK(component(generic, "head") == ComponentState::ok);
  CHECK(generic.media == wire::Media::not_supported);
  CHECK(generic.consumables.at(0).source == wire::LevelSource::flag);
  CHECK_FALSE(generic.consumables.at(0).available);

  Printer sprt;
  const auto bare = polled(sprt, "sprt");
  CHECK(bare.components.size() == 2);                               // no cutter report
  CHECK(bare.consumables.at(0).state == ConsumableState::unknown);  // no near-end sensor
}

TEST_CASE("escpos: models differ as their manuals say") {
  SUBCASE("SNBC BT-T080 is ready with 16 and tells a jam") {
    Printer ready{{0x16, 0x12, 0x12, 0x12}};
    CHECK(polled(ready, "snbc-bt-t080").conditions.empty());
    Printer jam{{0x1e, 0x52, 0x16, 0x12}};
    const auto status = polled(jam, "snbc-bt-t080");
    CHECK(codes_of(status) == std::vector<std::string>{"media-jam"});
    CHECK(status.media == wire::Media::jammed);
    Printer lifted{{0x1e, 0x52, 0x52, 0x12}};
    CHECK(codes_of(polled(lifted, "snbc-bt-t080")) ==
          std::vector<std::string>{"recoverable-error"});
  }
  SUBCASE("SNBC BTP-R580 has no unrecoverable error") {
    Printer printer{{0x1a, 0x52, 0x32, 0x12}};
    CHECK(codes_of(polled(printer, "snbc-btp-r580")) == std::vector<std::string>{"printer-error"});
  }
  SUBCASE("SNBC BTP-M300 is as the generic one") {
    Printer printer{{0x1a, 0x52, 0x1a, 0x12}};
    CHECK(codes_of(polled(printer, "snbc-btp-m300")) == std::vector<std::string>{"cutter-error"});
  }
  SUBCASE("Better BT-532C tells a ticket that was not taken, and others would refuse that byte") {
    Printer printer{{0x92, 0x12, 0x12, 0x12}};
    const auto status = polled(printer, "better-bt-532c");
    CHECK(codes_of(status) == std::vector<std::string>{"output-not-taken"});
    CHECK(status.media == wire::Media::present);
    CHECK(status.device == DeviceState::online);
    const auto other = status_of(printer, "generic");
    REQUIRE_FALSE(bool(other));
    CHECK(other.error().code() == Errc::garbled);
    CHECK(other.error().text() ==
          "escpos: one byte that is no reply of this model's: another model, or a bad line");
  }
  SUBCASE("Epson has a recoverable error in bit 2") {
    Printer printer{{0x1a, 0x52, 0x16, 0x12}};
    CHECK(codes_of(polled(printer, "epson")) == std::vector<std::string>{"recoverable-error"});
  }
  SUBCASE("SPRT leaves near end unread") {
    Printer printer{{0x12, 0x12, 0x12, 0x1e}};
    CHECK(polled(printer, "sprt").conditions.empty());
  }
}

TEST_CASE("escpos: a Custom printer's full status and counted paper") {
  const Bytes full_request{0x10, 0x04, 0x14};
  const Bytes left_request{0x1d, 0xe1};
  Printer printer;
  printer.more[full_request] = {0x10, 0x0f, 0, 0, 0, 0};
  printer.more[left_request] = {'5', '1', '0', 'c', 'm'};

  SUBCASE("ready, with metres as the printer counts them") {
    const auto status = polled(printer, "custom-kpm", {{"roll_metres", "20"}});
    CHECK(status.conditions.empty());
    const auto& paper = status.consumables.at(0);
    CHECK(paper.source == wire::LevelSource::counted);
    CHECK(paper.unit == "metres");
    CHECK(paper.available.value() == doctest::Approx(5.1));
    CHECK(paper.capacity.value() == doctest::Approx(20));
    CHECK(paper.percent.value() == doctest::Approx(25.5));
    CHECK(status.media == wire::Media::not_present);
  }
  SUBCASE("a flag overrules the count") {
    printer.eot = {0x1a, 0x32, 0x12, 0x7e};
    printer.more[full_request] = {0x10, 0x0f, 0x05, 0, 0, 0};
    const auto status = polled(printer, "custom-kpm");
    CHECK(codes_of(status) == std::vector<std::string>{"media-empty"});
    CHECK(condition_of(status, "media-empty")->vendor_code == "EOT2=32 EOT4=7e FULL=000001000000");
    CHECK(status.consumables.at(0).available == 0.0);
    CHECK(status.consumables.at(0).source == wire::LevelSource::flag);
    for (const auto& request : printer.port.written()) CHECK(request != left_request);
  }
  SUBCASE("what comes and goes by itself is in no code") {
    printer.more[full_request] = {0x10, 0x0f, 0x20, 0, 0, 0};
    const auto still = polled(printer, "custom-kpm");
    printer.more[full_request] = {0x10, 0x0f, 0x20, 0x0c, 0, 0};  // the motor runs
    const auto moving = polled(printer, "custom-kpm");
    CHECK(condition_of(moving, "output-not-taken")->vendor_code == "FULL=000020000000");
    CHECK(wire::same_state(still, moving));
  }
  SUBCASE("each error bit says what it is") {
    printer.eot = {0x1a, 0x52, 0x12, 0x12};
    printer.more[full_request] = {0x10, 0x0f, 0x20, 0x01, 0x09, 0x0d};
    const auto status = polled(printer, "custom-kpm");
    CHECK(condition_of(status, "output-not-taken") != nullptr);
    CHECK(condition_of(status, "cover-open")->detail == "head up");
    CHECK(condition_of(status, "head-overheated") != nullptr);
    CHECK(condition_of(status, "recoverable-error")->detail == "supply voltage");
    CHECK(condition_of(status, "cutter-error") != nullptr);
    CHECK(condition_of(status, "unrecoverable-error")->detail == "RAM, EEPROM");
    CHECK(condition_of(status, "printer-error") == nullptr);
  }
  SUBCASE("a printer that does not count leaves the level unknown and is not asked each time") {
    printer.more.erase(left_request);
    const auto driver = driver_for("custom-kpm");
    REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
    for (int i = 0; i < 3; ++i) {
      const auto status = driver->poll(printer.within(seconds{5}));
      REQUIRE(bool(status));
      CHECK_FALSE(status->consumables.at(0).available);
    }
    CHECK(std::ranges::count(printer.port.written(), left_request) == 1);
  }
}

TEST_CASE("escpos: who the printer is, where its model can tell, and once") {
  Printer printer;
  printer.more[{0x1d, 0x49, 0x41}] = text_block("3.01 ESC/POS");
  printer.more[{0x1d, 0x49, 0x42}] = text_block("EPSON");
  printer.more[{0x1d, 0x49, 0x43}] = text_block("TM-T88VI");
  printer.more[{0x1d, 0x49, 0x44}] = text_block("X8Z2000017");
  const auto asks_identity = [&] {
    return std::ranges::any_of(printer.port.written(),
                               [](const Bytes& b) { return b[0] == 0x1d && b[1] == 0x49; });
  };

  SUBCASE("asked and kept") {
    const auto driver = driver_for("epson");
    REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
    const wire::Identity expected{"EPSON", "TM-T88VI", "X8Z2000017", "3.01 ESC/POS"};
    CHECK(driver->poll(printer.within(seconds{5}))->identity == expected);
    printer.port.forget_written();
    CHECK(driver->poll(printer.within(seconds{5}))->identity == expected);
    CHECK_FALSE(asks_identity());
  }
  SUBCASE("a lost answer does not look like another unit") {
    const auto driver = driver_for("epson");
    REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
    const auto before = driver->poll(printer.within(seconds{5}))->identity;
    driver->close();
    printer.port.pass(seconds{100});
    printer.more.erase({0x1d, 0x49, 0x44});
    printer.port.forget_written();
    REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
    CHECK(driver->poll(printer.within(seconds{5}))->identity == before);
    CHECK(asks_identity());
  }
  SUBCASE("an unanswered question costs nothing but its time") {
    printer.more.clear();
    const auto driver = driver_for("epson");
    REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
    auto status = driver->poll(printer.within(seconds{5}));
    REQUIRE(bool(status));
    CHECK(status->identity == wire::Identity{});
    CHECK(bool(driver->poll(printer.within(seconds{5}))));
  }
  SUBCASE("not asked while off-line: the answer would come some time later") {
    printer.eot = {0x1a, 0x16, 0x12, 0x12};
    polled(printer, "epson");
    CHECK_FALSE(asks_identity());
  }
  SUBCASE("not asked of a generic printer, which might print the question, nor when switched off") {
    polled(printer, "generic");
    polled(printer, "epson", {{"identify", "false"}});
    CHECK_FALSE(asks_identity());
  }
}

TEST_CASE("escpos: a poll sends its model's status requests and nothing else") {
  Printer printer;
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  REQUIRE(bool(driver->poll(printer.within(seconds{5}))));
  // The probe's own question counts for the poll that follows it.
  const std::vector<Bytes> expected{
      {0x10, 0x04, 0x01}, {0x10, 0x04, 0x02}, {0x10, 0x04, 0x03}, {0x10, 0x04, 0x04}};
  CHECK(printer.port.written() == expected);
  printer.port.forget_written();
  REQUIRE(bool(driver->poll(printer.within(seconds{5}))));
  CHECK(printer.port.written() == expected);
}

TEST_CASE("escpos: stray bytes are dropped, whole or in pieces") {
  Printer printer{{0x12, 0x12, 0x12, 0x1e}};
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  const auto with = [&](std::vector<Bytes> before, std::vector<Bytes> after) {
    printer.port.device = [&printer, before, after](const Bytes& request) {
      for (const auto& b : before) printer.port.arrive(b);
      printer.answer(request);
      for (const auto& b : after) printer.port.arrive(b);
    };
    return driver->poll(printer.within(seconds{5}));
  };
  const Bytes asb{0x10, 0x00, 0x00, 0x0f};
  const std::vector<std::pair<std::vector<Bytes>, std::vector<Bytes>>> noise{
      {{{0x13}, {0x11}}, {}},
      {{asb}, {}},
      {{{0x38, 0x00}, {0x00, 0x0f}}, {}},
      {{}, {asb}},
      {{}, {{0x18, 0x00}, {0x0f}, {0x0f}}},
      {{text_block("EPSON")}, {}},
      {{}, {{0x10}}},  // half a group, and no more of it
  };
  for (const auto& [before, after] : noise) {
    const auto status = with(before, after);
    REQUIRE_MESSAGE(bool(status), status.error().text());
    CHECK(codes_of(*status) == std::vector<std::string>{"media-low"});
  }
}

TEST_CASE("escpos: bytes that are no reply are garbled, and the next poll is in step again") {
  Printer printer{{0x1a, 0x16, 0x12, 0x12}};
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  REQUIRE(bool(driver->poll(printer.within(seconds{5}))));
  const auto honest = printer.port.device;
  printer.port.device = [&](const Bytes&) { printer.port.arrive({0xff, 0x00, 0x42}); };
  const auto bad = driver->poll(printer.within(seconds{5}));
  REQUIRE_FALSE(bool(bad));
  CHECK(bad.error().code() == Errc::garbled);
  CHECK(bad.error().text() == "escpos: 3 bytes are no reply to eot1");
  printer.port.device = honest;
  CHECK(codes_of(*driver->poll(printer.within(seconds{5}))) ==
        std::vector<std::string>{"cover-open"});
}

TEST_CASE("escpos: a device that talks without end holds nobody up") {
  Printer printer;
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  REQUIRE(bool(driver->poll(printer.within(seconds{5}))));
  printer.port.device = [](const Bytes&) {};
  for (int i = 0; i < 6000; ++i) printer.port.arrive({0x11}, milliseconds{i});
  const auto deadline = printer.within(milliseconds{700});
  CHECK(driver->poll(deadline).error().code() == Errc::garbled);
  CHECK(printer.port.now() <= deadline);
}

TEST_CASE("escpos: a late answer is never taken for the next question's") {
  Printer printer{{0x1a, 0x16, 0x12, 0x12}};
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  const auto honest = printer.port.device;
  printer.port.device = [&](const Bytes&) { printer.port.arrive({0x16}, milliseconds{600}); };
  const auto missed = driver->poll(printer.within(seconds{5}));
  REQUIRE_FALSE(bool(missed));
  CHECK(missed.error().code() == Errc::timeout);
  // The answer arrives while the next poll would be asking its first question.
  printer.port.device = honest;
  const auto status = driver->poll(printer.within(seconds{5}));
  REQUIRE(bool(status));
  CHECK(codes_of(*status) == std::vector<std::string>{"cover-open"});
}

TEST_CASE("escpos: two answers to one question are not guessed at") {
  Printer printer;
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  printer.port.device = [&](const Bytes&) { printer.port.arrive({0x12, 0x16}); };
  const auto status = driver->poll(printer.within(seconds{5}));
  REQUIRE_FALSE(bool(status));
  CHECK(status.error().code() == Errc::garbled);
}

TEST_CASE("escpos: open tells a silent port, another device and a cut wire apart") {
  Printer printer;
  const auto driver = driver_for("generic");
  const auto opening = [&] { return driver->open(printer.port, printer.within(seconds{5})); };
  SUBCASE("silent") {
    printer.port.device = [](const Bytes&) {};
    const auto start = printer.port.now();
    CHECK(opening().error().code() == Errc::timeout);
    CHECK(printer.port.now() - start == milliseconds{400});
  }
  SUBCASE("another device") {
    printer.port.device = [&](const Bytes&) {
      printer.port.arrive({0xaa, 0xaa, 0xaa, 0x96, 0x69});
    };
    CHECK(opening().error().code() == Errc::refused);
  }
  SUBCASE("another device's control byte") {
    for (const std::uint8_t control : Bytes{0x04, 0x05, 0x06, 0x15}) {
      printer.port.device = [&](const Bytes&) { printer.port.arrive({control}); };
      CHECK(opening().error().code() == Errc::refused);
    }
  }
  SUBCASE("another device that is slower") {
    printer.port.device = [&](const Bytes&) {
      printer.port.arrive({0xaa});
      printer.port.arrive({0xaa, 0x96}, milliseconds{20});
    };
    CHECK(opening().error().code() == Errc::refused);
  }
  SUBCASE("one byte as asked, and damaged: a bad line") {
    printer.port.device = [&](const Bytes&) { printer.port.arrive({0xfd}); };
    CHECK(opening().error().code() == Errc::garbled);
  }
  SUBCASE("a terminal that echoes what it is sent") {
    printer.port.device = [&](const Bytes& request) { printer.port.arrive(request); };
    CHECK_FALSE(bool(opening()));
  }
  SUBCASE("cut") {
    printer.port.cut();
    CHECK(opening().error().code() == Errc::disconnected);
  }
}

TEST_CASE("escpos: neither a silent nor a talkative printer holds a poll past its deadline") {
  Printer printer;
  const auto driver = driver_for("generic", {{"timeout_ms", "5000"}});
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  printer.port.device = [](const Bytes&) {};
  const auto deadline = printer.within(milliseconds{700});
  CHECK(driver->poll(deadline).error().code() == Errc::timeout);
  CHECK(printer.port.now() == deadline);

  for (int i = 0; i < 2000; ++i) printer.port.arrive({0x00}, milliseconds{i});
  const auto second = printer.within(milliseconds{700});
  CHECK(driver->poll(second).error().code() == Errc::garbled);
  CHECK(printer.port.now() <= second);
}

TEST_CASE("escpos: a wire cut between polls is said at the next one, and a poll needs an open") {
  Printer printer;
  const auto driver = driver_for("generic");
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::disconnected);
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  printer.port.cut();
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::disconnected);
  driver->close();
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::disconnected);
}

TEST_CASE("escpos: every profile can be loaded, and an unknown model names the known ones") {
  const auto profiles = profiles_of("escpos");
  CHECK(profiles.size() == 8);
  for (const auto& profile : profiles) {
    CAPTURE(profile.model);
    const auto driver = make_driver("escpos", {{"model", std::string{profile.model}}});
    REQUIRE_MESSAGE(bool(driver), driver.error().text());
    const auto help = find("escpos")->settings[0].help;
    CHECK(help.en.find(profile.model) != std::string_view::npos);
    CHECK(help.zh.find(profile.model) != std::string_view::npos);
  }
  const auto wrong = make_driver("escpos", {{"model", "epsom"}});
  REQUIRE_FALSE(bool(wrong));
  CHECK(wrong.error().code() == Errc::invalid);
  CHECK(wrong.error().text().find("epson, generic") != std::string::npos);
}

TEST_CASE("escpos: prints nothing to test itself") {
  Printer printer;
  const auto driver = driver_for("generic");
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  const auto test = driver->self_test("print", printer.within(seconds{5}));
  REQUIRE_FALSE(bool(test));
  CHECK(test.error().code() == Errc::unsupported);
}

TEST_CASE("usb printer class: the device id's length counts itself, in either order") {
  const auto id_of = [](std::size_t high, std::size_t low, std::string_view text) {
    Bytes out{static_cast<std::uint8_t>(high), static_cast<std::uint8_t>(low)};
    out.insert(out.end(), text.begin(), text.end());
    return usb_printer::decode_device_id(out);
  };
  constexpr std::string_view text = "MFG:EPSON;CMD:ESC/POS;MDL: TM-T88VI ;SN:X1;junk;:;";
  for (const bool swapped : {false, true}) {
    const auto size = text.size() + 2;
    const auto id = swapped ? id_of(size, 0, text) : id_of(0, size, text);
    REQUIRE(bool(id));
    CHECK(id->vendor == "EPSON");
    CHECK(id->model == "TM-T88VI");
    CHECK(id->serial == "X1");
  }
  // Cut short by what it says itself.
  CHECK(id_of(0, 12, text)->model.empty());
  CHECK(id_of(0, 2, text)->vendor.empty());
  CHECK(id_of(0x40, 0x40, text).error().code() == Errc::garbled);
  CHECK(id_of(0, 1, text).error().code() == Errc::garbled);
  CHECK(id_of(0, 0, "").error().code() == Errc::garbled);
  CHECK(usb_printer::decode_device_id(Bytes{7}).error().code() == Errc::garbled);
  CHECK(id_of(0, 10, "MDL:\x01\xff\nA")->model == "A");
}

TEST_CASE("usb printer class: the status byte") {
  const auto status = [](std::uint8_t byte) {
    return *usb_printer::decode_port_status(std::array{byte});
  };
  CHECK_FALSE(status(0x18).paper_empty);
  CHECK(status(0x18).selected);
  CHECK_FALSE(status(0x18).error);
  CHECK(status(0x38).paper_empty);
  CHECK(status(0x30).paper_empty);
  CHECK(status(0x30).error);
  CHECK_FALSE(status(0x08).selected);
  CHECK(usb_printer::decode_port_status({}).error().code() == Errc::garbled);
  CHECK(usb_printer::decode_port_status(Bytes{0x18, 0}).error().code() == Errc::garbled);
}

}  // namespace kw::drivers
