#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/model/values.hpp"

/// What the collector asks of a kiosk from afar: commands and the configuration it shall have.
namespace kw::collector {

/// Where a command stands. All but the first two are ends.
enum class CommandState : std::uint8_t {
  waiting,      ///< not sent yet: the terminal has no session
  sent,         ///< sent at least once, no result yet
  done,         ///< it ran
  failed,       ///< it ran, and what it was to show does not hold
  expired,      ///< its time was over first
  refused,      ///< the agent does not know or allow it
  interrupted,  ///< begun by a run of the agent that then ended; never begun twice
};
inline constexpr std::array all_command_states{
    CommandState::waiting, CommandState::sent,    CommandState::done,       CommandState::failed,
    CommandState::expired, CommandState::refused, CommandState::interrupted};
/// No result yet, and still wanted.
constexpr bool open(CommandState state) {
  return state == CommandState::waiting || state == CommandState::sent;
}

/// One thing that a kiosk shall do once.
struct Command {
  std::string id;  ///< UUIDv7
  TerminalKey terminal = 0;
  std::uint64_t seq = 0;  ///< ascending per terminal: the order in which they are sent
  std::string verb;       ///< "refresh", "self-test", "log-bundle"
  std::string args;       ///< JSON object
  WallTime created_at{};
  std::string created_by;
  WallTime expires_at{};
  CommandState state = CommandState::waiting;
  std::optional<WallTime> sent_at;   ///< first time
  std::optional<WallTime> ended_at;  ///< by the collector's clock
  std::string detail;
  std::string result;         ///< JSON as the agent told it, or empty
  std::string bundle_sha256;  ///< of an uploaded log bundle, lower-case hex; empty: none
  std::int64_t bundle_bytes = 0;
};

/// What became of a configuration that was pushed.
enum class ConfigurationState : std::uint8_t {
  pending,      ///< the kiosk has not answered yet
  applied,      ///< in force
  refused,      ///< not valid on the kiosk; the one before it goes on
  rolled_back,  ///< in force for a while, could not run; the one before it is back
};

/// The agent.toml that a terminal shall have. An empty body takes back what was pushed before.
struct PushedConfiguration {
  std::int64_t n = 0;  ///< ascending per terminal; the highest is the one that counts
  std::string hash;    ///< SHA-256 of the body, 32 bytes
  std::string body;
  WallTime pushed_at{};
  std::string pushed_by;
  ConfigurationState state = ConfigurationState::pending;
  std::string detail;  ///< the kiosk's words: file:line:key
  std::optional<WallTime> reported_at;
};
/// The kiosk said no to it: it is not sent again; one that was rolled back is when pushed anew.
constexpr bool turned_down(ConfigurationState state) {
  return state == ConfigurationState::refused || state == ConfigurationState::rolled_back;
}

std::string_view name(CommandState v);
std::string_view name(ConfigurationState v);

}  // namespace kw::collector
