// A whole kiosk of kiosk-devices: the time line, the conditions of the wire, many at once, and
// every scenario that is in the tree.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "drivers/catalogue.hpp"
#include "drivers/simulators/wire.hpp"
#include "tests/drivers/playing.hpp"

namespace kw::devices {
namespace {

using drivers::TempFolder;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string receipt(const std::string& port, const std::string& more = {}) {
  return "[[device]]\nname = \"receipt\"\nprotocol = \"escpos\"\nport = \"" + port + "\"\n" + more;
}

/// A stage whose conditions are changed between its runs.
class Between {
 public:
  explicit Between(const std::string& scenario) {
    std::vector<config::Problem> problems;
    const auto document = config::parse(scenario, "test.toml", problems);
    REQUIRE(bool(document));
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE_MESSAGE(bool(stage), stage.error().text());
    stage_ = std::move(*stage);
    play();
  }

  ~Between() { pause(); }

  void change(std::string_view condition, bool on) {
    pause();
    const auto changed = stage_->change("receipt", condition, on);
    REQUIRE_MESSAGE(bool(changed), changed.error().text());
    play();
  }

  std::string address() const { return stage_->addresses().at(0); }

 private:
  void play() {
    thread_ = std::thread{[this] { stage_->run(); }};
  }
  void pause() {
    stage_->stop();
    thread_.join();
  }

  std::unique_ptr<Stage> stage_;
  std::thread thread_;
};

Errc refusal(const std::string& address) {
  const auto port =
      drivers::open_port(*drivers::PortAddress::parse(address), real_clock, within(seconds{5}));
  REQUIRE_FALSE(bool(port));
  return port.error().code();
}

/// Says back what it heard.
class Echo final : public Player {
 public:
  const std::vector<std::string>& conditions() const override { return conditions_; }
  Bytes set(std::string_view, bool) override { return {1}; }
  Answer answer(std::span<const std::uint8_t> bytes) override {
    return {{bytes.begin(), bytes.end()}};
  }
  void meet() override {}

 private:
  std::vector<std::string> conditions_{"tired", "slow"};
};

std::unique_ptr<Player> echo(const std::map<std::string, std::string, std::less<>>& given = {}) {
  std::vector<Error> none;
  auto out =
      on_wire(std::make_unique<Echo>(), drivers::Settings::read(wire_settings(), given, none));
  REQUIRE(none.empty());
  return out;
}

}  // namespace

TEST_CASE("kiosk-devices: any device has the conditions of its wire beside its own") {
  const auto player = echo();
  CHECK(player->conditions() ==
        std::vector<std::string>{"tired", "slow", "unplug", "garbage", "silence"});
  const Bytes asked{1, 2, 3};
  CHECK(player->answer(asked).bytes == asked);
  player->set("slow", true);  // its own: the wire adds nothing
  CHECK(player->answer(asked).after == Duration::zero());
  CHECK(player->set("tired", true) == Bytes{1});
  CHECK(player->set("silence", true).empty());
  CHECK(player->answer(asked).bytes.empty());
  CHECK(player->set("tired", false).empty());  // nothing unasked either
  player->set("silence", false);
  CHECK(player->answer(asked).bytes == asked);
}

TEST_CASE("kiosk-devices: garbage is other bytes, and the same ones for the same seed") {
  const Bytes asked(40, 0x55);
  const auto said = [&](const std::string& seed) {
    const auto player = echo({{"seed", seed}});
    player->set("garbage", true);
    std::vector<Bytes> out;
    for (int i = 0; i < 20; ++i) out.push_back(player->answer(asked).bytes);
    return out;
  };
  const auto first = said("1");
  CHECK(first == said("1"));
  CHECK(first != said("2"));
  CHECK(std::ranges::count(first, asked) <= 1);  // a bit may be turned back
  CHECK(echo({{"seed", "1"}})->answer({}).bytes.empty());
}

TEST_CASE("kiosk-devices: a TCP device that is unplugged refuses, and comes back on its port") {
  Between stage{receipt("tcp://127.0.0.1:0")};
  const auto address = stage.address();
  const auto before = attach(address, {});
  REQUIRE(bool(before.driver->open(*before.port, within(seconds{5}))));
  REQUIRE(bool(before.poll()));
  stage.change("unplug", true);
  CHECK(before.poll().error().code() == Errc::disconnected);
  CHECK(refusal(address) == Errc::refused);
  stage.change("unplug", false);
  CHECK(stage.address() == address);
  const auto after = attach(address, {});
  REQUIRE(bool(after.driver->open(*after.port, within(seconds{5}))));
  CHECK(bool(after.poll()));
}

TEST_CASE("kiosk-devices: a serial device that is unplugged is gone, and is a new one afterwards") {
  const TempFolder folder;
  const auto link = folder.path() / "made" / "ttyPrinter";
  Between stage{receipt("pty:" + link.string())};
  const auto before = attach(stage.address(), {});
  REQUIRE(bool(before.driver->open(*before.port, within(seconds{5}))));
  stage.change("unplug", true);
  CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link)));
  CHECK(before.poll().error().code() == Errc::disconnected);
  CHECK(refusal(stage.address()) == Errc::missing);
  stage.change("unplug", false);
  const auto after = attach(stage.address(), {});
  REQUIRE(bool(after.driver->open(*after.port, within(seconds{5}))));
  CHECK(bool(after.poll()));
}

TEST_CASE("kiosk-devices: silence is a timeout, and ends") {
  Between stage{receipt("tcp://127.0.0.1:0")};
  const auto attached = attach(stage.address(), {{"timeout_ms", "100"}});
  REQUIRE(bool(attached.driver->open(*attached.port, within(seconds{5}))));
  stage.change("silence", true);
  CHECK(attached.poll().error().code() == Errc::timeout);
  stage.change("silence", false);
  CHECK(bool(attached.poll()));
}

TEST_CASE("kiosk-devices: a step that lasts and comes again") {
  const TempFolder folder;
  Playing playing{receipt("tcp://127.0.0.1:0",
                          "[[device.step]]\nafter_ms = 20\ncondition = \"cover-open\"\n"
                          "for_ms = 30\nevery_ms = 100\ntimes = 2\n"
                          "[[device.step]]\nafter_ms = 200\ncondition = \"media-empty\"\n"),
                  folder.path() / "control"};
  std::vector<std::int64_t> at;
  for (std::size_t i = 1; i <= 5; ++i) {
    const auto line = object_of(playing.announced(i));
    CAPTURE(i);
    CHECK(line.at("condition").as_string() == (i < 5 ? "cover-open" : "media-empty"));
    CHECK(line.at("on").as_bool() == (i % 2 == 1));
    at.push_back(line.at("at_us").as_int64());
  }
  CHECK(std::ranges::is_sorted(at));
  // 180 ms from the first change to the last, which none of them may come early for.
  CHECK(at[4] - at[0] >= 100'000);
}

TEST_CASE("kiosk-devices: steps that cannot be played are told") {
  const auto mistakes = [](const std::string& step) {
    std::vector<config::Problem> problems;
    const auto document =
        config::parse(receipt("tcp://127.0.0.1:0",
                              "[[device.step]]\nafter_ms = 1\ncondition = \"cover-open\"\n" + step),
                      "bad.toml", problems);
    REQUIRE(bool(document));
    CHECK_FALSE(bool(read_scenario(*document, problems)));
    REQUIRE(problems.size() == 1);
    return problems[0].in(Lang::en);
  };
  CHECK(mistakes("every_ms = 100\n").find("for_ms beside it") != std::string::npos);
  CHECK(mistakes("every_ms = 100\nfor_ms = 100\n").find("less than every_ms") != std::string::npos);
  CHECK(mistakes("times = 3\n").find("every_ms beside it") != std::string::npos);
  CHECK(mistakes("for_ms = -1\n").find("integer from 0") != std::string::npos);
}

TEST_CASE("kiosk-devices: many kiosks from one scenario, each under its number") {
  const TempFolder folder;
  const auto file = folder.path() / "kiosk.toml";
  std::ofstream{file} << receipt("pty:" + (folder.path() / "{kiosk}" / "receipt").string(),
                                 "serial_number = \"KW-{kiosk}\"\n"
                                 "[[device.step]]\nafter_ms = 10\ncondition = \"cover-open\"\n");
  std::vector<config::Problem> problems;
  auto devices = load_scenario(file, problems, {.kiosks = 3, .stagger = milliseconds{50}});
  REQUIRE(bool(devices));
  REQUIRE(devices->size() == 3);
  CHECK(devices->at(2).name == "3/receipt");
  CHECK(devices->at(2).port == "pty:" + (folder.path() / "3" / "receipt").string());
  CHECK(devices->at(2).steps.at(0).after == milliseconds{110});
  auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
  REQUIRE_MESSAGE(bool(stage), stage.error().text());
  std::thread runs{[&] { (*stage)->run(); }};
  const auto attached = attach((*stage)->addresses().at(1), {{"model", "epson"}});
  const auto opened = attached.driver->open(*attached.port, within(seconds{5}));
  auto status = opened ? attached.poll() : Result<wire::Status>{opened.error()};
  (*stage)->stop();
  runs.join();
  REQUIRE(bool(status));

  auto alone = load_scenario(file, problems);
  REQUIRE(bool(alone));
  CHECK(alone->at(0).name == "receipt");
  CHECK(alone->at(0).port.ends_with("/1/receipt"));
}

// New scenarios are found by themselves. A device whose protocol, or whose folder, is a driver's
// name is opened and polled by that driver, with those of its settings that the driver has too.
TEST_CASE("kiosk-devices: every scenario of the tree is played, and its driver gets an answer") {
  const TempFolder folder;
  std::size_t played = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{KW_DRIVERS_FOLDER}) {
    const auto& file = entry.path();
    const auto name = file.filename();
    if (name != "scenario.toml" && name != "kiosk.toml") continue;
    CAPTURE(file.string());
    std::vector<config::Problem> problems;
    const auto document = config::load(file, problems);
    REQUIRE(bool(document));
    const auto rows = document->root.find("device");
    if (rows == document->root.end()) continue;  // no wire to play on
    auto devices = load_scenario(file, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    struct Known {
      std::string name;
      const drivers::Card* card;
      drivers::Given settings;
    };
    std::vector<Known> known;
    const auto& tables = *std::get_if<std::vector<config::Value>>(&rows->second.data);
    for (std::size_t i = 0; i < devices->size(); ++i) {
      auto& device = devices->at(i);
      // Anywhere else than where a person's may be playing now.
      const auto network = device.port.find("://");
      if (network == std::string::npos) {
        device.port = device.port.substr(0, device.port.find(':') + 1) +
                      (folder.path() / (std::to_string(played) + device.name)).string();
      } else if (const auto colon = device.port.find(':', network + 3);
                 colon != std::string::npos) {
        const auto end = std::min(device.port.find('/', colon), device.port.size());
        device.port.replace(colon, end - colon, ":0");
      }
      device.steps.clear();  // as it is when nothing has happened
      const auto* card = drivers::find(device.protocol);
      if (card == nullptr) card = drivers::find(file.parent_path().filename().string());
      known.push_back({device.name, card, {}});
      if (card == nullptr) continue;
      const auto& table = *std::get_if<config::Table>(&tables.at(i).data);
      for (const auto& row : card->settings) {
        const auto given = table.find(row.name);
        const auto text = given == table.end() ? std::nullopt : given->second.scalar_text();
        if (text) known.back().settings.emplace(row.name, *text);
      }
    }
    auto stage = Stage::set_up(std::move(*devices), {}, real_clock, [](const std::string&) {});
    REQUIRE_MESSAGE(bool(stage), stage.error().text());
    std::thread runs{[&] { (*stage)->run(); }};
    std::vector<std::string> failures;
    const auto addresses = (*stage)->addresses();
    for (std::size_t i = 0; i < known.size(); ++i) {
      const auto& one = known[i];
      ++played;
      if (one.card == nullptr) continue;
      const auto attempt = [&]() -> Result<wire::Status> {
        const auto parsed = drivers::PortAddress::parse(addresses[i]);
        if (!parsed) return parsed.error();
        auto port = drivers::open_port(*parsed, real_clock, within(seconds{5}));
        if (!port) return std::move(port).error();
        auto driver = drivers::make_driver(one.card->name, one.settings);
        if (!driver) return std::move(driver).error();
        const auto opened = (*driver)->open(**port, within(seconds{10}));
        if (!opened) return opened.error();
        return (*driver)->poll(within(seconds{10}));
      };
      const auto status = attempt();
      if (!status) failures.push_back(one.name + ": " + status.error().text());
    }
    (*stage)->stop();
    runs.join();
    CHECK(failures == std::vector<std::string>{});
  }
  CHECK(played >= 4);
}

}  // namespace kw::devices
