// Polls simulated devices with the real drivers, each every so often: poll_devices EVERY_S SECONDS
// < what kiosk-devices printed. Prints how many polls were done, failed and came late. A helper of
// devices.sh.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/ports/open.hpp"

namespace {

using namespace kw;

struct Target {
  std::unique_ptr<drivers::Driver> driver;
  drivers::PortAddress address;
};

std::vector<Target> targets_of(std::istream& in) {
  std::vector<Target> out;
  for (std::string line; std::getline(in, line);) {
    const auto value = boost::json::parse(line);
    const auto* port = value.as_object().if_contains("port");
    if (port == nullptr) continue;
    const auto* card = drivers::find(std::string_view{value.at("protocol").as_string()});
    if (card == nullptr) continue;
    std::vector<Error> none;
    auto driver = card->make(drivers::Settings::read(card->settings, {}, none));
    auto address = drivers::PortAddress::parse(std::string_view{port->as_string()});
    if (driver && address) out.push_back({std::move(*driver), std::move(*address)});
  }
  return out;
}

bool poll(Target& target, const Clock& clock) {
  const auto by = clock.mono() + std::chrono::seconds{5};
  auto port = drivers::open_port(target.address, clock, by);
  if (!port) return false;
  const bool well = bool(target.driver->open(**port, by)) && bool(target.driver->poll(by));
  target.driver->close();
  return well;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const Duration every = std::chrono::seconds{std::atoi(argv[1])};
  const Duration lasts = std::chrono::seconds{std::atoi(argv[2])};
  const SystemClock clock;
  auto targets = targets_of(std::cin);
  if (targets.empty()) return 1;
  const auto start = clock.mono();
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> failed = 0;
  std::atomic<std::size_t> late = 0;
  std::mutex mutex;
  std::condition_variable never;
  // The n-th poll of all is due n times the time between two; whoever is free does it. A target is
  // not polled by two at once: its next turn is `every` away.
  const auto polls = static_cast<std::size_t>(lasts / every) * targets.size();
  const auto work = [&] {
    for (auto n = next++; n < polls; n = next++) {
      const auto due =
          start + every * static_cast<std::int64_t>(n) / static_cast<std::int64_t>(targets.size());
      std::unique_lock lock{mutex};
      while (clock.mono() < due) never.wait_for(lock, due - clock.mono());
      lock.unlock();
      if (clock.mono() - due > std::chrono::milliseconds{500}) ++late;
      if (!poll(targets[n % targets.size()], clock)) ++failed;
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < 8; ++i) workers.emplace_back(work);
  for (auto& worker : workers) worker.join();
  const auto took = std::chrono::duration<double>(clock.mono() - start).count();
  std::cout << boost::json::serialize(
                   boost::json::object{{"targets", targets.size()},
                                       {"polls", polls},
                                       {"polls_per_second", static_cast<double>(polls) / took},
                                       {"failed", failed.load()},
                                       {"late", late.load()}})
            << '\n';
}
