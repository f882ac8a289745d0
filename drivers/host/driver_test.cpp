#include <fstream>
#include <optional>
#include <string>

#include <doctest/doctest.h>
#include <sys/statvfs.h>

#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

/// A machine made of files, as Linux has them.
class Machine {
 public:
  Machine() {
    write("proc/stat",
          "cpu  1000 0 500 8000 400 0 100 0 50 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nbtime 1795350965\n");
    write("proc/meminfo",
          "MemTotal:       24684092 kB\nMemFree:         100 kB\nMemAvailable:   18834640 kB\n"
          "SwapTotal:       2097148 kB\nSwapFree:        1048574 kB\n");
    write("proc/loadavg", "8.82 4.20 2.01 3/456 7890\n");
    write("proc/uptime", "2460.03 9000.10\n");
    write("proc/self/mounts",
          "proc /proc proc rw 0 0\n/dev/vda / ext4 rw,relatime 0 0\n"
          "tmpfs /run tmpfs rw 0 0\n/dev/vda /home ext4 rw 0 0\n"
          "/dev/sdb1 /data\\040disk xfs rw 0 0\nnas:/share /mnt nfs rw 0 0\n");
    std::filesystem::create_directories(folder_.path() / "data disk");
    write("proc/net/dev",
          "Inter-|   Receive                            |  Transmit\n"
          " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets\n"
          "    lo: 1650976413 10 0 0 0 0 0 0 1650976413 10 0 0 0 0 0 0\n"
          "  eth0:1234567 20 0 0 0 0 0 0 7654321 30 0 0 0 0 0 0\n");
    write("sys/class/hwmon/hwmon0/name", "coretemp\n");
    write("sys/class/hwmon/hwmon0/temp1_input", "47500\n");
    write("sys/class/dmi/id/sys_vendor", "Kiosk Works\n");
    write("sys/class/dmi/id/product_name", "K-1\n");
  }

  void write(const std::filesystem::path& file, std::string_view text) const {
    const auto path = folder_.path() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
  }

  void remove(const std::filesystem::path& file) const {
    std::filesystem::remove_all(folder_.path() / file);
  }

  const std::filesystem::path& root() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

std::unique_ptr<Driver> opened(const Machine& machine, FakePort& port, Given more = {}) {
  more.emplace("root", machine.root().string());
  // A test must not depend on how full the disk is that it runs on.
  more.emplace("disk_warning_percent", "100");
  more.emplace("disk_full_percent", "100");
  auto driver = make_driver("host", more);
  REQUIRE_MESSAGE(bool(driver), driver.error().text());
  REQUIRE(bool((*driver)->open(port, port.now() + std::chrono::seconds{1})));
  return std::move(*driver);
}

wire::Status polled(Driver& driver, FakePort& port) {
  auto status = driver.poll(port.now() + std::chrono::seconds{1});
  REQUIRE(bool(status));
  return std::move(*status);
}

std::optional<double> measured(const wire::Status& status, std::string_view name) {
  for (const auto& m : status.measurements) {
    if (m.name == name) return m.value;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("host: figures are those of the machine's files") {
  const Machine machine;
  FakePort port;
  const auto driver = opened(machine, port);
  const auto status = polled(*driver, port);
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.evidence == wire::Evidence::driver_report);
  CHECK(measured(status, "memory_total_bytes") == 25276510208.0);
  CHECK(measured(status, "memory_available_bytes") == 18834640.0 * 1024);
  CHECK(measured(status, "swap_total_bytes") == 2097148.0 * 1024);
  CHECK(measured(status, "swap_free_bytes") == 1048574.0 * 1024);
  CHECK(measured(status, "load1") == 8.82);
  CHECK(measured(status, "uptime_seconds") == 2460.03);
  CHECK(measured(status, "boot_time_seconds") == 1795350965.0);
  CHECK(measured(status, "network_receive_bytes[eth0]") == 1234567.0);
  CHECK(measured(status, "network_transmit_bytes[eth0]") == 7654321.0);
  CHECK_FALSE(measured(status, "network_receive_bytes[lo]"));
  CHECK(measured(status, "temperature_celsius[coretemp/temp1]") == 47.5);
  CHECK(status.identity.vendor == "Kiosk Works");
  CHECK(status.identity.model == "K-1");
  CHECK(health_of(status) == wire::Health::ok);
}

TEST_CASE("host: CPU use is what happened between two polls") {
  const Machine machine;
  FakePort port;
  const auto driver = opened(machine, port);
  CHECK_FALSE(measured(polled(*driver, port), "cpu_used_percent"));
  // 1000 ticks more, of which 600 idle and 100 waiting for the disk; guest time is not added twice.
  machine.write("proc/stat", "cpu  1200 0 550 8600 500 0 150 0 999 0\n");
  CHECK(measured(polled(*driver, port), "cpu_used_percent").value() == doctest::Approx(30));
  // No time has passed: no figure, rather than a made-up one.
  CHECK_FALSE(measured(polled(*driver, port), "cpu_used_percent"));
}

TEST_CASE("host: every real disk once, used as df counts it") {
  const Machine machine;
  FakePort port;
  const auto driver = opened(machine, port);
  const auto status = polled(*driver, port);
  struct statvfs fs{};
  REQUIRE(::statvfs(machine.root().c_str(), &fs) == 0);
  CHECK(measured(status, "disk_total_bytes[/]") ==
        static_cast<double>(fs.f_blocks) * static_cast<double>(fs.f_frsize));
  const auto used = static_cast<double>(fs.f_blocks - fs.f_bfree);
  CHECK(measured(status, "disk_used_percent[/]").value() ==
        doctest::Approx(100 * used / (used + static_cast<double>(fs.f_bavail))).epsilon(0.01));
  CHECK(measured(status, "disk_total_bytes[/data disk]"));
  for (const auto* other : {"/proc", "/run", "/home", "/mnt"}) {
    CHECK_FALSE(measured(status, "disk_total_bytes[" + std::string{other} + "]"));
  }
}

TEST_CASE("host: a full disk is named, once for each degree") {
  const Machine machine;
  FakePort port;
  SUBCASE("almost full") {
    const auto driver = opened(machine, port, {{"disk_warning_percent", "0"}});
    const auto status = polled(*driver, port);
    CHECK(codes_of(status) == std::vector<std::string>{"disk-almost-full"});
    CHECK(status.conditions[0].detail == "/, /data disk");
    CHECK(health_of(status) == wire::Health::warning);
    CHECK(same_state(status, polled(*driver, port)));
  }
  SUBCASE("full") {
    const auto driver =
        opened(machine, port, {{"disk_warning_percent", "0"}, {"disk_full_percent", "0"}});
    const auto status = polled(*driver, port);
    CHECK(codes_of(status) == std::vector<std::string>{"disk-full"});
    CHECK(health_of(status) == wire::Health::fault);
  }
}

TEST_CASE("host: little memory is a warning") {
  const Machine machine;
  machine.write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 99 kB\n");
  FakePort port;
  const auto driver = opened(machine, port);
  CHECK(codes_of(polled(*driver, port)) == std::vector<std::string>{"memory-low"});
  machine.write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\n");
  CHECK(polled(*driver, port).conditions.empty());
}

TEST_CASE("host: what cannot be read is left out, never guessed") {
  const Machine machine;
  machine.remove("proc/meminfo");
  machine.remove("sys");
  machine.write("proc/net/dev", "nonsense\n  eth0: twelve\n");
  machine.write("proc/loadavg", "");
  FakePort port;
  const auto driver = opened(machine, port);
  const auto status = polled(*driver, port);
  for (const auto* name : {"memory_total_bytes", "load1", "network_receive_bytes[eth0]"}) {
    CHECK_FALSE(measured(status, name));
  }
  CHECK(measured(status, "uptime_seconds"));
  CHECK(status.conditions.empty());
}

TEST_CASE("host: without proc there is nothing to report") {
  const TempFolder empty;
  FakePort port;
  const auto driver = make_driver("host", {{"root", empty.path().string()}});
  REQUIRE(bool(driver));
  CHECK((*driver)->open(port, port.now()).error().code() == Errc::missing);
}

TEST_CASE(
    "host: how old updates and virus signatures are is told, and judged when a limit is set") {
  const Machine machine;
  const auto age = [&](const char* file, std::chrono::days days) {
    std::filesystem::last_write_time(machine.root() / file,
                                     std::filesystem::file_time_type::clock::now() - days);
  };
  machine.write("var/log/dpkg.log", "2026-01-01 install x");
  machine.write("var/lib/clamav/daily.cld", "ClamAV");
  age("var/log/dpkg.log", std::chrono::days{40});
  age("var/lib/clamav/daily.cld", std::chrono::days{3});
  const auto poll = [&](const Given& more) {
    FakePort port;
    const auto driver = opened(machine, port, more);
    return polled(*driver, port);
  };
  const auto quiet = poll({});
  CHECK(measured(quiet, "patch_age_days").value_or(0) == doctest::Approx(40).epsilon(0.01));
  CHECK(measured(quiet, "antivirus_signatures_age_days").value_or(0) ==
        doctest::Approx(3).epsilon(0.01));
  CHECK(condition_of(quiet, "patches-old") == nullptr);
  const auto judged = poll({{"patch_warning_days", "30"}, {"signatures_warning_days", "7"}});
  CHECK(condition_of(judged, "patches-old") != nullptr);
  CHECK(condition_of(judged, "antivirus-old") == nullptr);
  CHECK(condition_of(poll({{"signatures_warning_days", "2"}}), "antivirus-old") != nullptr);
  machine.remove("var/lib/clamav/daily.cld");
  CHECK(condition_of(poll({{"signatures_warning_days", "7"}}), "antivirus-missing") != nullptr);
}

}  // namespace kw::drivers
