// The drivers of readers against kiosk-devices, over real pseudo-terminals and sockets.
#include <algorithm>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "drivers/simulators/canary.hpp"
#include "drivers/simulators/scenario.hpp"
#include "drivers/simulators/stage.hpp"
#include "tests/drivers/ports.hpp"
#include "tests/drivers/support.hpp"

namespace kw::devices {
namespace {

using drivers::Driver;
using drivers::open_text;
using drivers::real_clock;
using drivers::within;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// One device on a stage, played while something is done with it.
class Played {
 public:
  explicit Played(const std::string& scenario) {
    std::vector<config::Problem> problems;
    const auto document =
        config::parse("[[device]]\nname = \"it\"\n" + scenario, "test.toml", problems);
    REQUIRE(bool(document));
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    conditions_ = devices->at(0).player->conditions();
    auto stage =
        Stage::set_up(std::move(*devices), {}, real_clock, [this](const std::string& line) {
          const std::lock_guard lock{mutex_};
          lines_.push_back(line);
        });
    REQUIRE_MESSAGE(bool(stage), stage.error().text());
    stage_ = std::move(*stage);
  }

  const std::vector<std::string>& conditions() const { return conditions_; }
  const std::string& offence() const { return stage_->offence(); }
  std::string address() const { return stage_->addresses().at(0); }

  void set(const std::string& condition, bool on) {
    REQUIRE(bool(stage_->change("it", condition, on)));
  }

  /// Plays while `act` runs.
  template <class Act>
  auto during(Act act) {
    std::thread runs{[this] { stage_->run(); }};
    auto out = act();
    stage_->stop();
    runs.join();
    return out;
  }

  Result<wire::Status> status(const std::string& driver, const drivers::Given& settings = {},
                              const std::string& options = {}) {
    return during([&]() -> Result<wire::Status> {
      auto port = open_text(address() + options);
      if (!port) return std::move(port).error();
      auto made = drivers::make_driver(driver, settings);
      if (!made) return std::move(made).error();
      auto opened = (*made)->open(**port, within(seconds{5}));
      if (!opened) return std::move(opened).error();
      auto out = (*made)->poll(within(seconds{5}));
      (*made)->close();
      return out;
    });
  }

  std::vector<std::string> lines() const {
    const std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<std::string> conditions_;
  std::unique_ptr<Stage> stage_;
};

std::string scenario(const std::string& protocol, const std::string& port,
                     const std::string& more = {}) {
  return "protocol = \"" + protocol + "\"\nport = \"" + port + "\"\n" + more;
}

/// Every condition that has a name of its own in the model, as the driver sees it over this port.
void every_condition(const std::string& protocol, const std::string& port,
                     const std::string& more = {}, const drivers::Given& settings = {},
                     const std::string& options = {}) {
  Played played{scenario(protocol, port, more)};
  const auto well = played.status(protocol, settings, options);
  REQUIRE_MESSAGE(bool(well), well.error().text());
  CHECK(well->conditions.empty());
  CHECK(wire::health_of(*well) == wire::Health::ok);
  std::size_t seen = 0;
  for (const auto& condition : played.conditions()) {
    if (wire::find_condition(condition) == nullptr || condition == "no-reply") continue;
    CAPTURE(condition);
    played.set(condition, true);
    const auto status = played.status(protocol, settings, options);
    played.set(condition, false);
    REQUIRE_MESSAGE(bool(status), status.error().text());
    CHECK(drivers::codes_of(*status) == std::vector<std::string>{condition});
    ++seen;
  }
  CHECK(seen >= 3);
  played.set("no-reply", true);
  CHECK(played.status(protocol, settings, options).error().code() == Errc::timeout);
  played.set("no-reply", false);
  played.set("garbage", true);
  CHECK(played.status(protocol, settings, options).error().code() == Errc::refused);
  played.set("garbage", false);
  CHECK(played.offence().empty());
}

}  // namespace

TEST_CASE("kiosk-devices: readers' conditions, each as the driver sees it") {
  const tests::TempFolder folder;
  const auto pty = "pty:" + (folder.path() / "reader").string();
  SUBCASE("ID reader") {
    every_condition("sdt", pty, {}, {{"timeout_ms", "150"}}, "?baud=115200");
    every_condition("sdt", "tcp://127.0.0.1:0", {}, {{"timeout_ms", "150"}});
  }
  SUBCASE("CRT-310") {
    every_condition("crt310", pty, {}, {{"timeout_ms", "150"}}, "?baud=9600");
    every_condition("crt310", pty, "enquiry = false\nsensors = 0\n",
                    {{"timeout_ms", "150"}, {"enquiry", "false"}});
    every_condition("crt310", "tcp://127.0.0.1:0", "addressed = true\n",
                    {{"timeout_ms", "150"}, {"addressed", "true"}});
  }
  SUBCASE("F2") {
    every_condition("f2", pty, {}, {{"timeout_ms", "150"}}, "?baud=9600");
    every_condition("f2", "tcp://127.0.0.1:0", "negative_head = \"E\"\naddress = 5\n",
                    {{"timeout_ms", "150"}, {"address", "5"}});
  }
}

TEST_CASE("kiosk-devices: an ID reader's self-test is announced, and what was sent is noted") {
  Played played{scenario("sdt", "tcp://127.0.0.1:0", "allow_reads = true\nread_ms = 20\n")};
  const auto test = [&](std::string_view wait) {
    return played.during([&]() -> Result<drivers::SelfTest> {
      auto port = open_text(played.address());
      REQUIRE(bool(port));
      const auto driver = drivers::make_driver("sdt", {{"card_wait_s", std::string{wait}}});
      REQUIRE(bool((*driver)->open(**port, within(seconds{5}))));
      auto out = (*driver)->self_test("read", within(seconds{30}));
      const auto status = (*driver)->poll(within(seconds{5}));
      REQUIRE(bool(status));
      CHECK(status->conditions.empty());
      return out;
    });
  };
  const auto none = test("1");
  REQUIRE(bool(none));
  CHECK_FALSE(none->passed);
  CHECK(none->detail == "reads=0/3 codes=80");
  played.set("card-present", true);
  const auto done = test("5");
  REQUIRE_MESSAGE(bool(done), done.error().text());
  CHECK_MESSAGE(done->passed, done->detail);
  CHECK(done->detail.find("bytes=1295,1295,1295 text=256 photo=1024 checksum=ok") !=
        std::string::npos);
  CHECK(played.offence().empty());
  const auto lines = played.lines();
  const auto notes = std::ranges::count_if(lines, [](const std::string& line) {
    return line.find("\"note\":\"canary identity sent") != std::string::npos &&
           line.find("\"at_us\":") != std::string::npos;
  });
  CHECK(notes == 3);
}

TEST_CASE("kiosk-devices: a reader that is told to do anything ends the play") {
  struct Row {
    std::string protocol;
    std::string settings;
    std::vector<std::uint8_t> bytes;
    std::string offence;
    std::string condition{};  ///< under which it is told
  };
  for (const auto& row : std::vector<Row>{
           {"sdt",
            "",
            {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x30, 0x01, 0x32},
            "it: command 30 01 outside an announced self-test"},
           {"sdt",
            "",
            {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x20, 0x01, 0x22},
            "it: command 20 01 outside an announced self-test"},
           {"sdt",
            "allow_reads = true\n",
            {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x30, 0x10, 0x23},
            "it: command 30 10"},
           {"sdt",
            "",
            {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x10, 0xff, 0xec},
            "it: command 10 FF outside an announced self-test"},
           {"crt310", "", {0x02, 0x00, 0x02, 0x30, 0x30, 0x03, 0x03}, "it: command 30 30"},
           {"f2", "", {0xf2, 0x00, 0x00, 0x03, 0x43, 0x32, 0x39, 0x03, 0xba}, "it: command 32 39"},
           // However it would answer: the command is what counts.
           {"sdt",
            "",
            {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x30, 0x01, 0x32},
            "it: command 30 01 outside an announced self-test",
            "request-noise"},
           {"crt310", "", {0x02, 0x00, 0x02, 0x30, 0x30, 0x03, 0x03}, "it: command 30 30", "power"},
           {"crt310",
            "",
            {0x02, 0x00, 0x02, 0x30, 0x30, 0x03, 0x03},
            "it: command 30 30",
            "refuses"},
           {"f2",
            "",
            {0xf2, 0x00, 0x00, 0x03, 0x43, 0x32, 0x39, 0x03, 0xba},
            "it: command 32 39",
            "refuses"},
           {"f2",
            "",
            {0xf2, 0x00, 0x00, 0x03, 0x43, 0x32, 0x39, 0x03, 0xba},
            "it: command 32 39",
            "jam"},
       }) {
    CAPTURE(row.offence);
    CAPTURE(row.condition);
    Played played{scenario(row.protocol, "tcp://127.0.0.1:0", row.settings)};
    played.during([&] {
      if (!row.condition.empty()) played.set(row.condition, true);
      const auto port = open_text(played.address());
      REQUIRE(bool(port));
      REQUIRE(bool((*port)->write(row.bytes, within(seconds{5}))));
      // Answered or not, by then it was heard.
      std::array<std::uint8_t, 64> scrap{};
      return (*port)->read(scrap, within(seconds{5})).operator bool();
    });
    CHECK(played.offence() == row.offence);
    CHECK(played.lines().back().find("\"offence\":\"command") != std::string::npos);
  }
}

TEST_CASE("kiosk-devices: canary identities fit a card's fields and differ from one another") {
  for (const auto& canary : canaries) {
    CHECK(canary.name.size() <= 15);
    CHECK(canary.address.size() <= 35);
    CHECK(canary.number.size() == 18);
    CHECK(canary.issuer.size() <= 15);
    for (const auto& other : canaries) {
      if (&other == &canary) continue;
      CHECK(canary.name != other.name);
      CHECK(canary.address != other.address);
      CHECK(canary.number != other.number);
      CHECK(canary.photo != other.photo);
    }
  }
}

}  // namespace kw::devices
