#include "agent/strangers.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "agent/outbox/fit.hpp"
#include "common/platform/files.hpp"
#include "common/platform/serial_ports.hpp"
#include "drivers/ports/usb_address.hpp"
#include "drivers/ports/usb_list.hpp"

namespace kw::agent {
namespace {

constexpr std::uint8_t smart_card = 0x0b;  // USB-IF class codes
constexpr std::size_t name_most = 64;

/// A device says what it likes: no more than one word in quotes comes of it.
std::string shown(const std::string& name) {
  auto out = fitting(name, name_most);
  std::ranges::replace_if(
      out, [](char c) { return (c >= 0 && c < ' ') || c == '"' || c == 0x7f; }, '?');
  return out;
}

std::string detail_of(const drivers::UsbChange& change) {
  auto out = fmt::format("{:04x}:{:04x}", change.vendor, change.product);
  if (const auto name = shown(change.name); !name.empty()) out += " \"" + name + "\"";
  const char* before = " class=";
  for (const auto type : change.types) {
    out += fmt::format("{}{:02x}", before, type);
    before = ",";
  }
  if (!change.path.empty()) out += " path=" + change.path;
  return out;
}

}  // namespace

void Strangers::use(const AgentConfig& config) {
  known_.clear();
  serial_.clear();
  card_readers_ = false;
  for (const auto& device : config.devices) {
    const auto& address = device.address;
    if (address.scheme == "usb" || address.scheme == "usb-list") {
      const auto wanted = drivers::usb_address(address);
      if (wanted) known_.insert({wanted->vendor, wanted->product});
    } else if (address.scheme == "serial" || address.scheme == "modbus+rtu") {
      serial_.insert(address.host);
    } else if (address.scheme == "pcsc") {
      card_readers_ = true;
    }
  }
  look_at_adapters();
  look_at_readers();
}

/// PC/SC names readers in words of its own; what they are on the bus is known while they are there.
void Strangers::look_at_readers() {
  if (!card_readers_) return;
  const auto attached = drivers::list_usb();
  if (!attached) return;
  for (const auto& one : *attached) {
    if (one.facts.has_function(smart_card)) known_.insert({one.facts.vendor, one.facts.product});
  }
}

/// A serial adapter is known by the device node that a configured device is at. It is known for as
/// long as the configuration is: once pulled out, it has no node.
void Strangers::look_at_adapters() {
  if (serial_.empty()) return;
  const auto ports = platform::serial_ports();
  for (const auto& host : serial_) {
    std::error_code none;
    const auto node = std::filesystem::canonical(platform::path_of(host), none).string();
    const auto at = std::ranges::find_if(ports, [&](const platform::SerialPortFacts& one) {
      return one.vendor != 0 && (one.device == host || one.device == node);
    });
    if (at != ports.end()) known_.insert({at->vendor, at->product});
  }
}

bool Strangers::configured(const drivers::UsbChange& change) {
  look_at_adapters();
  const Numbers numbers{change.vendor, change.product};
  if (card_readers_ && std::ranges::find(change.types, smart_card) != change.types.end()) {
    known_.insert(numbers);
  }
  return known_.contains(numbers);
}

std::optional<Strangers::Note> Strangers::changed(const drivers::UsbChange& change, MonoTime now) {
  auto told = change;
  if (change.arrived) {
    if (configured(change)) {
      here_.erase(change.path);
      return std::nullopt;
    }
    here_[change.path] = change;
  } else {
    if (configured(change)) return std::nullopt;
    // What it was is only known of one that came while we looked.
    const auto was = here_.find(change.path);
    if (was != here_.end()) {
      if (was->second.vendor == change.vendor && was->second.product == change.product) {
        told.name = was->second.name;
        told.types = was->second.types;
      }
      here_.erase(was);
    }
  }
  while (!noted_.empty() && now - noted_.front() >= notes_in) noted_.pop_front();
  if (noted_.size() >= notes_most) {
    ++held_back_;
    return std::nullopt;
  }
  noted_.push_back(now);
  Note out{change.arrived ? "usb-plugged-in" : "usb-pulled-out", detail_of(told)};
  if (const auto more = std::exchange(held_back_, 0); more > 0) {
    out.detail += fmt::format(" held_back={}", more);
  }
  return out;
}

}  // namespace kw::agent
