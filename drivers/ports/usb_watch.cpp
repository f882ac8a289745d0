#include "drivers/ports/usb_watch.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/platform/thread_name.hpp"
#include "common/platform/usb_texts.hpp"
#include "drivers/ports/usb_library.hpp"
#include "drivers/ports/usb_list.hpp"

namespace kw::drivers {
namespace {

/// The text of its product. Some makers put the unit's serial number into it: then it is nobody's
/// business here.
std::string name_of(const std::string& product, const std::vector<std::string>& serials) {
  const bool told = std::ranges::any_of(serials, [&](const std::string& serial) {
    return !serial.empty() && product.find(serial) != std::string::npos;
  });
  return told ? std::string{} : product;
}

UsbChange arrival(const UsbFacts& facts, const std::string& product,
                  const std::vector<std::string>& serials) {
  UsbChange out{true, facts.vendor, facts.product, facts.path, name_of(product, serials), {}};
  for (const auto& function : facts.functions) out.types.push_back(function.type);
  std::ranges::sort(out.types);
  const auto same = std::ranges::unique(out.types);
  out.types.erase(same.begin(), same.end());
  return out;
}

UsbChange departure(const UsbChange& was) {
  return {false, was.vendor, was.product, was.path, {}, {}};
}

/// What is attached, by place.
using Attached = std::map<std::string, UsbChange>;

/// Nothing when the list could not be read: that does not say that all were pulled out.
std::optional<Attached> attached_now() {
  Attached out;
  const auto list = list_usb();
  if (!list) return std::nullopt;
  for (const auto& one : *list) {
    // Where the system gives no place, several alike are one: their count is not needed.
    out[one.facts.path + ":" + std::to_string(one.facts.vendor) + ":" +
        std::to_string(one.facts.product)] = arrival(one.facts, one.product, one.serials);
  }
  return out;
}

}  // namespace

struct UsbWatch::State {
  Told told;
  usb::Context context;
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable wake;
  std::thread thread;

  static int LIBUSB_CALL changed(libusb_context* /*context*/, libusb_device* device,
                                 libusb_hotplug_event event, void* data) {
    const auto facts = usb::facts_of(device);
    auto change = arrival(facts, {}, {});
    if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED) {
      const auto texts = platform::usb_texts(facts.path, facts.vendor, facts.product);
      change.name = name_of(texts.product, texts.serials);
    } else {
      change = departure(change);
    }
    static_cast<State*>(data)->told(change);
    return 0;  // goes on
  }

  Result<void> listen() {
    constexpr int events = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
    constexpr int any = LIBUSB_HOTPLUG_MATCH_ANY;
    const int code = libusb_hotplug_register_callback(context.get(), events, 0, any, any, any,
                                                      changed, this, nullptr);
    if (code != 0) return usb::error(code, "usb hotplug");
    thread = std::thread{[this] {
      platform::name_this_thread("usb");
      while (!stopping) {
        timeval long_wait{3600, 0};
        libusb_handle_events_timeout_completed(context.get(), &long_wait, nullptr);
      }
    }};
    return {};
  }

  void look_again_and_again() {
    // Taken before anybody is told that the watch has begun: what comes after is a change.
    thread = std::thread{[this, before = attached_now()]() mutable {
      platform::name_this_thread("usb");
      std::unique_lock lock{mutex};
      while (!stopping) {
        wake.wait_for(lock, look_every);
        if (stopping) return;
        lock.unlock();
        auto now = attached_now();
        if (before && now) tell_differences(*before, *now);
        if (now) before = std::move(now);
        lock.lock();
      }
    }};
  }

  void tell_differences(const Attached& before, const Attached& now) const {
    for (const auto& [place, was] : before) {
      if (!now.contains(place)) told(departure(was));
    }
    for (const auto& [place, is] : now) {
      if (!before.contains(place)) told(is);
    }
  }

  ~State() {
    {
      const std::lock_guard lock{mutex};
      stopping = true;
    }
    wake.notify_all();
    if (!thread.joinable()) return;
    libusb_interrupt_event_handler(context.get());
    thread.join();
  }
};

UsbWatch::UsbWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
UsbWatch::~UsbWatch() = default;

Result<std::unique_ptr<UsbWatch>> UsbWatch::start(Told told, Way way) {
  auto context = usb::make_context();
  if (!context) return std::move(context).error();
  auto state = std::make_unique<State>();
  state->told = std::move(told);
  state->context = std::move(*context);
  if (way == Way::best && libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) != 0) {
    auto listening = state->listen();
    if (!listening) return std::move(listening).error();
  } else {
    state->look_again_and_again();
  }
  return std::unique_ptr<UsbWatch>{new UsbWatch{std::move(state)}};
}

}  // namespace kw::drivers
