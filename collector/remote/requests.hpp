#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "common/clock.hpp"
#include "common/result.hpp"

/// What people ask of kiosks from afar, read and checked. Pure. Every mistake is Errc::invalid with
/// what was expected.
namespace kw::collector {

/// One command as asked: `{"verb", "args", "expires_in_s"}`.
struct CommandRequest {
  std::string verb;
  std::string args = "{}";  ///< JSON object, at most 1 KiB
  Duration expires_in = std::chrono::minutes{10};

  static Result<CommandRequest> read(const boost::json::object& asked);
};

/// `{"on", "reason", "until"}`.
struct MaintenanceRequest {
  bool on = false;
  std::string reason;
  std::optional<WallTime> until;

  static Result<MaintenanceRequest> read(const boost::json::object& asked);
};

/// agent.toml as far as the collector can judge it: size, UTF-8, TOML with the line of the mistake.
/// Whether the kiosk can run on it is the kiosk's to say.
Result<void> check_configuration(std::string_view body);

/// RFC 3339 with Z or an offset: "2026-11-22T18:30:00+08:00".
std::optional<WallTime> time_from(std::string_view rfc3339);

}  // namespace kw::collector
