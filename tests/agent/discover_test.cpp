#include <array>
#include <string>
#include <thread>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/ctl/discover/ask.hpp"
#include "agent/ctl/discover/guess.hpp"
#include "tests/support/ports.hpp"

using namespace kw;
using namespace kw::agent;
using namespace kw::agent::ctl;
using namespace std::chrono_literals;

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

namespace {

/// What is found on a serial port, here one behind a serial server.
Found on_line(std::vector<std::string> drivers, std::uint16_t port) {
  Found out;
  for (auto& driver : drivers) {
    Candidate one;
    one.port = "tcp://127.0.0.1:" + std::to_string(port);
    one.built_in = is_built_in(driver, one.port);
    one.driver = std::move(driver);
    out.candidates.push_back(std::move(one));
  }
  return out;
}

/// A Newland scanner that answers the question that is asked by default.
class ScannerPort : public tests::MutePort {
 public:
  ScannerPort() : thread_{[this] { serve(); }} {}
  ~ScannerPort() { thread_.join(); }

 private:
  void serve() {
    auto wire = accept();
    std::array<unsigned char, 12> question{};  // 7E 01 "0000@C11*" ";" 03 and one more
    boost::system::error_code gone;
    boost::asio::read(wire, boost::asio::buffer(question), gone);
    const std::string answer{
        "\x02\x01"
        "0000@C11ENA1\x06;\x03"};
    boost::asio::write(wire, boost::asio::buffer(answer), gone);
    boost::asio::read(wire, boost::asio::buffer(question), gone);  // until it leaves
  }
  std::thread thread_;
};

}  // namespace

TEST_CASE("discover: a port that only opens is nobody's answer") {
  const SystemClock clock;
  const tests::MutePort mute;
  auto found = on_line({"escpos", "scanner"}, mute.port());
  REQUIRE(found.candidates.size() == 2);
  REQUIRE(found.candidates[1].built_in);
  ask_serial(found, 200ms, Lang::en, clock);
  CHECK(found.candidates.size() == 2);
  for (const auto& one : found.candidates) CHECK_FALSE(one.sure);
  // No table that the agent would read: the comment signs stay.
  CHECK(as_config({found}).devices.empty());
}

TEST_CASE(
    "discover: a scanner that answers is found, though the agent would leave its port alone") {
  const SystemClock clock;
  ScannerPort scanner;
  auto found = on_line({"scanner"}, scanner.port());
  ask_serial(found, 2s, Lang::en, clock);
  REQUIRE(found.candidates.size() == 1);
  CHECK(found.candidates[0].sure);
  CHECK(found.candidates[0].settings.empty());  // whose the port is, is not for us to say
}

TEST_CASE("discover: a host without a name or an answer is said, with why") {
  const SystemClock clock;
  const auto nameless = look_at("nosuch.invalid", 3s, Lang::en, clock);
  REQUIRE(nameless.size() == 1);
  CHECK(nameless[0].failed);
  CHECK(nameless[0].candidates.empty());
  CHECK(nameless[0].what == "network host nosuch.invalid");
  CHECK(nameless[0].note.find("not resolved") != std::string::npos);
  CHECK(discovered_toml(nameless, Lang::en).find("# network host nosuch.invalid") == 0);
  CHECK(discovered_json(nameless, Lang::en).at("devices").at(0).at("failed") == true);
  // Of the documentation's addresses (RFC 5737): nobody is there.
  const auto silent = look_at("192.0.2.1", 100ms, Lang::zh_cn, clock);
  REQUIRE(silent.size() == 1);
  CHECK(silent[0].failed);
  CHECK(silent[0].note.find("没有应答") != std::string::npos);
}

TEST_CASE("discover: a command that is printed can be pasted into a shell") {
  Candidate one;
  one.driver = "zt588";
  one.port = "serial:/dev/ttyS0?baud=9600&flow=rtscts";
  CHECK(probe_command(one) == R"(kioskctl probe zt588 "serial:/dev/ttyS0?baud=9600&flow=rtscts")");
  one.port = "pcsc:Feitian \"R502\" $1";
  CHECK(probe_command(one) == R"(kioskctl probe zt588 "pcsc:Feitian \"R502\" \$1")");
  one.port = "tcp://192.0.2.10:9100";
  one.settings = {{"model", "epson"}};
  CHECK(probe_command(one) == "kioskctl probe zt588 tcp://192.0.2.10:9100 --set model=epson");
  // Without it the driver would leave the port to others and find everything well.
  one = {.driver = "scanner", .port = "serial:/dev/ttyS0"};
  CHECK(probe_command(one) == "kioskctl probe scanner serial:/dev/ttyS0 --set port_is_ours=true");
  auto found = on_line({"zt588"}, 1);
  found.candidates[0].port = "serial:/dev/ttyS0?baud=9600&flow=rtscts";
  CHECK(discovered_toml({found}, Lang::zh_cn)
            .find(R"("serial:/dev/ttyS0?baud=9600&flow=rtscts" 确认)") != std::string::npos);
}
