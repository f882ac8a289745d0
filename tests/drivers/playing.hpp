#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include "drivers/ports/open.hpp"
#include "drivers/simulators/scenario.hpp"
#include "drivers/simulators/stage.hpp"
#include "tests/drivers/support.hpp"

// Simulated devices that play in this process, and real drivers on their ports.
namespace kw::devices {

inline const SystemClock real_clock;

inline MonoTime within(Duration d) { return real_clock.mono() + d; }

inline boost::json::object object_of(const std::string& line) {
  boost::system::error_code bad;
  auto value = boost::json::parse(line, bad);
  REQUIRE_MESSAGE((!bad && value.is_object()), line);
  return value.as_object();
}

/// A stage that plays in a thread of its own, and what it announced.
class Playing {
 public:
  Playing(const std::string& scenario, const std::filesystem::path& control) {
    std::vector<config::Problem> problems;
    const auto document = config::parse(scenario, "test.toml", problems);
    REQUIRE(bool(document));
    auto devices = read_scenario(*document, problems);
    REQUIRE_MESSAGE(bool(devices), devices.error().text());
    auto stage = Stage::set_up(std::move(*devices), control, real_clock,
                               [this](const std::string& line) { hear(line); });
    REQUIRE_MESSAGE(bool(stage), stage.error().text());
    stage_ = std::move(*stage);
    thread_ = std::thread{[this] { stage_->run(); }};
  }

  ~Playing() {
    stage_->stop();
    thread_.join();
  }

  std::string address(std::size_t index = 0) const { return stage_->addresses().at(index); }

  /// Waits for the announcement number `index`.
  std::string announced(std::size_t index) {
    std::unique_lock lock{mutex_};
    const bool came =
        heard_.wait_for(lock, std::chrono::seconds{10}, [&] { return lines_.size() > index; });
    return came ? lines_[index] : "nothing was announced";
  }

 private:
  void hear(const std::string& line) {
    const std::lock_guard lock{mutex_};
    lines_.push_back(line);
    heard_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> lines_;
  std::unique_ptr<Stage> stage_;
  std::thread thread_;
};

/// A driver on the port of a simulated device.
struct Attached {
  std::unique_ptr<drivers::Port> port;
  std::unique_ptr<drivers::Driver> driver;

  Result<wire::Status> poll() const { return driver->poll(within(std::chrono::seconds{10})); }
};

inline Attached attach(const std::string& address, const drivers::Given& settings,
                       std::string_view protocol = "escpos") {
  Attached out;
  const auto parsed = drivers::PortAddress::parse(address);
  REQUIRE_MESSAGE(bool(parsed), parsed.error().text());
  auto port = drivers::open_port(*parsed, real_clock, within(std::chrono::seconds{5}));
  REQUIRE_MESSAGE(bool(port), port.error().text());
  out.port = std::move(*port);
  auto driver = drivers::make_driver(protocol, settings);
  REQUIRE(bool(driver));
  out.driver = std::move(*driver);
  return out;
}

}  // namespace kw::devices
