// The real drivers against kiosk-devices, over real sockets and pseudo-terminals: in-process for
// what must be looked at closely, as the program for what a person does.
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

#include <boost/json.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/platform/modem_lines.hpp"
#include "common/platform/posix/descriptor.hpp"
#include "drivers/ports/open.hpp"
#include "drivers/simulators/scenario.hpp"
#include "drivers/simulators/stage.hpp"
#include "tests/drivers/playing.hpp"
#include "tests/drivers/support.hpp"

namespace kw::devices {
namespace {

using drivers::TempFolder;
using platform::Descriptor;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A child process with its output read through a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::array<int, 2> out{};
    REQUIRE(::pipe2(out.data(), O_CLOEXEC) == 0);
    output_ = Descriptor{out[0]};
    const Descriptor writes{out[1]};
    arguments.insert(arguments.begin(), KW_DEVICES_PROGRAM);
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writes.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, writes.get(), STDERR_FILENO);
    REQUIRE(::posix_spawn(&pid_, KW_DEVICES_PROGRAM, &actions, nullptr, argv.data(), ::environ) ==
            0);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  ~Program() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  std::string line() {
    while (buffer_.find('\n') == std::string::npos) {
      pollfd ready{output_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 10'000) != 1) return "nothing was printed";
      std::array<char, 4096> chunk{};
      const auto got = ::read(output_.get(), chunk.data(), chunk.size());
      if (got <= 0) return std::exchange(buffer_, {});
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    const auto end = buffer_.find('\n');
    auto out = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return out;
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// Its exit code, or -1 when a signal ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  Descriptor output_;
  std::string buffer_;
};

/// Speaks to a control socket as `kiosk-devices set` does.
int set_condition(const std::filesystem::path& control, const std::string& device,
                  const std::string& condition, const std::string& on,
                  std::string* line = nullptr) {
  Program program{{"set", "--control", control.string(), device, condition, on}};
  const auto said = program.line();
  if (line != nullptr) *line = said;
  return program.wait();
}

std::string scenario_for(const std::string& port, const std::string& model,
                         const std::string& more = {}) {
  return "[[device]]\nname = \"receipt\"\nprotocol = \"escpos\"\nport = \"" + port +
         "\"\nmodel = \"" + model + "\"\n" + more;
}

}  // namespace

TEST_CASE("kiosk-devices: the driver sees every condition of every model over a real socket") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  for (const std::string model : {"generic", "epson", "snbc-bt-t080", "snbc-btp-m300",
                                  "snbc-btp-r580", "better-bt-532c", "custom-kpm", "sprt"}) {
    CAPTURE(model);
    std::vector<config::Problem> problems;
    const auto document =
        config::parse(scenario_for("tcp://127.0.0.1:0", model), "test.toml", problems);
    auto devices = read_scenario(*document, problems);
    REQUIRE(bool(devices));
    const auto conditions = devices->at(0).player->conditions();
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE(bool(stage));

    for (const auto& condition : conditions) {
      if (wire::find_condition(condition) == nullptr || condition == "no-reply") continue;
      CAPTURE(condition);
      REQUIRE(bool((*stage)->change("receipt", condition, true)));
      {
        // A stage runs as often as it is asked to; between runs its conditions can be changed here.
        std::thread runs{[&] { (*stage)->run(); }};
        const auto attached = attach((*stage)->addresses()[0], {{"model", model}});
        const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
        const auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
        (*stage)->stop();
        runs.join();
        REQUIRE_MESSAGE(bool(status), status.error().text());
        CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
      }
      REQUIRE(bool((*stage)->change("receipt", condition, false)));
    }
  }
}

TEST_CASE("kiosk-devices: a printer on TCP runs out of paper and gets new") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  Playing playing{scenario_for("tcp://127.0.0.1:0", "epson"), control};
  const auto attached = attach(playing.address(), {{"model", "epson"}});
  const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
  REQUIRE_MESSAGE(bool(opened), opened.error().text());
  auto status = attached.poll();
  REQUIRE(bool(status));
  CHECK(status->conditions.empty());
  CHECK(status->identity.vendor == "EPSON");
  CHECK(status->identity.model == "TM-T88VI");

  const auto before = micros(real_clock.wall());
  std::string line;
  CHECK(set_condition(control, "receipt", "media-empty", "on", &line) == 0);
  CHECK(playing.announced(1) == line);
  const auto change = object_of(line);
  CHECK(change.at("device").as_string() == "receipt");
  CHECK(change.at("condition").as_string() == "media-empty");
  CHECK(change.at("on").as_bool());
  CHECK(change.at("at_us").as_int64() >= before);
  CHECK(change.at("at_us").as_int64() <= micros(real_clock.wall()));

  status = attached.poll();
  REQUIRE(bool(status));
  CHECK(drivers::codes_of(*status) == std::vector<std::string>{"media-empty"});
  CHECK(status->conditions[0].vendor_code == "EOT2=32 EOT4=7e");

  CHECK(set_condition(control, "receipt", "media-empty", "off") == 0);
  CHECK(attached.poll()->conditions.empty());
}

TEST_CASE(
    "kiosk-devices: the same over a serial line, with the counted paper of a Custom printer") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  const auto link = folder.path() / "ttyPrinter";
  {
    Playing playing{scenario_for("pty:" + link.string(), "custom-kpm", "paper_left_cm = 510\n"),
                    control};
    CHECK(playing.address() == "serial:" + link.string());
    const auto attached = attach(playing.address() + "?baud=19200", {{"model", "custom-kpm"}});
    REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
    auto status = attached.poll();
    REQUIRE_MESSAGE(bool(status), status.error().text());
    CHECK(status->consumables.at(0).available == 5.1);
    CHECK(set_condition(control, "receipt", "cover-open", "on") == 0);
    status = attached.poll();
    REQUIRE(bool(status));
    CHECK(drivers::codes_of(*status) == std::vector<std::string>{"cover-open"});
  }
  CHECK_FALSE(std::filesystem::is_symlink(link));
  CHECK_FALSE(std::filesystem::exists(control));
}

TEST_CASE("kiosk-devices: a silent, a noisy and a slow printer") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  Playing playing{scenario_for("tcp://127.0.0.1:0", "generic", "slow_ms = 60\n"), control};
  const auto attached = attach(playing.address(), {{"timeout_ms", "150"}});
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));

  CHECK(set_condition(control, "receipt", "no-reply", "on") == 0);
  CHECK(attached.poll().error().code() == Errc::timeout);
  CHECK(set_condition(control, "receipt", "no-reply", "off") == 0);
  CHECK(bool(attached.poll()));

  CHECK(set_condition(control, "receipt", "garbage", "on") == 0);
  CHECK(attached.poll().error().code() == Errc::garbled);
  // One damaged byte for the one that was asked for: no other device.
  CHECK(attached.driver->open(*attached.port, within(seconds{5})).error().code() == Errc::garbled);
  CHECK(set_condition(control, "receipt", "garbage", "off") == 0);
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
  REQUIRE(bool(attached.poll()));

  CHECK(set_condition(control, "receipt", "slow", "on") == 0);
  const auto start = real_clock.mono();
  CHECK(bool(attached.poll()));
  CHECK(real_clock.mono() - start >= milliseconds{4 * 60});
}

TEST_CASE("kiosk-devices: automatic status and print data of a business application") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  Playing playing{scenario_for("tcp://127.0.0.1:0", "epson"), control};
  const auto address = drivers::PortAddress::parse(playing.address());
  const auto port = drivers::open_port(*address, real_clock, within(seconds{5}));
  REQUIRE(bool(port));
  const auto said = [&](std::size_t count) {
    Bytes out;
    std::array<std::uint8_t, 64> chunk{};
    while (out.size() < count) {
      const auto n = (*port)->read(chunk, within(seconds{5}));
      REQUIRE(bool(n));
      out.insert(out.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*n));
    }
    return out;
  };
  const auto say = [&](const Bytes& bytes) {
    REQUIRE(bool((*port)->write(bytes, within(seconds{5}))));
  };
  say({0x1b, 0x40, 'h', 'e', 'l', 'l', 'o', '\n', 0x1d, 0x56, 0x00, 0x1d, 0x61, 0xff});
  CHECK(said(4) == Bytes{0x10, 0x00, 0x00, 0x0f});
  say({0x1d});
  say({0x72});
  say({0x31, 0x10, 0x04});
  say({0x04});
  CHECK(said(2) == Bytes{0x00, 0x12});
  CHECK(set_condition(control, "receipt", "cover-open", "on") == 0);
  CHECK(said(4) == Bytes{0x38, 0x00, 0x00, 0x0f});
  // Off-line it still answers in real time, and nothing that waits behind the data.
  say({0x1d, 0x72, 0x01, 0x10, 0x04, 0x02});
  CHECK(said(1) == Bytes{0x16});
}

TEST_CASE("kiosk-devices: one client at a time, the next waits for its turn") {
  const TempFolder folder;
  Playing playing{scenario_for("tcp://127.0.0.1:0", "generic"), folder.path() / "control"};
  auto first = attach(playing.address(), {});
  REQUIRE(bool(first.driver->open(*first.port, within(seconds{5}))));
  auto second = attach(playing.address(), {{"timeout_ms", "100"}});
  CHECK(second.driver->open(*second.port, within(seconds{5})).error().code() == Errc::timeout);
  first.port.reset();
  const auto third = attach(playing.address(), {});
  // The second one's question was waiting and is answered first; then it leaves.
  second.port.reset();
  CHECK(bool(third.driver->open(*third.port, within(seconds{5}))));
}

TEST_CASE("kiosk-devices: a scripted change happens by itself") {
  const TempFolder folder;
  Playing playing{scenario_for("tcp://127.0.0.1:0", "generic",
                               "[[device.step]]\nafter_ms = 20\ncondition = \"media-low\"\n"
                               "[[device.step]]\nafter_ms = 40\ncondition = \"media-low\"\n"
                               "on = false\n"),
                  folder.path() / "control"};
  CHECK(object_of(playing.announced(0)).at("port").as_string() == playing.address());
  CHECK(object_of(playing.announced(1)).at("on").as_bool());
  CHECK_FALSE(object_of(playing.announced(2)).at("on").as_bool());
}

TEST_CASE("kiosk-devices: a scenario's mistakes are told with line and key") {
  std::vector<config::Problem> problems;
  const auto document = config::parse(
      "[[device]]\nname = \"a\"\nprotocol = \"escpos\"\nport = \"tcp://127.0.0.1:0\"\n"
      "model = \"nosuch\"\n"
      "[[device]]\nname = \"a\"\nprotocol = \"fax\"\nport = \"x\"\n"
      "[[device]]\nname = \"c\"\nprotocol = \"escpos\"\nport = \"tcp://127.0.0.1:0\"\ncolour = 1\n"
      "[[device.step]]\nafter_ms = 1\ncondition = \"on-fire\"\n"
      "[[device]]\nname = \"d\"\nprotocol = \"snmp\"\nport = \"tcp://127.0.0.1:0\"\n"
      "toner_pages = 7000\n",
      "bad.toml", problems);
  REQUIRE(bool(document));
  CHECK_FALSE(bool(read_scenario(*document, problems)));
  std::string all;
  for (const auto& p : problems) all += p.in(Lang::en) + "\n";
  CAPTURE(all);
  CHECK(problems.size() == 6);
  CHECK(all.find("bad.toml:5: device.0.model: bad value: model = \"nosuch\": unknown") !=
        std::string::npos);
  CHECK(all.find("bad.toml:8: device.1.protocol: bad value; expected known: escpos") !=
        std::string::npos);
  const auto unknown = all.find("device.2.colour: unknown key");
  REQUIRE(unknown != std::string::npos);
  // Beside what every device has, those of the protocol.
  const auto known = all.substr(unknown, all.find('\n', unknown) - unknown);
  CHECK(known.find("name") != std::string::npos);
  CHECK(known.find("model") != std::string::npos);
  CHECK(all.find("device.3.toner_pages: out of range; expected integer from -3 to 6000") !=
        std::string::npos);
  CHECK(all.find("device.2.step.0.condition: bad value; expected known: cover-open") !=
        std::string::npos);
}

TEST_CASE("kiosk-devices: the laser printer's conditions, each as the driver sees it") {
  const TempFolder folder;
  for (const std::string settings :
       {"supplies = \"both\"", "supplies = \"marker\"", "supplies = \"printer-supply\"",
        "supplies = \"none\"", "chunked = true", "newest_version = \"1.1\""}) {
    CAPTURE(settings);
    std::vector<config::Problem> problems;
    const auto document = config::parse(
        "[[device]]\nname = \"laser\"\nprotocol = \"ipp\"\nport = "
        "\"ipp://127.0.0.1:0/ipp/print\"\n" +
            settings + "\n",
        "test.toml", problems);
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    const auto conditions = devices->at(0).player->conditions();
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE(bool(stage));
    std::size_t seen = 0;
    const auto look = [&] {
      std::thread runs{[&] { (*stage)->run(); }};
      const auto attached = attach((*stage)->addresses()[0], {}, "ipp");
      const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
      auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
      (*stage)->stop();
      runs.join();
      REQUIRE_MESSAGE(bool(status), status.error().text());
      return std::move(*status);
    };
    for (const auto& condition : conditions) {
      if (wire::find_condition(condition) == nullptr || condition == "no-reply") continue;
      CAPTURE(condition);
      REQUIRE(bool((*stage)->change("laser", condition, true)));
      CHECK(drivers::codes_of(look()) == std::vector<std::string>{condition});
      REQUIRE(bool((*stage)->change("laser", condition, false)));
      ++seen;
    }
    CHECK(seen == 16);
    const auto status = look();
    CHECK(wire::health_of(status) == wire::Health::ok);
    CHECK(status.identity == wire::Identity{"Kiosk", "Laser 200", "KWL0000001", "1.4.2"});
    CHECK(status.consumables.size() == (settings.find("none") == std::string::npos ? 3U : 1U));
  }
}

TEST_CASE("kiosk-devices: a laser printer jams, pauses, is busy, is elsewhere, and prints again") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  Playing playing{
      "[[device]]\nname = \"laser\"\nprotocol = \"ipp\"\nport = \"ipp://127.0.0.1:0/ipp/print\"\n",
      control};
  const auto attached = attach(playing.address(), {}, "ipp");
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
  const auto with = [&](const std::string& condition) {
    REQUIRE(set_condition(control, "laser", condition, "on") == 0);
    auto status = attached.poll();
    REQUIRE(set_condition(control, "laser", condition, "off") == 0);
    return status;
  };
  CHECK(with("media-jam")->media == wire::Media::jammed);
  CHECK(with("paused")->device == wire::DeviceState::online);
  CHECK(with("shutdown")->device == wire::DeviceState::power_off);
  CHECK(with("processing")->device == wire::DeviceState::device_busy);
  CHECK(drivers::codes_of(*with("stopped")) == std::vector<std::string>{"printer-stopped"});
  CHECK(drivers::codes_of(*with("rejecting-jobs")) ==
        std::vector<std::string>{"not-accepting-jobs"});
  CHECK(with("toner-empty")->consumables.at(1).percent == 0.0);
  CHECK(drivers::codes_of(*with("busy")) == std::vector<std::string>{"printer-too-busy"});
  CHECK(drivers::codes_of(*with("not-found")) == std::vector<std::string>{"bad-configuration"});
  CHECK(with("garbage").error().code() == Errc::garbled);
  CHECK(wire::health_of(*attached.poll()) == wire::Health::ok);
}

TEST_CASE("kiosk-devices: a printer with an SNMP agent, every condition as the driver sees it") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  for (const std::string settings : {"", "only_v1 = true", "alerts = false"}) {
    CAPTURE(settings);
    Playing playing{
        "[[device]]\nname = \"laser\"\nprotocol = \"snmp\"\nport = \"snmp://127.0.0.1:0\"\n" +
            settings + "\n",
        control};
    const bool old = settings.starts_with("only_v1");
    const auto attached = attach(playing.address() + (old ? "?version=1" : ""), {}, "snmp");
    REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
    const auto with = [&](const std::string& condition) {
      REQUIRE(set_condition(control, "laser", condition, "on") == 0);
      auto status = attached.poll();
      REQUIRE(set_condition(control, "laser", condition, "off") == 0);
      REQUIRE_MESSAGE(bool(status), status.error().text());
      return std::move(*status);
    };
    for (const std::string condition :
         {"media-low", "media-empty", "toner-low", "toner-empty", "cover-open", "media-jam",
          "printer-offline", "service-requested", "input-tray-missing", "marker-supply-missing",
          "output-area-full", "maintenance-due"}) {
      CAPTURE(condition);
      CHECK(drivers::codes_of(with(condition)) == std::vector<std::string>{condition});
    }
    for (const std::string condition :
         {"marker-waste-almost-full", "marker-waste-full", "opc-near-eol", "fuser-over-temp"}) {
      CAPTURE(condition);
      // Only alerts tell of these.
      const bool told = settings != "alerts = false";
      CHECK((drivers::codes_of(with(condition)) == std::vector<std::string>{condition}) == told);
    }
    CHECK(with("printing").device == wire::DeviceState::device_busy);
    CHECK(wire::health_of(*attached.poll()) == wire::Health::ok);
  }
}

TEST_CASE("kiosk-devices: an SNMP agent that is vague, silent, noisy, slow, and another") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  Playing playing{
      "[[device]]\nname = \"laser\"\nprotocol = \"snmp\"\nport = \"snmp://127.0.0.1:0\"\n"
      "community = \"kiosk\"\nstate_bytes = 1\njam_as_service = true\nalerts = false\n"
      "slow_ms = 150\n",
      control};
  const auto address = playing.address();
  const auto stranger = attach(address, {{"timeout_ms", "50"}}, "snmp");
  CHECK(stranger.driver->open(*stranger.port, within(seconds{5})).error().code() == Errc::timeout);
  const auto attached = attach(address + "?community=kiosk", {{"timeout_ms", "100"}}, "snmp");
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
  const auto with = [&](const std::string& condition) {
    REQUIRE(set_condition(control, "laser", condition, "on") == 0);
    auto status = attached.poll();
    REQUIRE(set_condition(control, "laser", condition, "off") == 0);
    return status;
  };
  for (const std::string condition : {"media-jam", "cover-open"}) {
    const auto status = with(condition);
    REQUIRE(bool(status));
    CHECK(drivers::codes_of(*status) == std::vector<std::string>{"service-requested"});
    CHECK(wire::health_of(*status) == wire::Health::fault);
  }
  CHECK(with("no-reply").error().code() == Errc::timeout);
  CHECK(with("garbage").error().code() == Errc::garbled);
  CHECK(with("wrong-id").error().code() == Errc::timeout);
  CHECK(with("no-printer").error().code() == Errc::garbled);
  // Each answer comes after the question was asked again, and is taken: it is to the same one.
  CHECK(bool(with("slow")));
  CHECK(wire::health_of(*attached.poll()) == wire::Health::ok);
}

TEST_CASE("kiosk-devices: a PJL printer of every dialect, and what is wrong with it") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  for (const std::string dialect : {"hp", "panasonic", "brother"}) {
    CAPTURE(dialect);
    Playing playing{
        "[[device]]\nname = \"laser\"\nprotocol = \"pjl\"\nport = \"tcp://127.0.0.1:0\"\n"
        "dialect = \"" +
            dialect + "\"\n",
        control};
    const auto attached = attach(playing.address(), {}, "pjl");
    REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
    REQUIRE(bool(attached.poll()));  // what `open` was told
    const auto with = [&](const std::string& condition, Duration limit) {
      REQUIRE(set_condition(control, "laser", condition, "on") == 0);
      auto status = attached.driver->poll(within(limit));
      REQUIRE(set_condition(control, "laser", condition, "off") == 0);
      return status;
    };
    for (const std::string condition :
         {"unrecoverable-error", "media-jam", "cover-open", "marker-supply-missing", "media-empty",
          "output-area-full", "printer-offline", "toner-low", "media-low"}) {
      CAPTURE(condition);
      const auto status = with(condition, seconds{5});
      REQUIRE_MESSAGE(bool(status), status.error().text());
      CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
    }
    CHECK(with("printing", seconds{5})->device == wire::DeviceState::device_busy);
    CHECK(with("chatter", seconds{5})->conditions.empty());
    CHECK(bool(with("slow", seconds{5})));
    CHECK(with("no-reply", milliseconds{100}).error().code() == Errc::timeout);
    CHECK(with("garbage", milliseconds{100}).error().code() == Errc::garbled);
    const auto status = attached.poll();
    REQUIRE(bool(status));
    CHECK(wire::health_of(*status) == wire::Health::ok);
    CHECK(status->identity.model == "HP LASERJET KIOSK");
  }
}

TEST_CASE("kiosk-devices: a port is told as agent.toml takes it, however the scenario has it") {
  const TempFolder folder;
  const auto line = (folder.path() / "ttyCabinet").string();
  struct Row {
    std::string_view protocol;
    std::string port;
    std::string_view more;
    std::string told;  ///< what it begins with
  };
  for (const auto& row : std::vector<Row>{
           {"modbus", "tcp://127.0.0.1:0", "", "modbus+tcp://127.0.0.1:"},
           {"modbus", "tcp://127.0.0.1:0", "framing = \"rtu\"", "modbus+rtu://127.0.0.1:"},
           {"modbus", "pty:" + line, "framing = \"rtu\"", "modbus+rtu:" + line},
           {"modbus", "modbus+rtu:" + line, "framing = \"rtu\"", "modbus+rtu:" + line},
           {"ipp", "tcp://127.0.0.1:0", "", "ipp://127.0.0.1:"},
           {"nut", "nut://127.0.0.1:0", "", "nut://127.0.0.1:"},
           {"escpos", "tcp://127.0.0.1:0", "", "tcp://127.0.0.1:"},
           {"zt588", "pty:" + line, "", "serial:" + line}}) {
    CAPTURE(row.protocol);
    CAPTURE(row.port);
    Playing playing{fmt::format("[[device]]\nname = \"d\"\nprotocol = \"{}\"\nport = \"{}\"\n{}\n",
                                row.protocol, row.port, row.more),
                    {}};
    const std::string told{object_of(playing.announced(0)).at("port").as_string()};
    CHECK_MESSAGE(told.starts_with(row.told), told);
    CHECK(told == playing.address());
    const auto address = drivers::PortAddress::parse(told);
    REQUIRE(bool(address));
    CHECK(drivers::fits(*drivers::find(row.protocol), address->scheme));
  }
}

TEST_CASE("kiosk-devices: the cabinet's conditions, each as the driver sees it, on both wires") {
  const TempFolder folder;
  const auto link = folder.path() / "ttyCabinet";
  const std::vector<std::string> wires{
      "port = \"modbus+tcp://127.0.0.1:0\"",
      "port = \"modbus+rtu:" + link.string() + "\"\nframing = \"rtu\"",
      "port = \"modbus+rtu://127.0.0.1:0\"\nframing = \"rtu\""};
  for (const auto& wire : wires) {
    CAPTURE(wire);
    std::vector<config::Problem> problems;
    const auto document =
        config::parse("[[device]]\nname = \"cabinet\"\nprotocol = \"modbus\"\n" + wire + "\n",
                      "test.toml", problems);
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    const auto conditions = devices->at(0).player->conditions();
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE(bool(stage));
    std::size_t seen = 0;
    const auto look = [&] {
      std::thread runs{[&] { (*stage)->run(); }};
      const auto attached = attach((*stage)->addresses()[0], {{"timeout_ms", "150"}}, "modbus");
      const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
      auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
      (*stage)->stop();
      runs.join();
      return status;
    };
    const auto with = [&](const std::string& condition) {
      REQUIRE(bool((*stage)->change("cabinet", condition, true)));
      auto status = look();
      REQUIRE(bool((*stage)->change("cabinet", condition, false)));
      return status;
    };
    for (const auto& condition : conditions) {
      if (wire::find_condition(condition) == nullptr || condition == "no-reply") continue;
      CAPTURE(condition);
      const auto status = with(condition);
      REQUIRE_MESSAGE(bool(status), status.error().text());
      CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
      ++seen;
    }
    CHECK(seen == 12);
    CHECK(drivers::codes_of(*with("no-inputs")) == std::vector<std::string>{"bad-configuration"});
    CHECK(drivers::codes_of(*with("device-failure")) == std::vector<std::string>{"board-error"});
    CHECK(with("busy").error().code() == Errc::timeout);
    CHECK(with("gateway-timeout").error().code() == Errc::timeout);
    CHECK(with("no-reply").error().code() == Errc::timeout);
    CHECK(with("garbage").error().code() == Errc::refused);
    CHECK(with("other-unit").error().code() == Errc::refused);
    const bool line = wire.find("rtu") != std::string::npos;
    CHECK(bool(with("noise")));
    CHECK(bool(with("bad-crc")) != line);
    CHECK(drivers::codes_of(*look()).empty());
  }
}

TEST_CASE("kiosk-devices: the UPS's conditions, each as the driver sees it") {
  std::vector<config::Problem> problems;
  const auto document = config::parse(
      "[[device]]\nname = \"ups\"\nprotocol = \"nut\"\nport = \"nut://127.0.0.1:0\"\n", "test.toml",
      problems);
  auto devices = read_scenario(*document, problems);
  REQUIRE_MESSAGE(bool(devices), devices.error().text());
  const auto conditions = devices->at(0).player->conditions();
  const auto* card = drivers::find("nut");
  const auto has_row = [&](const std::string& code) {
    return wire::find_condition(code) != nullptr ||
           std::ranges::find(card->conditions, code, &wire::ConditionRow::code) !=
               card->conditions.end();
  };
  auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
  REQUIRE(bool(stage));
  const auto with = [&](const std::string& condition) {
    REQUIRE(bool((*stage)->change("ups", condition, true)));
    std::thread runs{[&] { (*stage)->run(); }};
    const auto attached = attach((*stage)->addresses()[0], {}, "nut");
    const auto opened = attached.driver->open(*attached.port, within(milliseconds{500}));
    auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
    (*stage)->stop();
    runs.join();
    REQUIRE(bool((*stage)->change("ups", condition, false)));
    return status;
  };
  std::size_t seen = 0;
  for (const auto& condition : conditions) {
    if (!has_row(condition) || condition == "no-reply") continue;
    CAPTURE(condition);
    const auto status = with(condition);
    REQUIRE_MESSAGE(bool(status), status.error().text());
    CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
    ++seen;
  }
  CHECK(seen == 8);
  for (const std::string lost : {"data-stale", "driver-not-connected"}) {
    CHECK(drivers::codes_of(*with(lost)) == std::vector<std::string>{"ups-unreachable"});
  }
  CHECK(wire::health_of(*with("charging")) == wire::Health::ok);
  CHECK(wire::health_of(*with("calibrating")) == wire::Health::busy);
  CHECK(wire::health_of(*with("starting")) == wire::Health::unknown);
  CHECK(drivers::codes_of(*with("access-denied")) == std::vector<std::string>{"bad-configuration"});
  CHECK(drivers::codes_of(*with("no-ups")) == std::vector<std::string>{"bad-configuration"});
  CHECK(with("garbage").error().code() == Errc::timeout);  // no end of a line in it
  CHECK(with("no-reply").error().code() == Errc::timeout);
}

TEST_CASE("kiosk-devices: a Star printer's conditions, each as the driver sees it") {
  const TempFolder folder;
  const auto link = folder.path() / "ttyStar";
  for (const auto& wire :
       std::vector<std::string>{std::string{"port = \"tcp://127.0.0.1:0\""},
                                "port = \"pty:" + link.string() + "\"\nstatus_version = 1"}) {
    CAPTURE(wire);
    std::vector<config::Problem> problems;
    const auto document =
        config::parse("[[device]]\nname = \"receipt\"\nprotocol = \"star\"\n" + wire + "\n",
                      "test.toml", problems);
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    const auto conditions = devices->at(0).player->conditions();
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE(bool(stage));
    const auto with = [&](const std::string& condition) {
      REQUIRE(bool((*stage)->change("receipt", condition, true)));
      std::thread runs{[&] { (*stage)->run(); }};
      const auto attached = attach((*stage)->addresses()[0], {{"timeout_ms", "150"}}, "star");
      const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
      auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
      (*stage)->stop();
      runs.join();
      REQUIRE(bool((*stage)->change("receipt", condition, false)));
      return status;
    };
    std::size_t seen = 0;
    for (const auto& condition : conditions) {
      if (wire::find_condition(condition) == nullptr || condition == "no-reply") continue;
      CAPTURE(condition);
      const auto status = with(condition);
      REQUIRE_MESSAGE(bool(status), status.error().text());
      CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
      ++seen;
    }
    CHECK(seen == (wire.find("version") == std::string::npos ? 10U : 9U));
    CHECK(wire::health_of(*with("drawer-high")) == wire::Health::ok);
    CHECK(with("no-reply").error().code() == Errc::timeout);
    CHECK(with("garbage").error().code() == Errc::refused);
  }
}

TEST_CASE("kiosk-devices: the program plays a driver's own scenario until it is told to end") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  const std::filesystem::path drivers_folder{KW_DRIVERS_FOLDER};
  Program program{{"run", (drivers_folder / "receipt_printer/escpos/scenario.toml").string(),
                   "--control", control.string()}};
  const auto started = object_of(program.line());
  CHECK(started.at("device").as_string() == "receipt");
  CHECK(started.at("protocol").as_string() == "escpos");
  const auto attached = attach(std::string{started.at("port").as_string()}, {{"model", "epson"}});
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
  REQUIRE(bool(attached.poll()));

  std::string said;
  CHECK(set_condition(control, "receipt", "media-emty", "on", &said) == 2);
  CHECK(said.find("no condition \"media-emty\" (known: cover-open, cutter-error") !=
        std::string::npos);
  CHECK(set_condition(control, "recipt", "media-empty", "on", &said) == 2);
  CHECK(said.find("no device \"recipt\" (known: receipt)") != std::string::npos);
  CHECK(set_condition(control, "receipt", "media-empty", "perhaps", &said) == 2);
  CHECK(set_condition(folder.path() / "nowhere", "receipt", "media-empty", "on", &said) == 1);
  CHECK(attached.poll()->conditions.empty());  // nothing was changed by any of these

  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(control));
  CHECK(attached.poll().error().code() == Errc::disconnected);
}

TEST_CASE("kiosk-devices: a control socket left behind is taken over, one in use is not") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  const auto scenario = folder.path() / "s.toml";
  std::ofstream{scenario} << scenario_for("tcp://127.0.0.1:0", "generic");
  {
    Program killed{{"run", scenario.string(), "--control", control.string()}};
    object_of(killed.line());
    Program second{{"run", scenario.string(), "--control", control.string()}};
    CHECK(second.line().find("another kiosk-devices listens there") != std::string::npos);
    CHECK(second.wait() == 1);
    killed.signal(SIGKILL);
    killed.wait();
  }
  CHECK(std::filesystem::exists(control));
  Program next{{"run", scenario.string(), "--control", control.string()}};
  object_of(next.line());
  CHECK(set_condition(control, "receipt", "cover-open", "on") == 0);
}

TEST_CASE("kiosk-devices: a keypad on a pseudo-terminal, which has no modem lines") {
  const TempFolder folder;
  const auto control = folder.path() / "control";
  const auto link = (folder.path() / "keypad").string();
  Playing playing{
      "[[device]]\nname = \"keypad\"\nprotocol = \"zt588\"\nport = \"pty:" + link + "\"\n",
      control};
  const auto attached = attach(playing.address() + "?baud=115200&flow=rtscts", {}, "zt588");
  const auto* lines = dynamic_cast<const platform::ModemLines*>(attached.port.get());
  REQUIRE(lines != nullptr);
  CHECK_FALSE(lines->data_set_ready().has_value());
  const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
  REQUIRE_MESSAGE(bool(opened), opened.error().text());
  auto status = attached.poll();
  REQUIRE(bool(status));
  CHECK(status->device == wire::DeviceState::online);
  CHECK(status->identity.model == "ZT588D");

  CHECK(set_condition(control, "keypad", "key-missing", "on") == 0);
  status = attached.poll();
  REQUIRE(bool(status));
  CHECK(drivers::codes_of(*status) == std::vector<std::string>{"key-missing"});

  // A key press comes by itself, at some time: from then on nothing is asked.
  CHECK(set_condition(control, "keypad", "key", "on") == 0);
  for (int i = 0; i < 100 && status->device != wire::DeviceState::device_busy; ++i) {
    status = attached.poll();
    REQUIRE(bool(status));
  }
  CHECK(status->device == wire::DeviceState::device_busy);
  CHECK(drivers::codes_of(*status) == std::vector<std::string>{"key-missing"});
}

}  // namespace kw::devices
