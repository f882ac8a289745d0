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
/// `{id, ok: false, error: {code, message, hint}}`. A verb that follows answers with any number of
/// such lines until its client closes; the last of an end of its own has `end: true`. Whatever a
/// client sends, it harms only its own connection. io thread only.
class ControlServer {
 public:
  /// The fields of a good answer; Errc::unsupported for a verb that there is not.
  using Answer =
      std::function<Task<Result<boost::json::object>>(std::string verb, boost::json::object args)>;
  /// The client of a verb that answers with line after line.
  class Lines {
   public:
    virtual ~Lines() = default;
    /// One more line; its fields stand beside `id` and `ok`. Waits until the client takes it.
    /// False: the client is gone, or was too slow and is cut off.
    virtual Task<bool> send(boost::json::object line) = 0;
    virtual bool open() const = 0;
  };
  /// Sends lines until the client goes or there are no more. An error becomes the last line.
  using Follow = std::function<Task<Result<void>>(boost::json::object args, Lines& to)>;
  struct Limits {
    std::size_t line = 64 * 1024;
    std::size_t clients = 8;
    Duration idle = std::chrono::seconds{60};   ///< between an answer and the next request
    Duration stall = std::chrono::seconds{10};  ///< of a follower that takes nothing
  };

  /// `verbs`: what can be asked, as a hint in refusals: "status, devices".
  ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer) noexcept
      : ControlServer(std::move(executor), std::move(verbs), std::move(answer), Limits{}) {}
  ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer,
                const Limits& limits) noexcept;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  /// Adds a verb that follows. Before `listen`.
  void follow(std::string verb, Follow handler);

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
