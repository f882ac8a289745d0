// Pushed configurations: what is taken, what is tried, what comes back.
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "agent/configuration/reconfigurer.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"
#include "common/platform/host_checks.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Report = pb::ConfigurationReport;

namespace {

std::string with_device(const std::string& name, const std::string& agent = {}) {
  return "[agent]\nlanguage = \"en\"\nconfiguration_trial_s = 1\n" + agent +
         "[[device]]\nname = \"" + name + "\"\ndriver = \"host\"\nport = \"-\"\n";
}

pb::Configuration pushed(const std::string& body) {
  pb::Configuration out;
  out.set_hash(identity::sha256(body));
  out.set_body(body);
  return out;
}

/// One run of an agent that has nothing but its configuration. Files are real, time is short.
struct Run {
  Run(const std::filesystem::path& data, const std::filesystem::path& own)
      : reconfigurer(io.get_executor(), clock, helper, data, own) {
    reconfigurer.decide();
  }
  void start() {
    Reconfigurer::Hands hands;
    hands.apply = [this](std::shared_ptr<const InForce> next) { return apply(std::move(next)); };
    hands.report = [this](Report report) { return keep(std::move(report)); };
    hands.unreached = [] { return "connect: refused"; };
    reconfigurer.start(std::move(hands));
  }
  Task<std::string> apply(std::shared_ptr<const InForce> next) {
    told_before.push_back(reports.size());
    applied.push_back(next->config->devices.empty() ? "" : next->config->devices[0].name);
    co_return left;
  }
  Task<void> keep(Report report) {
    reports.push_back(std::move(report));
    co_return;
  }
  bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000 && !done(); ++i) {
      io.restart();
      io.run_for(5ms);
    }
    return done();
  }
  bool reported(std::size_t count) {
    return until([&] { return reports.size() >= count; });
  }
  std::string device() const { return reconfigurer.in_force()->config->devices.at(0).name; }
  std::string status(std::string_view key) const {
    const auto out = reconfigurer.status();
    const auto& value = out.at(key);
    return value.is_string() ? std::string{std::string_view{value.get_string()}} : "null";
  }

  SystemClock clock;
  asio::io_context io{1};
  Worker helper{1, 0};
  Reconfigurer reconfigurer;
  std::vector<std::string> applied;
  std::vector<std::size_t> told_before;  ///< how many reports there were at each of `applied`
  std::vector<Report> reports;
  std::string left;
};

struct Kiosk {
  Kiosk() { own(with_device("own")); }
  void own(const std::string& text) const {
    std::ofstream{file, std::ios::binary | std::ios::trunc} << text;
  }
  std::unique_ptr<Run> run(bool started = true) const {
    auto out = std::make_unique<Run>(folder.path(), file);
    if (started) out->start();
    return out;
  }
  tests::TempFolder folder;
  std::filesystem::path file = folder / "agent.toml";
};

}  // namespace

TEST_CASE("what is in the folder at a start decides what the run begins with") {
  const std::string text = identity::sha256("x");
  struct Row {
    std::optional<Trial> trial;
    bool rejected;
    AtStart expected;
  };
  const Row rows[] = {
      {std::nullopt, false, AtStart::keep},
      {Trial{text, 0}, false, AtStart::try_on},
      {Trial{text, 1}, false, AtStart::try_on},
      {Trial{text, 2}, false, AtStart::roll_back},
      {Trial{text, 0}, true, AtStart::roll_back},
      {std::nullopt, true, AtStart::roll_back},
      // Power went before the new text was there: the mark names another one.
      {Trial{identity::sha256("y"), 5}, false, AtStart::keep},
  };
  for (const auto& row : rows) CHECK(at_start(text, row.trial, row.rejected) == row.expected);
}

TEST_CASE("rejected texts are remembered, boundedly, and judged anew by another version") {
  History history;
  for (int i = 0; i < 20; ++i) {
    remember(history, {"h" + std::to_string(i), Report::REFUSED, "why", "1", 0});
  }
  CHECK(history.rejected.size() == 16);
  CHECK(rejection(history, "h3", "1") == nullptr);
  REQUIRE(rejection(history, "h19", "1") != nullptr);
  CHECK(rejection(history, "h19", "2") == nullptr);
  remember(history, {"r", Report::ROLLED_BACK, "why", "1", 0});
  CHECK(rejection(history, "r", "2") != nullptr);
  remember(history, {"r", Report::APPLIED, "", "2", 0});
  CHECK(rejection(history, "r", "2") == nullptr);
  remember(history, {identity::sha256(""), Report::ROLLED_BACK, "", "2", 0});
  CHECK(rejection(history, identity::sha256(""), "2") == nullptr);
}

TEST_CASE("a pushed configuration with mistakes is refused with every line, and none of it runs") {
  const Kiosk kiosk;
  const auto run = kiosk.run();
  const auto bad = pushed(
      "[agent]\nheartbeat_s = 0\n[[device]]\nname = \"new\"\ndriver = \"hots\"\n"
      "port = \"-\"\n");
  run->reconfigurer.received(bad);
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::REFUSED);
  CHECK(run->reports[0].hash() == bad.hash());
  const auto& detail = run->reports[0].detail();
  INFO(detail);
  CHECK(detail.find("agent.toml:2: agent.heartbeat_s: ") == 0);
  CHECK(detail.find("\nagent.toml:5: device.0.driver: ") != std::string::npos);
  CHECK(run->applied.empty());
  CHECK(run->device() == "own");
  CHECK(run->status("source") == "local");
  CHECK(run->status("state") == "refused");
  CHECK(run->status("detail") == detail);
  // The same text is told again and not looked at again.
  run->reconfigurer.received(bad);
  REQUIRE(run->reported(2));
  CHECK(run->reports[1].detail() == detail);
  CHECK(kiosk.run(false)->device() == "own");

  std::string many = "[agent]\n";
  for (int i = 0; i < 200; ++i) many += "nonsense_" + std::to_string(i) + " = 1\n";
  run->reconfigurer.received(pushed(many));
  REQUIRE(run->reported(3));
  CHECK(run->reports[2].detail().size() <= 1'024);
  CHECK(run->reports[2].detail().ends_with(" more"));

  auto garbled = pushed(with_device("new"));
  garbled.set_body(with_device("evil"));
  run->reconfigurer.received(garbled);
  REQUIRE(run->reported(4));
  CHECK(run->reports[3].state() == Report::REFUSED);
  CHECK(run->applied.empty());
  // The text that this hash really names is still good.
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->until([&] { return run->applied.size() == 1; }));
}

TEST_CASE("a good one is in force at once, proved by a session, and survives restarts") {
  const Kiosk kiosk;
  const auto good = pushed(with_device("new", "outbox_mib = 99\naccept_configuration = false\n"));
  {
    const auto run = kiosk.run();
    run->left = "outbox_mib takes effect later";
    run->reconfigurer.received(good);
    REQUIRE(run->until([&] { return run->status("state") == "trial"; }));
    CHECK(run->applied == std::vector<std::string>{"new"});
    CHECK(run->reports.empty());
    run->reconfigurer.established();
    REQUIRE(run->reported(1));
    CHECK(run->reports[0].state() == Report::APPLIED);
    CHECK(
        run->reports[0].detail() ==
        "outbox_mib takes effect later\naccept_configuration counts in the kiosk's own file only");
    CHECK(run->status("source") == "pushed");
    CHECK(run->status("hash") == identity::to_hex(good.hash()));
  }
  for (int i = 0; i < 4; ++i) {
    const auto run = kiosk.run();
    CHECK(run->device() == "new");
    CHECK(run->reconfigurer.in_force()->hash == good.hash());
    CHECK_FALSE(run->reconfigurer.local_only());
    run->io.run_for(10ms);
    CHECK(run->reports.empty());
  }
}

TEST_CASE("one that cannot reach the collector is rolled back, with why, and never tried again") {
  const Kiosk kiosk;
  const auto first = pushed(with_device("first"));
  const auto second = pushed(with_device("second"));
  const auto run = kiosk.run();
  run->reconfigurer.received(first);
  REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  run->reconfigurer.established();
  REQUIRE(run->reported(1));
  run->reconfigurer.received(second);
  REQUIRE(run->reported(2));
  CHECK(run->reports[1].state() == Report::ROLLED_BACK);
  CHECK(run->reports[1].hash() == second.hash());
  CHECK(run->reports[1].detail() == "the collector was not reached within 1 s: connect: refused");
  REQUIRE(run->until([&] { return run->applied.size() == 3; }));
  CHECK(run->applied == std::vector<std::string>{"first", "second", "first"});
  CHECK(run->status("state") == "rolled-back");
  CHECK(run->reconfigurer.in_force()->hash == first.hash());
  // The collector may not have heard yet: not tried again.
  run->reconfigurer.received(second);
  REQUIRE(run->reported(3));
  CHECK(run->reports[2].state() == Report::ROLLED_BACK);
  CHECK(run->applied.size() == 3);
  CHECK(kiosk.run(false)->device() == "first");
}

TEST_CASE(
    "one that was rolled back is tried anew when the collector, which knows, sends it again") {
  const Kiosk kiosk;
  const auto tried = pushed(with_device("new"));
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(tried);
    REQUIRE(run->reported(1));
    CHECK(run->reports[0].state() == Report::ROLLED_BACK);
    REQUIRE(run->until([&] { return run->applied.size() == 2; }));
    // It was told before the old one ran again, so before the next session begins.
    CHECK(run->told_before[1] == 1);
    run->reconfigurer.established();
    run->reconfigurer.received(tried);
    REQUIRE(run->until([&] { return run->applied.size() == 3; }));
    CHECK(run->status("state") == "trial");
  }
  // The rejection of before does not end the new trial.
  const auto run = kiosk.run();
  CHECK(run->device() == "new");
  run->reconfigurer.established();
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::APPLIED);
  CHECK(kiosk.run(false)->status("state") == "applied");
}

TEST_CASE("a session proves nothing before the drivers have run a while") {
  const Kiosk kiosk;
  const std::string text = "[agent]\nlanguage = \"en\"\nconfiguration_trial_s = 3600\n";
  const auto run = kiosk.run();
  run->reconfigurer.received(pushed(text));
  REQUIRE(run->until([&] { return run->status("state") == "trial"; }));
  run->reconfigurer.established();
  run->io.run_for(50ms);
  CHECK(run->reports.empty());
  CHECK(run->status("state") == "trial");
  // Drivers that end the process: the next start counts, the third one goes back.
  CHECK(kiosk.run(false)->status("state") == "trial");
  CHECK(kiosk.run(false)->status("state") == "trial");
  CHECK(kiosk.run(false)->device() == "own");
}

TEST_CASE("a collector without room is no fault of what is tried") {
  const Kiosk kiosk;
  const auto run = kiosk.run();
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->until([&] { return run->status("state") == "trial"; }));
  run->reconfigurer.put_off(1s);
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::ROLLED_BACK);
  CHECK(std::chrono::steady_clock::now() - begun > 1'900ms);
}

TEST_CASE("a power cut while one trial follows another leaves nothing unproved in force for good") {
  const tests::TempFolder folder;
  const ConfigurationFiles files{folder.path()};
  REQUIRE(files.try_on("first", ""));
  REQUIRE(files.settle("first"));
  CHECK_FALSE(files.trial());
  REQUIRE(files.try_on("second", "first"));
  // What is not in force without a trial, whichever write is the last one that is done.
  for (const char* cut : {"pushed.toml", "previous.toml", "trial"}) {
    CAPTURE(cut);
    REQUIRE(files.try_on("second", "first"));
    const auto beside = folder / "configuration" / (std::string{cut} + ".new");
    std::filesystem::create_directory(beside);
    CHECK_FALSE(files.try_on("third", "first"));
    const auto start = at_start(identity::sha256(files.pushed()), files.trial(), false);
    CHECK((start == AtStart::try_on) == (files.pushed() != "first"));
    std::filesystem::remove(beside);
  }
  // A mark that cannot be taken away is told.
  REQUIRE(files.try_on("second", "first"));
  std::filesystem::create_directory(folder / "configuration" / "trial.new");
  CHECK_FALSE(files.settle("second"));
}

TEST_CASE("a text without a check line is taken as it is, a checked one that is cut off is not") {
  const tests::TempFolder folder;
  const ConfigurationFiles files{folder.path()};
  REQUIRE(files.try_on("first", ""));
  REQUIRE(files.settle("first"));
  const auto name = folder / "configuration" / "pushed.toml";
  const auto checked = platform::read_file(name);
  REQUIRE(checked);
  REQUIRE(platform::write_file(name, "[kiosk]", true));
  CHECK(files.pushed() == "[kiosk]");
  for (const std::size_t size : {std::size_t{1}, std::size_t{30}, checked->size() - 1}) {
    CAPTURE(size);
    REQUIRE(platform::write_file(name, checked->substr(0, size), true));
    CHECK(files.pushed().empty());
  }
}

TEST_CASE("an agent that stops leaves its trial to the next start and takes nothing more") {
  const Kiosk kiosk;
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(pushed(with_device("pushed")));
    REQUIRE(run->until([&] { return run->status("state") == "trial"; }));
    run->reconfigurer.stop();
    run->reconfigurer.received(pushed(with_device("late")));
    // Nothing is left to wait for, the trial's end neither.
    run->io.restart();
    run->io.run();
    CHECK(run->applied == std::vector<std::string>{"pushed"});
    CHECK(run->reports.empty());
  }
  CHECK(kiosk.run(false)->device() == "pushed");
}

TEST_CASE("an agent that ends during the trial tries twice more, then goes back at its start") {
  const Kiosk kiosk;
  const auto tried = pushed(with_device("new"));
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(tried);
    REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  }
  for (int i = 0; i < 2; ++i) {
    const auto run = kiosk.run(false);  // gone again before anything was reached
    CHECK(run->device() == "new");
    CHECK(run->status("state") == "trial");
  }
  {
    const auto run = kiosk.run(false);  // power goes before the report is written
    CHECK(run->device() == "own");
  }
  {
    const auto run = kiosk.run();
    CHECK(run->device() == "own");
    REQUIRE(run->reported(1));
    CHECK(run->reports[0].state() == Report::ROLLED_BACK);
    CHECK(run->reports[0].hash() == tried.hash());
  }
  // Told once: the next run owes nothing.
  const auto next = kiosk.run();
  next->io.run_for(50ms);
  CHECK(next->reports.empty());
}

TEST_CASE("a trial that goes on over a restart is proved or lost by the next run") {
  const Kiosk kiosk;
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(pushed(with_device("new")));
    REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  }
  {
    const auto run = kiosk.run();
    run->reconfigurer.established();
    REQUIRE(run->reported(1));
    CHECK(run->reports[0].state() == Report::APPLIED);
  }
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(pushed(with_device("newer")));
    REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  }
  const auto run = kiosk.run();
  CHECK(run->device() == "newer");
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::ROLLED_BACK);
  REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  CHECK(run->applied[0] == "new");
}

TEST_CASE("an empty one takes back what was pushed") {
  const Kiosk kiosk;
  const auto run = kiosk.run();
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  run->reconfigurer.established();
  REQUIRE(run->reported(1));
  run->reconfigurer.received(pushed(""));
  REQUIRE(run->until([&] { return run->applied.size() == 2; }));
  CHECK(run->applied[1] == "own");
  CHECK(run->reconfigurer.in_force()->hash.empty());
  run->reconfigurer.established();
  REQUIRE(run->reported(2));
  CHECK(run->reports[1].state() == Report::APPLIED);
  CHECK(run->reports[1].hash() == identity::sha256(""));
  CHECK(kiosk.run(false)->device() == "own");

  // Not when the kiosk would then watch nothing.
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->until([&] { return run->applied.size() == 3; }));
  run->reconfigurer.established();
  REQUIRE(run->reported(3));
  kiosk.own("[[device]\n");
  run->reconfigurer.received(pushed(""));
  REQUIRE(run->reported(4));
  CHECK(run->reports[3].state() == Report::REFUSED);
  CHECK(run->device() == "new");
}

TEST_CASE("who may push is said by the kiosk's own file alone") {
  const Kiosk kiosk;
  {
    const auto run = kiosk.run();
    run->reconfigurer.received(pushed(with_device("new", "accept_configuration = true\n")));
    REQUIRE(run->until([&] { return run->applied.size() == 1; }));
    run->reconfigurer.established();
    REQUIRE(run->reported(1));
  }
  kiosk.own(with_device("own", "accept_configuration = false\n"));
  const auto run = kiosk.run();
  CHECK(run->device() == "own");
  CHECK(run->reconfigurer.local_only());
  run->reconfigurer.received(pushed(with_device("newer")));
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::REFUSED);
  CHECK(run->applied.empty());
  // The text itself was not judged: once the file says yes it can be taken.
  kiosk.own(with_device("own"));
  const auto later = kiosk.run();
  later->reconfigurer.received(pushed(with_device("newer")));
  CHECK(later->until([&] { return later->applied.size() == 1; }));

  // What a broken file says is not known; without any file a kiosk can be configured from afar.
  kiosk.own("[agent\n");
  CHECK(kiosk.run(false)->reconfigurer.local_only());
  std::filesystem::remove(kiosk.file);
  CHECK_FALSE(kiosk.run(false)->reconfigurer.local_only());
}

TEST_CASE("a disk that keeps no configuration changes nothing and says so") {
  const Kiosk kiosk;
  const auto run = kiosk.run();
  std::ofstream{kiosk.folder / "configuration"} << "a file where the folder should be";
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->reported(1));
  CHECK(run->reports[0].state() == Report::REFUSED);
  CHECK(run->reports[0].detail().find("it cannot be kept") == 0);
  CHECK(run->device() == "own");
  std::filesystem::remove(kiosk.folder / "configuration");
  run->reconfigurer.received(pushed(with_device("new")));
  CHECK(run->until([&] { return run->applied.size() == 1; }));
}

TEST_CASE("a configuration on disk is the owner's alone") {
  const Kiosk kiosk;
  const auto run = kiosk.run();
  run->reconfigurer.received(pushed(with_device("new")));
  REQUIRE(run->until([&] { return run->applied.size() == 1; }));
  namespace fs = std::filesystem;
  for (const auto& entry : fs::directory_iterator{kiosk.folder / "configuration"}) {
    CAPTURE(entry.path().string());
    CHECK_FALSE(platform::rights_of(entry.path())->open_to_others);
  }
}
