#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "drivers/settings.hpp"

namespace kw::devices {

using Bytes = std::vector<std::uint8_t>;

/// What a simulated device sends back, and how long it takes to.
struct Answer {
  Bytes bytes;
  Duration after{};
  std::string note = {};     ///< something that whoever watches the play should know
  std::string offence = {};  ///< asked for what must never be asked of such a device: ends the play
};

/// One simulated device: bytes in, bytes out, and things that can be wrong with it. Knows no
/// transport and no clock; one thread calls it.
class Player {
 public:
  virtual ~Player() = default;

  /// Everything that can be switched on and off.
  virtual const std::vector<std::string>& conditions() const = 0;

  /// Switches one of `conditions()`. What the device says of it without being asked is returned.
  virtual Bytes set(std::string_view condition, bool on) = 0;

  /// What the device sends back for these bytes, which may be any part of a request.
  virtual Answer answer(std::span<const std::uint8_t> bytes) = 0;

  /// Somebody new is at the other end of the wire.
  virtual void meet() = 0;

  /// The scheme by which its driver's ports are written; empty: as the transport is called, "tcp"
  /// or "serial".
  virtual std::string_view scheme() const { return {}; }
};

/// One simulated protocol; its settings stand in a scenario's [[device]] beside name and port.
struct PlayerCard {
  std::string_view protocol;
  std::span<const drivers::Setting> settings;
  Result<std::unique_ptr<Player>> (*make)(const drivers::Settings& settings);
};

/// Every protocol that can be played, in the order of the kw_player() lines.
std::span<const PlayerCard> players();

}  // namespace kw::devices
