#include "tests/drivers/ports.hpp"

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include "drivers/ports/usb_address.hpp"

namespace kw::drivers {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

/// The device's end of a TCP wire.
class Listener {
 public:
  Listener() : acceptor_(io_, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}, false) {}

  std::string address() const {
    return "tcp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  Tcp::socket accept() { return acceptor_.accept(); }
  void close() { acceptor_.close(); }

 private:
  asio::io_context io_{1};
  Tcp::acceptor acceptor_;
};

void send_text(Tcp::socket& peer, std::string_view text) { asio::write(peer, asio::buffer(text)); }

std::string received(Tcp::socket& peer, std::size_t count) {
  std::string out(count, '\0');
  boost::system::error_code wrong;
  asio::read(peer, asio::buffer(out), wrong);
  return wrong ? wrong.message() : out;
}

}  // namespace

TEST_CASE("port address: what is written is what is meant") {
  const auto serial = PortAddress::parse("serial:/dev/ttyUSB0?baud=19200&flow=rtscts");
  REQUIRE(bool(serial));
  CHECK(serial->scheme == "serial");
  CHECK(serial->host == "/dev/ttyUSB0");
  CHECK(serial->options.at("baud") == "19200");
  CHECK(serial->options.at("flow") == "rtscts");
  CHECK(PortAddress::parse("serial:COM3")->host == "COM3");

  const auto tcp = PortAddress::parse("tcp://printer.local:9100");
  REQUIRE(bool(tcp));
  CHECK(tcp->host == "printer.local");
  CHECK(tcp->port == 9100);
  CHECK(PortAddress::parse("tcp://[2001:db8::1]:9100")->host == "2001:db8::1");
  const auto ipp = PortAddress::parse("ipp://printer.local");
  REQUIRE(bool(ipp));
  CHECK(ipp->host == "printer.local");
  CHECK(ipp->port == 631);
  CHECK(ipp->path == "/ipp/print");
  CHECK(PortAddress::parse("ipp://192.0.2.7:8631/printers/laser")->port == 8631);
  CHECK(PortAddress::parse("ipp://192.0.2.7:8631/printers/laser")->path == "/printers/laser");
  CHECK(PortAddress::parse("ipp://[2001:db8::1]/")->host == "2001:db8::1");
  CHECK(PortAddress::parse("ipp://[2001:db8::1]/")->path == "/ipp/print");

  const auto usb = PortAddress::parse("usb:0400:C35A?path=1-2.3&out=0x02&in=0x81&detach=true");
  REQUIRE(bool(usb));
  CHECK(usb->host == "0400:c35a");
  const auto device = usb_address(*usb);
  REQUIRE(bool(device));
  CHECK(device->vendor == 0x0400);
  CHECK(device->product == 0xc35a);
  CHECK(device->path == "1-2.3");
  CHECK(device->out == 0x02);
  CHECK(device->in == 0x81);
  CHECK_FALSE(device->function);
  CHECK(device->detach);
  CHECK(device->text() == "usb:0400:c35a");
  CHECK(PortAddress::parse("usb-list:eef:1")->host == "eef:1");
  const auto snmp = PortAddress::parse("snmp://192.0.2.7");
  REQUIRE(bool(snmp));
  CHECK(snmp->port == 161);
  CHECK(snmp->options.at("community") == "public");
  CHECK(snmp->options.at("version") == "2c");
  const auto named = PortAddress::parse("snmp://[2001:db8::1]:8161?community=a@b/c&version=1");
  REQUIRE_MESSAGE(bool(named), named.error().text());
  CHECK(named->host == "2001:db8::1");
  CHECK(named->port == 8161);
  CHECK(named->options.at("community") == "a@b/c");
  CHECK(named->options.at("version") == "1");

  CHECK(PortAddress::parse("-")->scheme == "-");
  const auto modbus = PortAddress::parse("modbus+tcp://192.0.2.1");
  REQUIRE(bool(modbus));
  CHECK(modbus->host == "192.0.2.1");
  CHECK(modbus->port == 502);
  CHECK(PortAddress::parse("modbus+tcp://192.0.2.1:5020")->port == 5020);
  const auto line = PortAddress::parse("modbus+rtu:/dev/ttyS1?baud=19200&parity=even");
  REQUIRE(bool(line));
  CHECK(line->host == "/dev/ttyS1");
  CHECK(line->port == 0);
  CHECK(line->options.at("parity") == "even");
  CHECK(PortAddress::parse("modbus+rtu://192.0.2.1:4001")->port == 4001);
  CHECK(PortAddress::parse("nut://ups.local")->port == 3493);
  CHECK(PortAddress::parse("nut://ups.local:13493")->port == 13493);
}

TEST_CASE("port address: a mistake is told with an example of the right form") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"",
       "port \"\": no scheme before a colon; example: serial:/dev/ttyS0?baud=9600, "
       "tcp://192.0.2.10:9100 or -"},
      {"ttyS0", "no scheme before a colon"},
      {"lpt:1", "unknown scheme \"lpt\" (known: serial, tcp, ipp, snmp, usb"},
      {"serial:ttyS0", "a serial port is named by its device path"},
      {"serial:/dev/ttyS0?baud=9601", "baud = \"9601\" is not one of 1200, 2400"},
      {"serial:/dev/ttyS0?bauds=9600", "unknown option \"bauds\" (known: baud, data"},
      {"serial:/dev/ttyS0?baud", "option \"baud\" is not NAME=VALUE"},
      {"serial:/dev/ttyS0?stop=1&stop=2", "option \"stop\" is given twice"},
      {"tcp:printer:9100", "\"//\" is missing after tcp:; example: tcp://192.0.2.10:9100"},
      {"tcp://printer", "the port number is missing"},
      {"tcp://[::1]", "the port number is missing"},
      {"tcp://::1:9100", "an IPv6 address stands in brackets"},
      {"tcp://:9100", "the host is missing"},
      {"tcp://printer:0", "\"0\" is not a port number from 1 to 65535"},
      {"tcp://printer:91000", "\"91000\" is not a port number"},
      {"tcp://printer:9100?baud=9600", "tcp has no options"},
      {"ipp:printer", "\"//\" is missing after ipp:; example: ipp://192.0.2.10/ipp/print"},
      {"ipp:///ipp/print", "the host is missing"},
      {"ipp://printer:x/ipp", "\"x\" is not a port number"},
      {"ipp://ann:pass/word@printer/ipp",
       "port \"ipp://***@printer/ipp\": user and password are not supported here"},
      {"ipp://::1/ipp", "an IPv6 address stands in brackets; example: ipp://[2001:db8::10]:631"},
      {"ipp://printer/ipp?queue=1", "ipp has no options"},
      {"ipp://printer/ipp HTTP/1.1\r\nX: ", "only printable ASCII without spaces"},
      {"usb:04b8", "a USB device is named by two hexadecimal numbers, VID:PID; example: usb:04b8"},
      {"usb:04b8:0e15:1", "named by two hexadecimal numbers"},
      {"usb:04b80:0e15", "named by two hexadecimal numbers"},
      {"usb://04b8:0e15", "named by two hexadecimal numbers"},
      {"usb:04b8:0e15?baud=9600", "unknown option \"baud\" (known: serial, path, interface"},
      {"usb:04b8:0e15?in=0x01", "in = \"0x01\" is not such an endpoint (0x81 to 0x8f)"},
      {"usb:04b8:0e15?out=0x81", "out = \"0x81\" is not such an endpoint (0x01 to 0x0f)"},
      {"usb:04b8:0e15?interface=256", "interface = \"256\" is not a number up to 255"},
      {"usb:04b8:0e15?detach=yes", "detach = \"yes\" is not one of true, false"},
      {"usb:04b8:0e15?serial=", "serial is empty"},
      {"usb-list:04b8:0e15?detach=true", "unknown option \"detach\" (known: serial, path)"},
      {"modbus+tcp:board", "\"//\" is missing; example: modbus+tcp://192.0.2.10"},
      {"modbus+tcp://board?unit=2", "modbus+tcp has no options"},
      {"modbus+rtu:ttyS1", "a serial port is named by its device path; example: modbus+tcp"},
      {"modbus+rtu:/dev/ttyS1?unit=2", "unknown option \"unit\""},
      {"modbus+rtu://board", "the port number is missing"},
      {"nut:ups", "\"//\" is missing after nut:; example: nut://192.0.2.10"},
      {"nut://ups/office", "which UPS is the driver's setting ups"},
      {"nut://ann@ups", "user and password are not supported here"},
      {"snmp:printer",
       "\"//\" is missing after snmp:; example: snmp://192.0.2.10?community=public"},
      {"snmp://printer:0", "\"0\" is not a port number"},
      {"snmp://printer?version=4", "version = \"4\" is not one of 1, 2c, 3"},
      {"snmp://printer?authpass=s3cret&Password=s3cret2&v=1",
       "port \"snmp://printer?authpass=***&Password=***&v=1\": unknown option"},
      {"snmp://printer?community=", "community is 1 to 255 printable ASCII characters"},
      {"snmp://printer?community=s3cret&v=1",
       "port \"snmp://printer?community=***&v=1\": unknown option \"v\" (known: community, "
       "version)"},
      {"snmp://ann@printer?community=s3cret", "user and password are not supported here"},
      {"ipps://printer/ipp/print", "IPP over TLS is not supported; use ipp"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    const auto parsed = PortAddress::parse(text);
    REQUIRE_FALSE(bool(parsed));
    CHECK(parsed.error().code() == Errc::invalid);
    CHECK_MESSAGE(parsed.error().text().find(expected) != std::string::npos, parsed.error().text());
    const auto& zh = parsed.wrong().zh;
    CHECK_MESSAGE(zh.find("端口 \"") == 0, zh);
    CHECK_MESSAGE(zh.find("；示例：") != std::string::npos, zh);
    CHECK_MESSAGE(zh.find(" is ") == std::string::npos, zh);
    CHECK_MESSAGE(zh.find("s3cret") == std::string::npos, zh);
  }
  const auto number = PortAddress::parse("tcp://printer:0");
  CHECK(number.wrong().in(Lang::zh_cn) ==
        "端口 \"tcp://printer:0\"：\"0\" 不是 1 至 65535 的端口号；示例：tcp://192.0.2.10:9100");
}

TEST_CASE("port \"-\" carries nothing, and a scheme without a transport says so") {
  const auto none = open_text("-");
  REQUIRE(bool(none));
  std::array<std::uint8_t, 1> byte{};
  CHECK((*none)->write(byte, within(seconds{1})).error().code() == Errc::unsupported);
  CHECK((*none)->read(byte, within(seconds{1})).error().code() == Errc::unsupported);
  PortAddress unknown;
  unknown.scheme = "pigeon";
  const SystemClock clock;
  const auto pigeon = open_port(unknown, clock, clock.mono());
  REQUIRE_FALSE(bool(pigeon));
  CHECK(pigeon.error().code() == Errc::unsupported);
}

TEST_CASE("tcp port: bytes go both ways") {
  Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  CHECK(received(peer, 4) == "pi\x03\xff");
  send_text(peer, "pong");
  CHECK(read_text(**port, 4) == "pong");
}

TEST_CASE("tcp port: silence is a timeout at the deadline, and a closed wire is disconnected") {
  Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  CHECK((*port)->read(into, start + milliseconds{30}).error().code() == Errc::timeout);
  CHECK(real_clock.mono() - start >= milliseconds{30});
  CHECK((*port)->read(into, start).error().code() == Errc::timeout);  // a deadline already past
  peer.close();
  CHECK((*port)->read(into, within(seconds{5})).error().code() == Errc::disconnected);
  // The reset that answers the first write makes a later one fail, without a signal.
  Result<void> sent;
  for (int i = 0; i < 1000 && sent; ++i) sent = (*port)->write(some_bytes, within(seconds{5}));
  REQUIRE_FALSE(bool(sent));
  CHECK(sent.error().code() == Errc::disconnected);
}

TEST_CASE("tcp port: a peer that does not read cannot hold a write past its deadline") {
  Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  const std::vector<std::uint8_t> much(32 * 1024 * 1024);
  CHECK((*port)->write(much, within(milliseconds{100})).error().code() == Errc::timeout);
}

TEST_CASE("tcp port: discard throws away what has arrived") {
  Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  send_text(peer, "late");
  std::array<std::uint8_t, 1> first{};
  REQUIRE(bool((*port)->read(first, within(seconds{5}))));  // so the rest is there too
  (*port)->discard();
  send_text(peer, "new");
  CHECK(read_text(**port, 3) == "new");
}

TEST_CASE("tcp port: cancel ends a running call from another thread, and every later one") {
  Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  std::thread other{[&] { (*port)->cancel(); }};
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  const auto got = (*port)->read(into, within(seconds{30}));
  other.join();
  CHECK(got.error().code() == Errc::disconnected);
  CHECK(real_clock.mono() - start < seconds{20});
  send_text(peer, "x");
  CHECK((*port)->read(into, within(seconds{5})).error().code() == Errc::disconnected);
  CHECK((*port)->write(some_bytes, within(seconds{5})).error().code() == Errc::disconnected);
}

TEST_CASE("tcp port: nobody there is refused, a name that cannot be is missing") {
  Listener device;
  const auto address = device.address();
  device.close();
  const auto refused = open_text(address);
  REQUIRE_FALSE(bool(refused));
  CHECK(refused.error().code() == Errc::refused);
  CHECK(refused.error().text().find(address) == 0);
  CHECK(open_text("tcp://no host:9100").error().code() == Errc::missing);
}

}  // namespace kw::drivers
