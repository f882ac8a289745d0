#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>

#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::platform {

// The local control endpoint of agent and collector (data path, section 8): one JSON object a line,
// `{id, verb, args}` → `{id, ok: true, …}` or `{id, ok: false, error: {code, message, hint}}`. Who
// may speak is decided by the operating system: the same user or root.

inline constexpr std::size_t control_line_limit = 64 * 1024;
inline constexpr std::size_t control_clients = 8;
inline constexpr auto control_idle = std::chrono::seconds{60};

/// What the daemons listen with. io thread only.
class ControlServer {
 public:
  /// Answers one request; the object is merged into the reply.
  using Handler =
      std::function<Task<Result<boost::json::object>>(std::string verb, boost::json::object args)>;

  ControlServer(asio::any_io_executor executor, Handler handler);
  ~ControlServer();

  /// Takes the place of a socket that a killed daemon left behind; Errc::busy when one answers.
  Result<void> listen(const std::filesystem::path& socket);
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Asks once and waits for the answer, for command line tools. Errc::missing: nobody listens there;
/// Errc::refused: the daemon said no (text and hint in the error).
Result<boost::json::object> control_ask(const std::filesystem::path& socket, std::string_view verb,
                                        const boost::json::object& args, Duration limit);

}  // namespace kw::platform
