#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::drivers {

/// One device that was plugged in or pulled out.
struct UsbChange {
  bool arrived = false;
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::string path;  ///< "1-2.3"; empty where the system does not tell
  /// What it calls itself, as the system has it; never a serial number. Empty: nothing, or it has
  /// left.
  std::string name;
  /// The classes of its functions (0x03 keyboards and other HID, 0x08 storage), each once, in
  /// order.
  std::vector<std::uint8_t> types;
};

/// Tells of USB devices that come and go, on a thread of its own which sleeps until something
/// happens. Where libusb cannot tell by itself (Windows), the list is looked through every
/// `look_every`.
class UsbWatch {
 public:
  /// Called on the watch's thread; must not block or throw. Never after the destructor.
  using Told = std::function<void(const UsbChange& change)>;

  static constexpr Duration look_every = std::chrono::seconds{2};

  /// How it gets to know.
  enum class Way : std::uint8_t {
    best,   ///< libusb tells; by the list where it cannot
    listed  ///< by the list, whatever the system can
  };

  /// Errors: libusb's; then nothing is watched.
  static Result<std::unique_ptr<UsbWatch>> start(Told told, Way way = Way::best);
  ~UsbWatch();

  UsbWatch(const UsbWatch&) = delete;
  UsbWatch& operator=(const UsbWatch&) = delete;

 private:
  struct State;
  explicit UsbWatch(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace kw::drivers
