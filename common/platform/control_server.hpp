#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::platform {

/// The local control endpoint of agent and collector (data path, section 8): one JSON object a
/// line, `{id, verb, args}` → `{id, ok: true, …}` or
/// `{id, ok: false, error: {code, message, hint}}`. Whatever a client sends, it harms only its own
/// connection. io thread only.
class ControlServer {
 public:
  /// The fields of a good answer; Errc::unsupported for a verb that there is not.
  using Answer =
      std::function<Task<Result<boost::json::object>>(std::string verb, boost::json::object args)>;
  struct Limits {
    std::size_t line = 64 * 1024;
    std::size_t clients = 8;
    Duration idle = std::chrono::seconds{60};
  };

  /// `verbs`: what can be asked, as a hint in refusals: "status, devices".
  ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer) noexcept
      : ControlServer(std::move(executor), std::move(verbs), std::move(answer), Limits{}) {}
  ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer,
                const Limits& limits) noexcept;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  /// Makes the socket at `path` (0600) and serves.
  Result<void> listen(const std::filesystem::path& path);
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The socket's name in a data folder.
inline constexpr const char* control_name = "control.sock";

}  // namespace kw::platform
