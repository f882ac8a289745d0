#include "agent/hotplug.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr auto left_settles = std::chrono::milliseconds{300};

}  // namespace

void Hotplug::use(const AgentConfig& config) {
  if (config.readable) strangers_.use(config);
  if (usb_) return;
  auto started = drivers::UsbWatch::start([this](const drivers::UsbChange& change) {
    asio::post(io_, [this, change] { changed(change); });
  });
  if (started) {
    usb_ = std::move(*started);
  } else {
    log::warning("usb-not-watched", {{"reason", started.error()}});
  }
}

void Hotplug::changed(const drivers::UsbChange& change) {
  log::info(change.arrived ? "usb-plugged-in" : "usb-pulled-out",
            {{"device", fmt::format("{:04x}:{:04x}", change.vendor, change.product)}});
  if (change.arrived) {
    watch_.port_appeared();
  } else {
    watch_.device_left();
    left_again_ = true;
    if (!std::exchange(looking_again_, true)) spawn(io_, "usb-left", look_again());
  }
  if (const auto note = strangers_.changed(change, clock_.mono())) {
    journal_.post_note(note->code, note->detail);
  }
}

/// The system tells that a device leaves before it takes it off its list: a look that came in
/// between has found it there.
Task<void> Hotplug::look_again() {
  // What leaves meanwhile gets its own time.
  while (std::exchange(left_again_, false)) {
    co_await sleep_for(left_settles);
    watch_.device_left();
  }
  looking_again_ = false;
}

Task<void> Hotplug::run() {
  for (;;) {
    co_await nodes_.appeared();
    watch_.port_appeared();
  }
}

}  // namespace kw::agent
