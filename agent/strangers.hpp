#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/config.hpp"
#include "common/clock.hpp"
#include "drivers/ports/usb_watch.hpp"

namespace kw::agent {

/// USB devices that come and go and that no configured device stands for. A keyboard or a memory
/// stick at a kiosk is somebody's doing, so it is told; what is configured tells of itself by its
/// state. One thread at a time.
class Strangers {
 public:
  /// So many notes are made in so long a time; a loose plug would make one every second.
  static constexpr std::size_t notes_most = 20;
  static constexpr Duration notes_in = std::chrono::minutes{10};

  /// An agent's note: code and detail, `1a2c:0e24 "USB Keyboard" class=03 path=1-2`.
  struct Note {
    std::string code;
    std::string detail;
  };

  void use(const AgentConfig& config);

  /// What there is to tell of a change; nothing when the device is a configured one's, or while too
  /// many come: how many were held back is told with the next one.
  std::optional<Note> changed(const drivers::UsbChange& change, MonoTime now);

 private:
  using Numbers = std::pair<std::uint16_t, std::uint16_t>;

  void look_at_adapters();
  void look_at_readers();
  bool configured(const drivers::UsbChange& change);

  std::set<Numbers> known_;
  std::set<std::string> serial_;                    ///< configured serial devices
  bool card_readers_ = false;                       ///< a PC/SC reader is configured, by its name
  std::map<std::string, drivers::UsbChange> here_;  ///< strangers that came, by place
  std::deque<MonoTime> noted_;
  std::uint64_t held_back_ = 0;
};

}  // namespace kw::agent
