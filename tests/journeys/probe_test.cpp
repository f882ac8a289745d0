// kioskctl probe with no agent running: every driver against its simulated device, on every wire
// that one can be played on.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/journeys/process.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

/// The limit for a probe of a device that is well.
constexpr std::int64_t longest_ms = 1'000;

/// A driver whose other end is no wire of ours, and the test that plays it.
struct Unplayed {
  std::string_view driver;
  std::string_view why;
  std::string_view test;  ///< from the project's folder
};
constexpr Unplayed unplayed[] = {
    {"pcsc", "speaks to a service, which speaks USB", "tests/peers/pcscd.sh"},
    {"presence", "the other end is the system's list of USB devices", "tests/peers/usb/stage.cpp"},
    {"host", "the other end is the kernel", "drivers/host/driver_test.cpp"},
    {"software", "the other end is this machine's programs and files",
     "drivers/host/software/driver_test.cpp"},
    {"network_probe", "the other end is a network", "drivers/network/probe/driver_test.cpp"},
};

/// How a scheme's port is played; {} is a name of its own in a folder.
const std::map<std::string_view, std::string_view> wires{
    {"serial", "port = \"pty:{}\""},
    {"tcp", "port = \"tcp://127.0.0.1:0\""},
    {"ipp", "port = \"ipp://127.0.0.1:0/ipp/print\""},
    {"snmp", "port = \"snmp://127.0.0.1:0\""},
    {"nut", "port = \"nut://127.0.0.1:0\""},
    {"modbus+tcp", "port = \"modbus+tcp://127.0.0.1:0\""},
    {"modbus+rtu", "port = \"modbus+rtu:{}\"\nframing = \"rtu\""},
};
/// USB devices are played under the system's libusb, by umockdev.
constexpr std::string_view usb_test = "tests/peers/usb/stage.cpp";

/// What a scenario and a probe say beside the port, for the device to tell all that it can.
struct More {
  std::string_view driver;
  std::string_view played;
  std::vector<std::string> probed;
};
const std::vector<More> more{
    {"escpos", "model = \"epson\"", {"--set", "model=epson", "--set", "identify=true"}},
    {"f2", "", {"--set", "identify=true"}},
    {"scanner", "", {"--set", "port_is_ours=true"}},
};

More more_of(std::string_view driver) {
  const auto row = std::ranges::find(more, driver, &More::driver);
  return row == more.end() ? More{} : *row;
}

json::array listed(const std::string& tool, const std::string& verb, std::string_view what) {
  const auto told = run({program(tool), verb, "--json"});
  REQUIRE_MESSAGE(told.code == 0, told.text);
  return json::parse(told.text).at(what).as_array();
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

bool is_there(std::string_view test) {
  return std::filesystem::exists(std::filesystem::path{KW_SOURCE} / test);
}

/// "escpos on tcp", as the device is called.
std::string device_name(std::string_view driver, std::string_view scheme) {
  return fmt::format("{} on {}", driver, scheme);
}

/// The ports that kiosk-devices told, by device.
std::map<std::string, std::string> ports_in(const std::string& told) {
  std::map<std::string, std::string> out;
  std::istringstream lines{told};
  for (std::string line; std::getline(lines, line);) {
    json::error_code wrong;
    const auto value = json::parse(line, wrong);
    if (wrong || !value.as_object().contains("port")) continue;
    out[std::string{value.at("device").as_string()}] = value.at("port").as_string();
  }
  return out;
}

/// Probes the device on `port`: it says who it is and that it is well, in time.
void check_well(const json::object& driver, const std::string& port,
                const std::filesystem::path& data) {
  const std::string name{driver.at("name").as_string()};
  std::vector<std::string> words{
      program("kioskctl"), "--data", data.string(), "probe", name, port, "--json"};
  const auto said = more_of(name).probed;
  words.insert(words.end(), said.begin(), said.end());
  const auto told = run(words);
  CHECK_MESSAGE(told.code == 0, told.text);
  json::error_code wrong;
  const auto value = json::parse(told.text, wrong);
  REQUIRE_MESSAGE(!wrong, told.text);
  const auto& seen = value.as_object();
  CHECK(seen.at("driver") == driver.at("name"));
  CHECK(seen.at("kind") == driver.at("kind"));
  CHECK(seen.at("error").is_null());
  CHECK(seen.at("evidence") == driver.at("evidence"));
  CHECK(seen.at("health") == "ok");
  CHECK(seen.at("device_state") == "online");
  CHECK_MESSAGE(seen.at("conditions").as_array().empty(), told.text);
  CHECK(seen.at("elapsed_ms").to_number<std::int64_t>() < longest_ms);
  const auto& can = driver.at("capabilities").as_array();
  const auto& identity = seen.at("identity").as_object();
  const bool identified =
      std::ranges::any_of(identity, [](const auto& part) { return part.value().is_string(); });
  CHECK_MESSAGE(identified == (std::ranges::find(can, json::value("identity")) != can.end()),
                told.text);
}

}  // namespace

TEST_CASE("kioskctl probe finds every driver's device well within a second, without an agent") {
  const TempFolder folder;
  std::set<std::string> played;
  for (const auto& one : listed("kiosk-devices", "list", "protocols")) {
    played.emplace(one.at("protocol").as_string());
  }
  const auto drivers = listed("kioskctl", "drivers", "drivers");
  CHECK(drivers.size() == played.size() + std::size(unplayed));
  std::string scenario;
  std::vector<std::pair<json::object, std::string>> wanted;  // driver and scheme
  for (const auto& one : drivers) {
    const auto& driver = one.as_object();
    const std::string name{driver.at("name").as_string()};
    CAPTURE(name);
    const auto row = std::ranges::find(unplayed, name, &Unplayed::driver);
    if (!played.contains(name)) {
      REQUIRE_MESSAGE(row != std::end(unplayed), "has no player, and no other test is named");
      CHECK_MESSAGE(is_there(row->test), row->test);
      continue;
    }
    CHECK_MESSAGE(row == std::end(unplayed), "has a player by now");
    for (const auto& scheme : driver.at("schemes").as_array()) {
      const std::string on{scheme.as_string()};
      if (on == "usb") {
        CHECK(is_there(usb_test));
        continue;
      }
      const auto wire = wires.find(on);
      REQUIRE_MESSAGE(wire != wires.end(), on);
      const auto link = (folder.path() / fmt::format("wire-{}", wanted.size())).string();
      scenario += fmt::format("[[device]]\nname = \"{}\"\nprotocol = \"{}\"\n{}\n{}\n",
                              device_name(name, on), name,
                              fmt::format(fmt::runtime(wire->second), link), more_of(name).played);
      wanted.emplace_back(driver, on);
    }
  }
  std::ofstream{folder / "scenario.toml"} << scenario;
  Process devices{{program("kiosk-devices"), "run", (folder / "scenario.toml").string()},
                  folder / "devices"};
  std::map<std::string, std::string> ports;
  const bool up = eventually(20s, [&] {
    ports = ports_in(content(folder / "devices"));
    return ports.size() == wanted.size();
  });
  REQUIRE_MESSAGE(up, content(folder / "devices"));

  for (const auto& [driver, scheme] : wanted) {
    const std::string name{driver.at("name").as_string()};
    const auto& port = ports[device_name(name, scheme)];
    CAPTURE(name);
    CAPTURE(port);
    CHECK(port.starts_with(scheme + ":"));
    check_well(driver, port, folder / "no-agent");
  }
  // It says so when a device was asked for what must never be asked of it.
  CHECK(devices.stop() == 0);
}
