// Software items: real processes of this machine, files that change, and a machine made of files.
#include <fstream>

#include <doctest/doctest.h>

#include "common/identity/keys.hpp"
#include "common/platform/software.hpp"
#include "drivers/host/software/watched_file.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

using namespace kw;
using namespace kw::drivers;
using namespace std::chrono_literals;
using software::WatchedFile;

namespace {

void write(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary | std::ios::trunc} << text;
}

/// A driver with its port.
struct Watching {
  explicit Watching(const Given& given) {
    auto made = make_driver("software", given);
    REQUIRE(made);
    driver = std::move(*made);
    REQUIRE(driver->open(port, port.now() + 1s));
  }
  wire::Status poll() const {
    auto status = driver->poll(port.now() + 1s);
    REQUIRE(status);
    return *status;
  }
  double measured(std::string_view name) const {
    const auto status = poll();
    const auto it = std::ranges::find(status.measurements, name, &wire::Measurement::name);
    REQUIRE(it != status.measurements.end());
    return it->value;
  }
  FakePort port;
  std::unique_ptr<Driver> driver;
};

#ifndef _WIN32
/// /proc/PID of a program, proc(5).
void runs(const std::filesystem::path& root, int id, const std::string& program, int started) {
  const auto folder = root / "proc" / std::to_string(id);
  write(folder / "stat", std::to_string(id) +
                             " (a (b) c) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 " +
                             std::to_string(started) + " 1000000 25 18446744073709551615\n");
  std::filesystem::remove(folder / "exe");
  std::filesystem::create_symlink(program, folder / "exe");
}

void ends(const std::filesystem::path& root, int id) {
  std::filesystem::remove_all(root / "proc" / std::to_string(id));
}
#endif

}  // namespace

TEST_CASE("this very test is found among the machine's processes") {
  const auto all = platform::processes("/");
  REQUIRE(all);
  const auto it = std::ranges::find_if(
      *all, [](const auto& one) { return platform::is_program(one, "drivers_test"); });
  REQUIRE(it != all->end());
  CHECK(it->memory_bytes.value_or(0) > 100'000);
  CHECK(it->running_for.value_or(-1s) >= 0s);
  CHECK(it->started != 0);
}

TEST_CASE("a program that does not run is a fault, and one that does is none") {
  const Watching absent{{{"process", "no-such-program"}}};
  const auto status = absent.poll();
  CHECK(codes_of(status) == std::vector<std::string>{"process-not-running"});
  CHECK(wire::health_of(status) == wire::Health::fault);
  const Watching present{{{"process", "drivers_test"}, {"code", "KW-TEST"}}};
  CHECK(present.poll().conditions.empty());
  CHECK(present.poll().identity.model == "KW-TEST");
  CHECK(present.measured("process_instances") >= 1);
  CHECK(present.measured("process_memory_bytes") > 100'000);
}

#ifndef _WIN32
TEST_CASE("restarts are counted by the oldest instance, and forgotten after ten minutes") {
  const TempFolder root;
  write(root / "proc/uptime", "1000.00 900.00\n");
  Watching watching{
      {{"process", "/opt/app/app"}, {"root", root.path().string()}, {"instances_most", "2"}}};
  CHECK(codes_of(watching.poll()) == std::vector<std::string>{"process-not-running"});
  runs(root.path(), 100, "/opt/app/app", 5'000);
  CHECK(watching.poll().conditions.empty());
  CHECK(watching.measured("process_uptime_seconds") == doctest::Approx(950));
  // A helper of the same name comes and goes.
  for (int i = 0; i < 5; ++i) {
    runs(root.path(), 200 + i, "/opt/app/app", 6'000 + i);
    CHECK(watching.poll().conditions.empty());
    ends(root.path(), 200 + i);
  }
  for (int i = 0; i < 3; ++i) {
    ends(root.path(), 100 + i);
    CHECK(codes_of(watching.poll()).front() == "process-not-running");
    runs(root.path(), 101 + i, "/opt/app/app", 7'000 + i);
    watching.poll();
  }
  CHECK(codes_of(watching.poll()) == std::vector<std::string>{"process-restarting"});
  runs(root.path(), 300, "/opt/app/app", 8'000);
  runs(root.path(), 301, "/opt/app/app", 8'000);
  CHECK(condition_of(watching.poll(), "too-many-instances") != nullptr);
  ends(root.path(), 300);
  ends(root.path(), 301);
  watching.port.pass(601s);
  CHECK(watching.poll().conditions.empty());
  // Another program with the same file name is not it; a file that was replaced while it runs is.
  ends(root.path(), 103);
  runs(root.path(), 400, "/home/x/app", 9'000);
  CHECK_FALSE(watching.poll().conditions.empty());
  runs(root.path(), 103, "/opt/app/app (deleted)", 7'002);
  CHECK(watching.poll().conditions.empty());
}

TEST_CASE("the version is the package's, and another one than wanted is said") {
  const TempFolder root;
  write(root / "var/lib/dpkg/status",
        "Package: other\nStatus: install ok installed\nVersion: 9\n\n"
        "Package: kiosk-ui\nStatus: install ok installed\nVersion: 2.4.1-1\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 3\n");
  const auto given = [&](std::string package, std::string version) {
    return Given{{"package", std::move(package)},
                 {"version", std::move(version)},
                 {"root", root.path().string()}};
  };
  const auto right = Watching{given("kiosk-ui", "2.4.1-1")}.poll();
  CHECK(right.conditions.empty());
  CHECK(right.identity.firmware == "2.4.1-1");
  const auto wrong = Watching{given("kiosk-ui", "2.5")}.poll();
  CHECK(condition_of(wrong, "wrong-version")->vendor_code == "2.4.1-1");
  CHECK(condition_of(Watching{given("gone", "3")}.poll(), "wrong-version")->vendor_code ==
        "unknown");
  Watching updated{given("kiosk-ui", "2.5")};
  updated.poll();
  write(root / "var/lib/dpkg/status",
        "Package: kiosk-ui\nStatus: install ok installed\nVersion: 2.5\n\n");
  updated.port.pass(61s);
  CHECK(updated.poll().conditions.empty());
}
#endif

TEST_CASE("files are hashed in pieces, and again when they change") {
  const TempFolder folder;
  const auto path = folder / "app.bin";
  const std::string first(300'000, 'x');
  write(path, first);
  WatchedFile file{"app.bin", path, ""};
  auto now = mono_from(0);
  file.look(now, 100'000);
  CHECK(file.state() == WatchedFile::State::unknown);
  CHECK(file.reading());
  for (int i = 0; i < 5 && file.reading(); ++i) file.look(now, 100'000);
  CHECK(file.state() == WatchedFile::State::as_expected);
  CHECK(file.sha256() == identity::sha256_hex(first));
  write(path, "other");
  file.look(now, 100'000);
  CHECK(file.state() == WatchedFile::State::changed);
  CHECK(file.sha256() == identity::sha256_hex("other"));
  write(path, first);
  for (int i = 0; i < 5; ++i) file.look(now, 100'000);
  CHECK(file.state() == WatchedFile::State::as_expected);
  // Somebody who keeps size and time: found by the daily reading.
  const auto written = std::filesystem::last_write_time(path);
  write(path, std::string(300'000, 'y'));
  std::filesystem::last_write_time(path, written);
  file.look(now, 1'000'000);
  CHECK(file.state() == WatchedFile::State::as_expected);
  now += 24h;
  file.look(now, 1'000'000);
  CHECK(file.state() == WatchedFile::State::changed);
  std::filesystem::remove(path);
  file.look(now, 1'000'000);
  CHECK(file.state() == WatchedFile::State::missing);
}

TEST_CASE("an item's files are judged against what was entered, and their hash is told") {
  const TempFolder folder;
  write(folder / "bin/a", "alpha");
  write(folder / "bin/b", "beta");
  const auto a = identity::sha256_hex("alpha");
  const auto b = identity::sha256_hex("beta");
  const auto given = [&](std::string hashes) {
    return Given{{"base_path", folder.path().string()},
                 {"files", "bin/a; bin/b"},
                 {"sha256", std::move(hashes)}};
  };
  CHECK(Watching{given(a + ";" + b)}.poll().conditions.empty());
  const auto swapped = Watching{given(b + "; " + a)}.poll();
  REQUIRE(codes_of(swapped) == std::vector<std::string>{"file-changed"});
  CHECK(swapped.conditions[0].detail == "bin/a, bin/b");
  CHECK(swapped.identity.serial == identity::sha256_hex("bin/a " + a + "\nbin/b " + b + "\n"));
  std::filesystem::remove(folder / "bin/b");
  CHECK(codes_of(Watching{given("")}.poll()) == std::vector<std::string>{"file-missing"});
}

TEST_CASE("settings that do not fit together are refused with what is wrong") {
  struct Row {
    Given given;
    const char* says;
  };
  const Row rows[] = {
      {{}, "nothing to watch"},
      {{{"files", "a"}}, "absolute"},
      {{{"files", "a;b"}, {"sha256", "00"}, {"base_path", "/opt"}}, "1 hashes for 2 files"},
      {{{"process", "x"}, {"instances_least", "3"}, {"instances_most", "2"}}, "lies below"},
  };
  for (const auto& row : rows) {
    const auto driver = make_driver("software", row.given);
    REQUIRE_FALSE(driver);
    CHECK(driver.error().text().find(row.says) != std::string::npos);
  }
  const TempFolder folder;
  const auto bad = make_driver(
      "software", {{"files", "a"}, {"base_path", folder.path().string()}, {"sha256", "xyz"}});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().text().find("64 hex digits") != std::string::npos);
}
