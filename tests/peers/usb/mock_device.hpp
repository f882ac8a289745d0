#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <umockdev.h>

namespace kw::mock {

using Bytes = std::vector<std::uint8_t>;

/// What a device is before it does anything: its descriptors, as USB 2.0 chapter 9 has them.
struct Shape {
  struct Endpoint {
    std::uint8_t address;
    std::uint8_t attributes;  ///< 2 bulk, 3 interrupt
    std::uint16_t packet;
  };
  struct Function {
    std::uint8_t number = 0;
    std::uint8_t alternate = 0;
    std::uint8_t type = 0xff;
    std::uint8_t subtype = 0;
    std::uint8_t protocol = 0;
    std::vector<Endpoint> endpoints;
  };

  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::string manufacturer;
  std::string name;
  std::string serial;
  std::vector<Function> functions;
  std::string tty = {};  ///< the serial port that the kernel makes of it, "ttyUSB0"; empty: none
};

/// A device on a mocked bus: answers the system calls that usbfs would, from queues that a test
/// fills. Lives on the main loop's thread.
class MockDevice {
 public:
  /// `port`: where on the bus, from 1.
  MockDevice(UMockdevTestbed* bed, Shape shape, unsigned port);
  ~MockDevice();
  MockDevice(const MockDevice&) = delete;
  MockDevice& operator=(const MockDevice&) = delete;

  /// Called with what arrives at a bulk endpoint.
  std::function<void(std::uint8_t endpoint, const Bytes& bytes)> heard = [](auto, const auto&) {};
  /// Called with a control request of the class or the vendor: setup bytes and data; the answer, or
  /// nothing for a stall.
  std::function<std::optional<Bytes>(std::span<const std::uint8_t> setup, const Bytes& data)>
      asked = [](auto, const auto&) { return std::optional<Bytes>{}; };

  /// Something for the host to read at an endpoint: a packet, whatever its length.
  void say(std::uint8_t endpoint, Bytes packet);
  void forget(std::uint8_t endpoint) { ready_[endpoint].clear(); }

  void plug();
  void unplug();
  bool plugged() const { return plugged_; }

  /// While on, nothing is answered and nothing is taken.
  void mute(bool on);
  /// The endpoint is halted until the host releases it.
  void halt(std::uint8_t endpoint) { halted_.insert(endpoint); }
  /// The kernel driver that has the device, or empty.
  void bind(std::string driver) { driver_ = std::move(driver); }
  const std::string& driver() const { return driver_; }
  /// Whether another program has claimed it.
  void claimed_elsewhere(bool on) { claimed_elsewhere_ = on; }
  /// How often the node was opened for good, that is, a function claimed.
  int claims() const { return claims_; }
  /// Transfers that were asked of it, descriptors apart.
  int transfers() const { return transfers_; }

  bool answer(UMockdevIoctlClient* client);  ///< for the handler behind this

 private:
  struct Urb;

  std::string description() const;
  std::string node() const;
  std::string place() const;
  bool submit(UMockdevIoctlClient* client, UMockdevIoctlData* data);
  bool discard(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  void control(std::unique_ptr<Urb> urb);
  std::optional<Bytes> standard(std::span<const std::uint8_t> setup) const;
  void finish(std::unique_ptr<Urb> urb, int status, std::size_t moved);
  void pump();

  UMockdevTestbed* bed_;
  Shape shape_;
  unsigned port_;
  unsigned number_ = 0;  ///< on the bus: another one after each plugging
  bool plugged_ = false;
  bool muted_ = false;
  bool claimed_elsewhere_ = false;
  std::string driver_;
  std::string put_off_;  ///< the driver that was detached
  int claims_ = 0;
  int transfers_ = 0;
  std::set<std::uint8_t> halted_;
  std::map<std::uint8_t, std::deque<Bytes>> ready_;
  std::deque<std::unique_ptr<Urb>> waiting_;
  std::deque<std::unique_ptr<Urb>> done_;
};

}  // namespace kw::mock
