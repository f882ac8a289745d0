#pragma once

#include <filesystem>
#include <string>

#include <boost/json/object.hpp>

#include "common/clock.hpp"
#include "common/platform/control_endpoint.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// Asks the daemon that runs on this data folder and waits for its answer, for command line tools.
/// Errc::missing: none runs; Errc::refused: not for this user, or the daemon said no;
/// Errc::timeout. Blocks at most `limit`.
Result<boost::json::object> ask_control(const std::filesystem::path& data, const std::string& verb,
                                        const boost::json::object& args, Duration limit);

/// One connection to that daemon, line by line: for verbs that follow, and for whoever wants a
/// refusal as it came. Blocking, one thread.
class ControlSession {
 public:
  /// `wait`: of each `next`, at most. Errors as `ask_control`.
  static Result<ControlSession> open(const std::filesystem::path& data, const std::string& verb,
                                     const boost::json::object& args, Duration wait);

  /// The next line as it came, `{id, ok, …}`. Errc::timeout: none has come yet, ask again;
  /// Errc::disconnected: there will be none.
  Result<boost::json::object> next();

 private:
  explicit ControlSession(ControlCall call) : call_(std::move(call)) {}
  ControlCall call_;
  std::string read_;  ///< what came after the last line
};

}  // namespace kw::platform
