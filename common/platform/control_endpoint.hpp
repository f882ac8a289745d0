#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#ifdef _WIN32
#include <boost/asio/windows/stream_handle.hpp>
#else
#include <boost/asio/local/stream_protocol.hpp>
#endif

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::platform {

/// The server's end of one connection, an Asio byte stream. Windows has a named pipe for each data
/// folder, the others a socket in it.
#ifdef _WIN32
using ControlStream = asio::windows::stream_handle;
#else
using ControlStream = asio::local::stream_protocol::socket;
#endif

/// A local endpoint that only the owner and the administrator reach. io thread only.
class ControlAcceptor {
 public:
  explicit ControlAcceptor(asio::any_io_executor executor);
  ControlAcceptor(const ControlAcceptor&) = delete;
  ControlAcceptor& operator=(const ControlAcceptor&) = delete;
  ~ControlAcceptor();

  /// `path`: DATA/control.sock. What a dead process left behind there is replaced.
  Result<void> listen(const std::filesystem::path& path);

  /// The next connection. Errc::refused: of somebody who may not ask, closed already. The acceptor
  /// outlives the operation.
  Task<Result<ControlStream>> accept();

  bool is_open() const;
  /// Ends a running `accept` and takes the endpoint away.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The asking end, for command line tools: blocking, one thread.
class ControlCall {
 public:
  /// `path` as above. Each wait is `limit` at most. Errc::missing: nobody listens there;
  /// Errc::refused: not for this user.
  static Result<ControlCall> connect(const std::filesystem::path& path, Duration limit);

  ControlCall(ControlCall&&) noexcept;
  ControlCall& operator=(ControlCall&&) noexcept;
  ~ControlCall();

  /// All of it. Errc::timeout, Errc::disconnected.
  Result<void> send(std::string_view bytes);
  /// What has come, at least a byte; empty once the other end closed. Errc::timeout,
  /// Errc::disconnected.
  Result<std::string> receive();

 private:
  struct State;
  explicit ControlCall(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kw::platform
