// The host driver on the machine that the tests run on, whatever system it has.
#include <algorithm>

#include <doctest/doctest.h>

#include "common/platform/host_figures.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

wire::Status polled(Driver& driver, FakePort& port) {
  auto status = driver.poll(port.now() + std::chrono::seconds{1});
  REQUIRE_MESSAGE(bool(status), status.error().text());
  return std::move(*status);
}

std::unique_ptr<Driver> opened(FakePort& port, const Given& given = {}) {
  auto driver = make_driver("host", given);
  REQUIRE_MESSAGE(bool(driver), driver.error().text());
  REQUIRE(bool((*driver)->open(port, port.now() + std::chrono::seconds{1})));
  return std::move(*driver);
}

double measured(const wire::Status& status, std::string_view name) {
  const auto found = std::ranges::find(status.measurements, name, &wire::Measurement::name);
  REQUIRE_MESSAGE(found != status.measurements.end(), name);
  return found->value;
}

}  // namespace

TEST_CASE("host: this very machine can be read") {
  FakePort port;
  const auto driver = opened(port);
  const auto status = polled(*driver, port);
  CHECK(status.device == wire::DeviceState::online);
  const auto memory = measured(status, "memory_total_bytes");
  CHECK(memory > 64.0 * 1024 * 1024);
  CHECK(measured(status, "memory_available_bytes") > 0);
  CHECK(measured(status, "memory_available_bytes") <= memory);
  const auto up = measured(status, "uptime_seconds");
  CHECK(up > 0);
  // The wall clock, seen from the start of this boot.
  const SystemClock clock;
  const auto now = static_cast<double>(micros(clock.wall())) / 1e6;
  CHECK(measured(status, "boot_time_seconds") + up == doctest::Approx(now).epsilon(60 / now));
}

TEST_CASE("host: this machine's processor is at work between two looks") {
  const auto before = platform::read_host("/");
  REQUIRE(bool(before));
  REQUIRE(before->cpu);
  const SystemClock clock;
  const auto start = clock.mono();
  auto now = platform::read_host("/");
  // Systems count in steps of some milliseconds.
  while (now && now->cpu->total == before->cpu->total &&
         clock.mono() - start < std::chrono::seconds{10}) {
    now = platform::read_host("/");
  }
  REQUIRE(bool(now));
  CHECK(now->cpu->total > before->cpu->total);
  CHECK(now->cpu->total - before->cpu->total >= now->cpu->idle - before->cpu->idle);
}

TEST_CASE("host: a disk of this machine is judged by the limits") {
  const auto figures = platform::read_host("/");
  REQUIRE(bool(figures));
  REQUIRE_FALSE(figures->disks.empty());
  const auto& disk = figures->disks.front();
  CHECK(disk.used_bytes > 0);
  CHECK(disk.used_bytes <= disk.usable_bytes);
  CHECK(disk.usable_bytes <= disk.total_bytes);
  FakePort port;
  const auto full = opened(port, {{"disk_warning_percent", "0"}, {"disk_full_percent", "0"}});
  const auto status = polled(*full, port);
  REQUIRE(condition_of(status, "disk-full") != nullptr);
  CHECK(condition_of(status, "disk-full")->detail.find(disk.path) != std::string::npos);
  CHECK(measured(status, "disk_total_bytes[" + disk.path + "]") == disk.total_bytes);
}

TEST_CASE("host: limits that contradict each other are refused") {
  const auto driver =
      make_driver("host", {{"disk_warning_percent", "90"}, {"disk_full_percent", "80"}});
  REQUIRE_FALSE(bool(driver));
  CHECK(driver.error().code() == Errc::invalid);
}

}  // namespace kw::drivers
