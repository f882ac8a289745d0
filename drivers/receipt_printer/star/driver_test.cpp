#include <doctest/doctest.h>

#include "drivers/receipt_printer/star/asb.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Codes = std::vector<std::string>;

const Bytes request{0x1b, 0x06, 0x01};

struct Printer {
  explicit Printer(Bytes says = {0x23, 0x06, 0, 0, 0, 0, 0, 0, 0}) : asb(std::move(says)) {
    port.device = [this](const Bytes& asked) {
      if (asked == request) port.arrive(asb);
    };
  }

  MonoTime within(Duration d) const { return port.now() + d; }

  FakePort port;
  Bytes asb;
};

std::unique_ptr<Driver> driver_for(const Given& settings = {}) {
  auto out = make_driver("star", settings);
  REQUIRE_MESSAGE(bool(out), out.error().text());
  return std::move(*out);
}

wire::Status polled(const Bytes& asb, const Given& settings = {}) {
  Printer printer{asb};
  const auto driver = driver_for(settings);
  const auto opened = driver->open(printer.port, printer.within(seconds{5}));
  REQUIRE_MESSAGE(bool(opened), opened.error().text());
  auto status = driver->poll(printer.within(seconds{5}));
  REQUIRE_MESSAGE(bool(status), status.error().text());
  return std::move(*status);
}

}  // namespace

TEST_CASE("star status: its length stands in its headers") {
  CHECK(star::asb_length(0x23, 0x06) == 9);
  CHECK(star::asb_length(0x0f, 0x02) == 7);
  CHECK(star::asb_length(0x2f, 0x08) == 15);
  CHECK(star::asb_length(0x23, 0x86) == 11);
  CHECK(star::asb_length(0x6f, 0xee) == 33);
}

TEST_CASE("star status: whole, in pieces, several, and what is none") {
  const Bytes whole{0x23, 0x06, 0x28, 0, 0, 0, 0, 0, 0};
  Bytes in;
  for (const auto byte : whole) {
    const auto none = star::take_asb(in);
    REQUIRE(bool(none));
    CHECK_FALSE(bool(*none));
    in.push_back(byte);
  }
  auto asb = star::take_asb(in);
  REQUIRE(bool(asb));
  CHECK(**asb == whole);
  CHECK(in.empty());

  // The newest counts; XON and XOFF are not a status, and half a one is left to its rest.
  in = {0x13, 0x23, 0x06, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x0f, 0x02, 0x08, 0, 0, 0x08, 0, 0x23, 0x06};
  asb = star::take_asb(in);
  REQUIRE(bool(asb));
  CHECK(**asb == Bytes{0x0f, 0x02, 0x08, 0, 0, 0x08, 0});
  CHECK(in == Bytes{0x23, 0x06});

  const std::vector<Bytes> bad{
      {0x12},                    // ESC/POS
      {0x00},                    // begins in its middle
      {0x23, 0x06, 0x28, 0x10},  // bit 4 is never set
      {0x23, 0x06, 0x80},        // nor bit 7
      {0x23, 0x07},              // nor bit 0 behind the first
      {0x0d, 0x02, 0, 0, 0, 0},  // six bytes do not tell of the paper
      {0x01, 0x02},              // no bytes at all
      {'H', 'T', 'T', 'P'},
  };
  for (auto bytes : bad) {
    const auto out = star::take_asb(bytes);
    REQUIRE_FALSE(bool(out));
    CHECK(out.error().code() == Errc::garbled);
  }
  Bytes keys{'1', '2', '3', '4', '5', '6'};
  CHECK(star::take_asb(keys).error().text() == "6 bytes are no status");
}

TEST_CASE("star: a printer with nothing wrong") {
  const auto status = polled({0x23, 0x06, 0, 0, 0, 0, 0, 0, 0}, {{"roll_metres", "80"}});
  CHECK(wire::health_of(status) == wire::Health::ok);
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.media == wire::Media::not_supported);
  REQUIRE(status.consumables.size() == 1);
  CHECK(status.consumables[0].state == wire::ConsumableState::full);
  CHECK(status.consumables[0].capacity == 80.0);
  CHECK_FALSE(status.consumables[0].available);
  CHECK(status.components.size() == 3);
}

TEST_CASE("star: each condition, in the short and the long status") {
  const std::vector<std::pair<Bytes, Codes>> rows{
      {{0x23, 0x06, 0x28, 0, 0, 0, 0, 0, 0}, {"cover-open"}},
      {{0x23, 0x06, 0x08, 0, 0, 0x08, 0, 0, 0}, {"media-empty"}},
      {{0x23, 0x06, 0x08, 0, 0, 0x0c, 0, 0, 0}, {"media-empty"}},
      {{0x23, 0x06, 0, 0, 0, 0x04, 0, 0, 0}, {"media-low"}},
      {{0x23, 0x06, 0, 0, 0, 0x02, 0, 0, 0}, {"media-low"}},
      {{0x23, 0x06, 0x08, 0x08, 0, 0, 0, 0, 0}, {"cutter-error"}},
      {{0x23, 0x06, 0x08, 0x20, 0, 0, 0, 0, 0}, {"unrecoverable-error"}},
      {{0x23, 0x06, 0x08, 0x04, 0, 0, 0, 0, 0}, {"unrecoverable-error"}},
      {{0x23, 0x06, 0x08, 0x40, 0, 0, 0, 0, 0}, {"head-overheated"}},
      {{0x23, 0x06, 0x08, 0, 0x08, 0, 0, 0, 0}, {"recoverable-error"}},
      {{0x23, 0x06, 0x08, 0, 0x04, 0, 0, 0, 0}, {"media-jam"}},
      {{0x23, 0x06, 0x08, 0, 0x02, 0, 0, 0, 0}, {"cover-open"}},
      {{0x23, 0x06, 0x48, 0, 0, 0, 0, 0, 0}, {"printer-offline"}},
      {{0x23, 0x06, 0x08, 0, 0, 0x04, 0, 0, 0}, {"media-low", "printer-offline"}},
      {{0x23, 0x06, 0, 0, 0, 0, 0, 0, 0x06}, {"output-not-taken"}},
      {{0x23, 0x06, 0x06, 0, 0x60, 0, 0x62, 0x6e, 0}, {}},  // ETB, drawer, overflow, slip
      {{0x0f, 0x02, 0x28, 0, 0, 0, 0}, {"cover-open"}},
      {{0x0f, 0x02, 0x08, 0, 0, 0x08, 0}, {"media-empty"}},
      {{0x23, 0x86, 0x28, 0, 0, 0, 0, 0, 0, 0, 0}, {"cover-open"}},
  };
  for (const auto& [asb, codes] : rows) {
    CHECK(codes_of(polled(asb)) == codes);
  }
  const auto open = polled({0x23, 0x06, 0x28, 0, 0x02, 0, 0, 0, 0});
  CHECK(open.conditions[0].vendor_code == "ASB3=28 ASB5=02");
  CHECK(open.conditions[0].detail == "head up");
  CHECK(open.components[0].state == wire::ComponentState::open);
  const auto cutter = polled({0x23, 0x06, 0x08, 0x08, 0, 0, 0, 0, 0});
  CHECK(cutter.device == wire::DeviceState::hardware_error);
  CHECK(polled({0x23, 0x06, 0x08, 0, 0, 0x08, 0, 0, 0}).consumables[0].available == 0.0);
}

TEST_CASE("star: paper in a presenter, once it is known that there is one") {
  Printer printer;
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  const auto media_at = [&](std::uint8_t position) {
    printer.asb[8] = static_cast<std::uint8_t>(position << 1);
    return driver->poll(printer.within(seconds{5}))->media;
  };
  CHECK(media_at(0) == wire::Media::not_supported);
  CHECK(media_at(1) == wire::Media::present);
  CHECK(media_at(3) == wire::Media::present);
  CHECK(media_at(7) == wire::Media::not_present);
  CHECK(media_at(0) == wire::Media::not_present);
}

TEST_CASE("star: a poll sends its request and nothing else") {
  Printer printer;
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(printer.port, printer.within(seconds{5}))));
  REQUIRE(bool(driver->poll(printer.within(seconds{5}))));
  CHECK(printer.port.written() == std::vector<Bytes>{request, request});
}

TEST_CASE("star: silence, another device, a late answer and a cut wire") {
  Printer printer;
  const auto honest = printer.port.device;
  const auto driver = driver_for();
  const auto opening = [&] { return driver->open(printer.port, printer.within(seconds{5})); };
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::disconnected);
  printer.port.device = [](const Bytes&) {};
  auto start = printer.port.now();
  CHECK(opening().error().code() == Errc::timeout);
  CHECK(printer.port.now() - start == milliseconds{400});
  printer.port.device = [&](const Bytes& asked) { printer.port.arrive(asked); };
  CHECK(opening().error().code() == Errc::refused);
  printer.port.device = honest;
  REQUIRE(bool(opening()));

  printer.port.device = [&](const Bytes&) { printer.port.arrive(printer.asb, milliseconds{600}); };
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::timeout);
  printer.port.device = honest;
  printer.asb[2] = 0x28;
  CHECK(codes_of(*driver->poll(printer.within(seconds{5}))) == Codes{"cover-open"});

  printer.port.device = [](const Bytes&) {};
  for (int i = 0; i < 3000; ++i) printer.port.arrive({0x11}, milliseconds{i});
  start = printer.port.now();
  CHECK(driver->poll(printer.within(milliseconds{700})).error().code() == Errc::garbled);
  CHECK(printer.port.now() - start <= milliseconds{700});
  printer.port.cut();
  CHECK(driver->poll(printer.within(seconds{5})).error().code() == Errc::disconnected);
}

}  // namespace kw::drivers
