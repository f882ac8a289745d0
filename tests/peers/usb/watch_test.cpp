// The system's list of devices and what changes in it, on the bus that usb-stage mocks.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include <doctest/doctest.h>

#include "drivers/ports/usb_list.hpp"
#include "drivers/ports/usb_watch.hpp"
#include "tests/peers/usb/stage_client.hpp"

using namespace kw;
using namespace kw::drivers;
using namespace std::chrono_literals;
using kw::tests::on_stage;
using kw::tests::Plugged;

namespace {

/// Collects what a watch tells.
class Ear {
 public:
  UsbWatch::Told told() {
    return [this](const UsbChange& change) {
      const std::lock_guard lock{mutex_};
      heard_.push_back(change);
      changed_.notify_all();
    };
  }

  /// Whether the device's `count`th change is that one, or becomes so in time.
  bool hears(std::size_t count, bool arrived, std::uint16_t vendor) {
    std::unique_lock lock{mutex_};
    const auto of_vendor = [&] {
      std::vector<bool> out;
      for (const auto& one : heard_) {
        if (one.vendor == vendor) out.push_back(one.arrived);
      }
      return out;
    };
    changed_.wait_for(lock, 10s, [&] { return of_vendor().size() >= count; });
    const auto all = of_vendor();
    return all.size() == count && all.back() == arrived;
  }

  /// The first change of that vendor's devices.
  UsbChange first(std::uint16_t vendor) {
    const std::lock_guard lock{mutex_};
    const auto at = std::ranges::find(heard_, vendor, &UsbChange::vendor);
    return at == heard_.end() ? UsbChange{} : *at;
  }

  bool silent_on(std::uint16_t vendor) {
    const std::lock_guard lock{mutex_};
    return std::ranges::find(heard_, vendor, &UsbChange::vendor) == heard_.end();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<UsbChange> heard_;
};

}  // namespace

TEST_CASE(
    "the list has what is attached, with the system's texts and nothing asked of the device") {
  const Plugged scanner{"scanner-serial"};
  const Plugged touch{"touch"};
  const auto claimed_before = on_stage("claims scanner-serial");
  const auto list = list_usb();
  REQUIRE(bool(list));
  const auto at = std::ranges::find_if(
      *list, [](const UsbAttached& one) { return one.facts.vendor == 0x1eab; });
  REQUIRE(at != list->end());
  CHECK(at->facts.product == 0x0c06);
  CHECK(at->manufacturer == "Newland");
  CHECK(at->product == "Scanner, serial mode");
  CHECK(at->has_serial("SN77"));
  CHECK(at->facts.has_function(0x02));
  CHECK(at->facts.path.starts_with("1-"));
  CHECK(on_stage("claims scanner-serial") == claimed_before);
}

TEST_CASE("what comes and goes is told, as the system tells and by looking at the list") {
  for (const auto way : {UsbWatch::Way::best, UsbWatch::Way::listed}) {
    CAPTURE(static_cast<int>(way));
    const Plugged before{"touch"};
    Ear ear;
    const auto watch = UsbWatch::start(ear.told(), way);
    REQUIRE(bool(watch));
    const auto started = std::chrono::steady_clock::now();
    REQUIRE(on_stage("plug echo") == "ok");
    CHECK(ear.hears(1, true, 0x0400));
    REQUIRE(on_stage("unplug echo") == "ok");
    CHECK(ear.hears(2, false, 0x0400));
    const auto took = std::chrono::steady_clock::now() - started;
    CHECK(took < (way == UsbWatch::Way::best ? 1s : 8s));
    CHECK(ear.silent_on(0x0eef));  // what was there before is no change
  }
}

TEST_CASE("who comes is told with what it calls itself, what it can do and where it is") {
  for (const auto way : {UsbWatch::Way::best, UsbWatch::Way::listed}) {
    CAPTURE(static_cast<int>(way));
    Ear ear;
    const auto watch = UsbWatch::start(ear.told(), way);
    REQUIRE(bool(watch));
    {
      const Plugged stick{"stick"};
      CHECK(ear.hears(1, true, 0x0951));
      const auto change = ear.first(0x0951);
      CHECK(change.product == 0x1666);
      CHECK(change.name == "Memory stick");
      CHECK(change.types == std::vector<std::uint8_t>{0x08});
      CHECK(change.path.starts_with("1-"));
    }
    CHECK(ear.hears(2, false, 0x0951));
  }
}
