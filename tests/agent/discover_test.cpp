#include <string>

#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/ctl/discover/guess.hpp"

using namespace kw;
using namespace kw::agent;
using namespace kw::agent::ctl;

namespace {

drivers::UsbAttached usb(std::uint16_t vendor, std::uint16_t product, std::string path,
                         std::uint8_t function_type, std::string serial = {}) {
  drivers::UsbAttached out;
  out.facts.vendor = vendor;
  out.facts.product = product;
  out.facts.path = std::move(path);
  drivers::UsbFunction function;
  function.type = function_type;
  out.facts.functions.push_back(function);
  if (!serial.empty()) out.serials.push_back(std::move(serial));
  return out;
}

Found only(const drivers::UsbAttached& device, Lang lang = Lang::en) {
  const auto found = guess_usb({device}, {}, lang);
  REQUIRE(found.size() == 1);
  return found.front();
}

/// Reads the file that was printed as the agent would.
AgentConfig as_config(const std::vector<Found>& found, Lang lang = Lang::en) {
  return parse_config(discovered_toml(found, lang), "agent.toml");
}

}  // namespace

TEST_CASE("discover: what the product or the vendor tells") {
  const auto touch = only(usb(0x0eef, 0x0001, "1-2", 0x03));
  REQUIRE(touch.candidates.size() == 1);
  CHECK(touch.candidates[0].driver == "presence");
  CHECK(touch.candidates[0].port == "usb-list:0eef:0001");
  CHECK(touch.candidates[0].sure);
  CHECK(touch.candidates[0].reason.find("presence alone") != std::string::npos);
  CHECK(only(usb(0x0eef, 0x0001, "1-2", 0x03), Lang::zh_cn).candidates[0].reason.find("在位") !=
        std::string::npos);
  const auto reader = only(usb(0x0400, 0xc35a, "1-2", 0xff));
  CHECK(reader.candidates[0].driver == "sdt");
  CHECK(reader.candidates[0].port == "usb:0400:c35a");
  // The vendor id of National Semiconductor alone says nothing.
  CHECK(only(usb(0x0400, 0x1234, "1-2", 0xff)).candidates.empty());
  const auto scanner = only(usb(0x1eab, 0x0c06, "1-2", 0x02));
  CHECK(scanner.candidates[0].settings ==
        std::vector<std::pair<std::string, std::string>>{{"kind", "scanner"}});
  CHECK(scanner.candidates[0].reason.find("serial mode") != std::string::npos);
  CHECK(only(usb(0x1eab, 0x0c03, "1-2", 0x03)).candidates[0].reason.find("serial mode") ==
        std::string::npos);
}

TEST_CASE("discover: what a function's class tells") {
  const auto printer = only(usb(0x0483, 0x5743, "1-2", 0x07));
  REQUIRE(printer.candidates.size() == 1);
  CHECK(printer.candidates[0].driver == "escpos");
  CHECK_FALSE(printer.candidates[0].sure);
  CHECK(only(usb(0x08e6, 0x3437, "1-2", 0x0b)).candidates[0].driver == "pcsc");
  CHECK(only(usb(0x1bcf, 0x2c99, "1-2", 0x0e)).candidates[0].settings[0].second == "camera");
  const auto stick = only(usb(0x0781, 0x5567, "1-2", 0x08));
  CHECK(stick.candidates.empty());
  CHECK_FALSE(stick.note.empty());
  // A vendor of printers whose device is of another class makes something else there.
  CHECK(only(usb(0x04b8, 0x0e15, "1-2", 0x07)).candidates[0].settings[0].second == "epson");
  CHECK(only(usb(0x04b8, 0x013a, "1-2", 0xff)).candidates.empty());
  auto hub = usb(0x05e3, 0x0608, "1-2", 0x09);
  hub.facts.type = 0x09;
  CHECK(guess_usb({hub}, {}, Lang::en).empty());
}

TEST_CASE("discover: a long text is cut between characters, a reader's name not at all") {
  auto reader = usb(0x1234, 0x5678, "1-2", 0x0b);
  for (int i = 0; i < 30; ++i) reader.manufacturer += "读";
  reader.product = "x";
  const auto found = only(reader);
  CHECK(found.text.size() == 78);  // 26 characters of three bytes
  CHECK(found.text == reader.manufacturer.substr(0, 78));
  REQUIRE(found.candidates.size() == 1);
  CHECK(found.candidates[0].port == "pcsc:" + reader.manufacturer + " x");
}

TEST_CASE("discover: devices alike are told apart by serial number, else by place") {
  const auto with =
      guess_usb({usb(0x0eef, 1, "1-1", 3, "A"), usb(0x0eef, 1, "1-2", 3, "B")}, {}, Lang::en);
  CHECK(with[0].candidates[0].port == "usb-list:0eef:0001?serial=A");
  CHECK(with[1].candidates[0].port == "usb-list:0eef:0001?serial=B");
  for (const std::string serial : {"", "A", "x&path=9", "a\"b"}) {
    CAPTURE(serial);
    const auto found = guess_usb(
        {usb(0x0eef, 1, "1-1", 3, serial), usb(0x0eef, 1, "1-2.4", 3, serial)}, {}, Lang::en);
    CHECK(found[0].candidates[0].port == "usb-list:0eef:0001?path=1-1");
    CHECK(found[1].candidates[0].port == "usb-list:0eef:0001?path=1-2.4");
  }
}

TEST_CASE("discover: a serial adapter leads to its port, and the port to every possibility") {
  const platform::SerialPortFacts port{"/dev/ttyUSB0", "/dev/serial/by-id/usb-1a86", 0x1a86, 0x7523,
                                       "1-3"};
  const auto found = guess_usb({usb(0x1a86, 0x7523, "1-3", 0xff)}, {port}, Lang::en);
  CHECK(found[0].candidates.empty());
  CHECK(found[0].note.find("/dev/ttyUSB0") != std::string::npos);
  const auto ports = guess_serial({port}, Lang::en);
  REQUIRE(ports.size() == 1);
  CHECK(ports[0].text == "USB 1a86:7523");
  CHECK(ports[0].candidates.size() >= 4);
  for (const auto& one : ports[0].candidates) {
    CHECK_FALSE(one.sure);
    CHECK(one.port.starts_with("serial:/dev/serial/by-id/usb-1a86?baud="));
  }
  CHECK(as_config(ports).devices.empty());  // comments only
}

TEST_CASE("discover: what is printed is a configuration without a mistake") {
  auto nasty = usb(0x0eef, 0x0001, "1-1", 3);
  nasty.manufacturer = "A\n[[device]]\nname = \"x\"";
  nasty.product = "\"\\ \x01";
  auto found = guess_usb({nasty, usb(0x222a, 0x0001, "1-2", 3), usb(0x04b8, 0x0e15, "1-3", 7),
                          usb(0x0483, 0x5743, "1-4", 7), usb(0x0781, 0x5567, "1-5", 8)},
                         {}, Lang::zh_cn);
  found.push_back(guess_network("192.0.2.7", 631, Lang::zh_cn));
  found.push_back(guess_network("2001:db8::7", 9100, Lang::zh_cn));
  for (const auto lang : {Lang::zh_cn, Lang::en}) {
    const auto config = as_config(found, lang);
    CHECK_MESSAGE(config.problems.empty(), discovered_toml(found, lang));
    REQUIRE(config.devices.size() == 4);
    CHECK(config.devices[0].name == "touch-screen");
    CHECK(config.devices[1].name == "touch-screen-2");
    CHECK(config.devices[2].driver == "escpos");
    CHECK(config.devices[3].port == "ipp://192.0.2.7/ipp/print");
  }
  CHECK(found.back().candidates[0].port == "tcp://[2001:db8::7]:9100");
  CHECK(as_config({}).devices.empty());
}
