// Readers that give out identities nobody has, and everything that agent, kioskctl and collector
// leave behind afterwards: no such identity is anywhere in it.
#include <fstream>
#include <regex>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "drivers/ports/open.hpp"
#include "tests/journeys/canary_scan.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view module_number = "05.01-20120411-0002011994-0000000001";

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

/// kiosk-devices with a scenario, and the ports that it printed.
class Devices {
 public:
  Devices(const std::filesystem::path& folder, const std::string& scenario, std::size_t devices)
      : log_(folder / "devices.log") {
    std::filesystem::create_directories(folder);
    const auto file = folder / "scenario.toml";
    std::ofstream{file} << scenario;
    process_ = Process{{program("kiosk-devices"), "run", file.string()}, log_};
    REQUIRE(eventually(30s, [&] { return count(read(log_), "\"port\":") == devices; }));
  }

  std::string port(const std::string& device) const {
    const auto text = read(log_);
    std::smatch found;
    const std::regex line{"\"device\":\"" + device + "\"[^}]*\"port\":\"([^\"]+)\""};
    REQUIRE(std::regex_search(text, found, line));
    auto out = found[1].str();
    for (auto at = out.find("\\/"); at != std::string::npos; at = out.find("\\/")) out.erase(at, 1);
    return out;
  }
  std::string log() const { return read(log_); }
  int stop() { return process_.stop(); }
  int wait() { return process_.wait(); }

 private:
  std::filesystem::path log_;
  Process process_;
};

std::string reader(const std::string& name, const std::string& protocol, const std::string& more) {
  return "[[device]]\nname = \"" + name + "\"\nprotocol = \"" + protocol +
         "\"\nport = \"tcp://127.0.0.1:0\"\n" + more;
}

std::string on(const std::string& condition) {
  return "[[device.step]]\nafter_ms = 0\ncondition = \"" + condition + "\"\n";
}

std::string device(const std::string& name, const std::string& driver, const std::string& port) {
  return "[[device]]\nname = \"" + name + "\"\ndriver = \"" + driver + "\"\nport = \"" + port +
         "\"\npoll_ms = 200\n";
}

}  // namespace

TEST_CASE("canary: planted in any encoding, whole or broken into lines, it is found") {
  const TempFolder folder;
  const CanaryScan scan;
  CHECK(scan.needles().size() >= 3 * (4 * 16 + 2 * 5));
  for (const auto& needle : scan.needles()) {
    CAPTURE(needle.name);
    std::ofstream{folder / "planted", std::ios::binary} << "before" << needle.bytes << "\n";
    const auto found = scan.in_files(folder / "planted");
    CHECK(std::ranges::find(found, (folder / "planted").string() + ": " + needle.name) !=
          found.end());
    if (needle.encoding != "hex" && needle.encoding != "base64") continue;
    std::string broken;
    for (const char c : needle.bytes) {
      broken += needle.encoding == "hex" && c >= 'a' ? static_cast<char>(c - 32) : c;
      if (broken.size() % 5 == 4) broken += needle.encoding == "hex" ? ' ' : '\n';
    }
    const auto again = scan.in_bytes("x" + broken + "y");
    CHECK(std::ranges::find(again, needle.name) != again.end());
  }
  // Across the border of the pieces in which files are read.
  std::ofstream{folder / "planted", std::ios::binary}
      << std::string((std::size_t{16} << 20U) - 5, '\0') << scan.needles().front().bytes;
  CHECK(scan.in_files(folder / "planted").size() == 1);
  CHECK(scan.in_bytes("990101190001010011 no canary at all").empty());
}

TEST_CASE("canary: three reads of a self-test leave no identity in anything that is written") {
  const TempFolder folder;
  const auto ours = folder / "ours";
  std::filesystem::create_directory(ours);
  Devices devices{
      folder / "theirs",
      reader("id-reader", "sdt", "allow_reads = true\nread_ms = 30\n" + on("card-present")) +
          reader("polled-reader", "sdt", on("card-present")) +
          reader("card-reader", "crt310", on("card-inside")) +
          reader("card-issuer", "f2", on("card-inside")),
      4};
  CollectorRig collector{ours / "collector"};
  collector.start();
  AgentRig agent{ours / "agent", device("id-reader", "sdt", devices.port("id-reader")) +
                                     device("polled-reader", "sdt", devices.port("polled-reader")) +
                                     device("card-reader", "crt310", devices.port("card-reader")) +
                                     device("card-issuer", "f2", devices.port("card-issuer"))};
  agent.enroll(collector, "K1");
  Process running{{program("kiosk-agent"), "run", "--data", agent.data().string(), "--config",
                   agent.data().string() + ".toml", "--log-level", "debug"},
                  agent.log()};
  int asked = 0;
  const auto ctl = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {program("kioskctl"), "--data", agent.data().string(), "--config",
                                 agent.data().string() + ".toml", "--lang", "en"});
    const auto told = run(words);
    std::ofstream{ours / ("kioskctl-" + std::to_string(asked++) + ".txt")} << told.text;
    return told;
  };
  REQUIRE(eventually(60s, [&] {
    const auto told = ctl({"devices", "--json"});
    return count(told.text, "\"health\":\"ok\"") == 4 &&
           told.text.find(module_number) != std::string::npos;
  }));
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > 4; }));

  // At the kiosk, then from afar.
  const auto tested = ctl({"test", "id-reader", "--json"});
  REQUIRE_MESSAGE(tested.code == 0, tested.text);
  CHECK(tested.text.find("reads=3/3 codes=90,90,90") != std::string::npos);
  CHECK(ctl({"test", "id-reader"}).code == 0);
  const auto remote = collector.command({"command", "self-test", "--terminal", "K1", "--device",
                                         "id-reader", "--test", "read", "--wait"});
  CHECK_MESSAGE(remote.code == 0, remote.text);
  CHECK_MESSAGE(remote.text.find("reads=3/3") != std::string::npos, remote.text);
  std::ofstream{ours / "collector-command.txt"} << remote.text;
  const auto sent = devices.log();
  CHECK_MESSAGE(count(sent, "\"note\":\"canary identity sent, ") == 9, sent);

  // Everything that a support case would look at.
  for (const std::string verb : {"status", "devices", "events", "outbox", "doctor", "link"}) {
    ctl({verb});
    ctl({verb, "--json"});
  }
  CHECK(ctl({"events", "--samples", "--count", "500", "--json"}).code == 0);
  ctl({"bundle", "-o", (ours / "bundle.json").string()});
  CHECK(std::filesystem::file_size(ours / "bundle.json") > 1000);
  const auto bundle = collector.command({"command", "log-bundle", "--terminal", "K1", "--wait"});
  CHECK_MESSAGE(bundle.code == 0, bundle.text);
  REQUIRE(dump_memory(running.pid(), ours / "core"));

  const CanaryScan scan;
  const auto look = [&] {
    const auto found = scan.in_files(ours);
    for (const auto& finding : found) MESSAGE(finding);
    CHECK(found.empty());
  };
  // The memory is the agent's: it holds what a poll may know.
  CHECK(read(ours / "core").find(module_number) != std::string::npos);
  look();
  CHECK(running.stop() == 0);
  CHECK(collector.stop() == 0);
  look();
  CHECK(scan.files() > 40);

  // And a planted one would have been seen there.
  std::ofstream{agent.log(), std::ios::app} << scan.needles().front().bytes;
  CHECK(scan.in_files(ours).size() == 1);

  // Nobody asked any reader for more than was announced.
  CHECK(devices.stop() == 0);
  CHECK(devices.log().find("offence") == std::string::npos);
}

TEST_CASE("canary: a command that no poll may send ends kiosk-devices with an error") {
  const TempFolder folder;
  Devices devices{folder / "theirs", reader("polled-reader", "sdt", on("card-present")), 1};
  const SystemClock clock;
  const auto address = drivers::PortAddress::parse(devices.port("polled-reader"));
  REQUIRE(bool(address));
  const auto port = drivers::open_port(*address, clock, clock.mono() + 5s);
  REQUIRE(bool(port));
  const std::vector<std::uint8_t> read_base{0xaa, 0xaa, 0xaa, 0x96, 0x69,
                                            0x00, 0x03, 0x30, 0x01, 0x32};
  REQUIRE(bool((*port)->write(read_base, clock.mono() + 5s)));
  CHECK(devices.wait() == 3);
  const auto log = devices.log();
  CHECK(log.find("\"offence\":\"command 30 01 outside an announced self-test\"") !=
        std::string::npos);
  CHECK(log.find("canary") == std::string::npos);
}
