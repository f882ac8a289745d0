#include "drivers/ports/usb.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "drivers/ports/usb_library.hpp"
#include "drivers/ports/usb_wire.hpp"

namespace kw::drivers {
namespace {

using Kind = UsbEndpoint::Kind;

/// How long `discard` waits for what the device may have ready: a few frames of the bus.
constexpr Duration discard_wait = std::chrono::milliseconds{3};
constexpr int discard_packets = 64;

class LibusbPort final : public UsbPort {
 public:
  LibusbPort(std::unique_ptr<usb::Wire> wire, UsbFacts facts, UsbFunction function,
             std::uint8_t out, std::uint8_t in)
      : wire_(std::move(wire)),
        facts_(std::move(facts)),
        function_(std::move(function)),
        out_(out),
        in_(in) {}

  ~LibusbPort() override {
    for (auto& [endpoint, kept] : kept_) OPENSSL_cleanse(kept.data(), kept.size());
    libusb_release_interface(wire_->handle(), function_.number);
  }

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    if (out_ == 0) return Error{Errc::unsupported, wire_->name() + ": no endpoint to write to"};
    return bulk_write(out_, bytes, deadline);
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    if (in_ == 0) return Error{Errc::unsupported, wire_->name() + ": no endpoint to read from"};
    return bulk_read(in_, into, deadline);
  }

  void discard() override {
    for (auto& [endpoint, kept] : kept_) {
      OPENSSL_cleanse(kept.data(), kept.size());
      kept.clear();
    }
    // Also what was ready before anything was asked.
    for (const auto& endpoint : function_.endpoints) {
      if (endpoint.in() && endpoint.kind == Kind::bulk) drain(endpoint.address);
    }
  }

  void cancel() noexcept override { wire_->cancel(); }
  MonoTime now() const override { return wire_->now(); }

  Result<std::vector<std::uint8_t>> control_in(const UsbSetup& setup, std::size_t most,
                                               MonoTime deadline) override {
    UsbSetup asked = setup;
    asked.type |= 0x80;
    return wire_->control(asked, {}, most, deadline);
  }

  Result<void> control_out(const UsbSetup& setup, std::span<const std::uint8_t> bytes,
                           MonoTime deadline) override {
    UsbSetup told = setup;
    told.type &= 0x7f;
    auto done = wire_->control(told, bytes, 0, deadline);
    if (!done) return std::move(done).error();
    return {};
  }

  Result<void> bulk_write(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                          MonoTime deadline) override {
    std::vector<std::uint8_t> copy{bytes.begin(), bytes.end()};
    auto moved = wire_->transfer(Kind::bulk, endpoint, copy, deadline);
    if (!moved) return std::move(moved).error();
    if (*moved == bytes.size()) return {};
    return Error{Errc::timeout,
                 fmt::format("{}: took {} of {} bytes", wire_->name(), *moved, bytes.size())};
  }

  Result<std::size_t> bulk_read(std::uint8_t endpoint, std::span<std::uint8_t> into,
                                MonoTime deadline) override {
    auto& kept = kept_[endpoint];
    // An empty packet only marks an end.
    while (kept.empty()) {
      // One packet at a time: it never overflows, and a device that ends on a full packet does not
      // leave us waiting for more.
      std::vector<std::uint8_t> packet(packet_of(endpoint));
      auto got = wire_->transfer(Kind::bulk, endpoint, packet, deadline);
      if (!got) return std::move(got).error();
      kept.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(*got));
      OPENSSL_cleanse(packet.data(), packet.size());
    }
    const auto count = std::min(into.size(), kept.size());
    std::copy_n(kept.begin(), count, into.begin());
    // What an ID reader sends must not stay in memory that nobody looks after.
    std::copy(kept.begin() + static_cast<std::ptrdiff_t>(count), kept.end(), kept.begin());
    OPENSSL_cleanse(kept.data() + (kept.size() - count), count);
    kept.resize(kept.size() - count);
    return count;
  }

  Result<std::vector<std::uint8_t>> interrupt_read(std::uint8_t endpoint,
                                                   MonoTime deadline) override {
    std::vector<std::uint8_t> report(packet_of(endpoint));
    const auto got = wire_->transfer(Kind::interrupt, endpoint, report, deadline);
    if (!got) return got.error();
    report.resize(*got);
    return report;
  }

  Result<UsbNames> names(MonoTime deadline) override { return wire_->names(deadline); }
  const UsbFacts& facts() const override { return facts_; }
  const UsbFunction& function() const override { return function_; }

 private:
  void drain(std::uint8_t endpoint) {
    std::vector<std::uint8_t> scrap(packet_of(endpoint));
    // Bounded: a device that talks without end must not hold us here.
    for (int i = 0; i < discard_packets; ++i) {
      const auto until = wire_->now() + discard_wait;
      const auto got = wire_->transfer(Kind::bulk, endpoint, scrap, until);
      if (!got) break;
    }
    OPENSSL_cleanse(scrap.data(), scrap.size());
  }

  std::size_t packet_of(std::uint8_t endpoint) const {
    const auto at = std::ranges::find(function_.endpoints, endpoint, &UsbEndpoint::address);
    const std::size_t packet = at == function_.endpoints.end() ? 0 : at->packet;
    return packet == 0 ? 64 : packet;
  }

  std::unique_ptr<usb::Wire> wire_;
  UsbFacts facts_;
  UsbFunction function_;
  std::uint8_t out_;
  std::uint8_t in_;
  std::map<std::uint8_t, std::vector<std::uint8_t>> kept_;  ///< read and not yet asked for
};

// ---- opening ----------------------------------------------------------------------------------

/// Opens the one device that is meant.
Result<UsbFacts> open_device(usb::Wire& wire, const UsbAddress& address, MonoTime deadline) {
  const auto all = usb::devices(wire.context());
  if (!all) return all.error();
  std::vector<libusb_device*> fitting;
  UsbFacts facts;
  std::string places;
  for (const auto& device : *all) {
    auto seen = usb::facts_of(device.get());
    if (seen.vendor != address.vendor || seen.product != address.product) continue;
    if (!address.path.empty() && seen.path != address.path) continue;
    if (!address.serial.empty()) {
      if (auto opened = wire.open(device.get()); !opened) return std::move(opened).error();
      const auto names = wire.names(deadline);
      if (!names) return names.error();
      if (names->serial != address.serial) continue;
    }
    fitting.push_back(device.get());
    places += (places.empty() ? "" : ", ") + seen.path;
    facts = std::move(seen);
    if (!address.serial.empty()) return facts;  // it is the one that is open
  }
  if (fitting.empty()) return Error{Errc::missing, wire.name() + ": not attached"};
  if (fitting.size() > 1) {
    return Error{Errc::invalid,
                 fmt::format("{}: several are attached, at {}: add ?path= or ?serial=", wire.name(),
                             places)};
  }
  if (auto opened = wire.open(fitting.front()); !opened) return std::move(opened).error();
  return facts;
}

Result<UsbFunction> choose_function(const UsbFacts& facts, const UsbAddress& address,
                                    const std::string& name) {
  const auto fits = [&](const UsbFunction& one) {
    if (address.function && one.number != *address.function) return false;
    for (const auto& endpoint : {address.out, address.in}) {
      if (endpoint && std::ranges::find(one.endpoints, *endpoint, &UsbEndpoint::address) ==
                          one.endpoints.end()) {
        return false;
      }
    }
    return true;
  };
  const UsbFunction* best = nullptr;
  int most = -1;
  for (const auto& one : facts.functions) {
    if (!fits(one)) continue;
    const int worth = (one.first(Kind::bulk, false) != nullptr ? 2 : 0) +
                      (one.first(Kind::bulk, true) != nullptr ? 1 : 0);
    if (worth > most) {
      best = &one;
      most = worth;
    }
  }
  if (best == nullptr) {
    return Error{Errc::invalid, name + ": the device has no such interface or endpoints"};
  }
  return *best;
}

Result<void> claim(const usb::Wire& wire, const UsbFunction& function, bool several, bool detach) {
  const auto name = fmt::format("{}, interface {}", wire.name(), function.number);
  // Not every system can tell: then claiming does.
  if (libusb_kernel_driver_active(wire.handle(), function.number) == 1) {
    if (!detach) return Error{Errc::busy, name + ": a kernel driver uses it (detach=true)"};
    libusb_set_auto_detach_kernel_driver(wire.handle(), 1);
  }
  if (const int code = libusb_claim_interface(wire.handle(), function.number); code != 0) {
    return usb::error(code, name);
  }
  if (!several) return {};
  const int code =
      libusb_set_interface_alt_setting(wire.handle(), function.number, function.alternate);
  if (code == 0) return {};
  libusb_release_interface(wire.handle(), function.number);
  return usb::error(code, name);
}

std::uint8_t endpoint_of(const UsbFunction& function, const std::optional<std::uint8_t>& given,
                         bool in) {
  if (given) return *given;
  const auto* found = function.first(Kind::bulk, in);
  return found == nullptr ? std::uint8_t{0} : found->address;
}

}  // namespace

Result<std::unique_ptr<Port>> open_usb(const UsbAddress& address, const Clock& clock,
                                       MonoTime deadline) {
  auto context = usb::make_context();
  if (!context) return std::move(context).error();
  auto wire = std::make_unique<usb::Wire>(std::move(*context), address.text(), clock);
  auto facts = open_device(*wire, address, deadline);
  if (!facts) return std::move(facts).error();
  auto function = choose_function(*facts, address, wire->name());
  if (!function) return std::move(function).error();
  const auto same = std::ranges::count(facts->functions, function->number, &UsbFunction::number);
  auto claimed = claim(*wire, *function, same > 1, address.detach);
  if (!claimed) return std::move(claimed).error();
  const auto out = endpoint_of(*function, address.out, false);
  const auto in = endpoint_of(*function, address.in, true);
  return std::unique_ptr<Port>{std::make_unique<LibusbPort>(std::move(wire), std::move(*facts),
                                                            std::move(*function), out, in)};
}

}  // namespace kw::drivers
