#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::link {

/// A page tells us little: a longer message closes its connection (WebSocket 1009).
inline constexpr std::size_t text_limit = 4 * 1024;

/// One open WebSocket of a browser on plain HTTP: whole text messages in order. io thread only; one
/// `receive` and one `send` at a time. A peer that answers no ping is found within the server's
/// idle time, and one that takes nothing for 30 s is cut; whatever is pending then ends. The caller
/// keeps it alive until its calls have ended.
class TextSocket {
 public:
  virtual ~TextSocket() = default;
  /// The next message. Errc::disconnected when there are no more.
  virtual Task<Result<std::string>> receive() = 0;
  /// Ends when the system has taken the message, which many sockets may share.
  virtual Task<Result<void>> send(std::shared_ptr<const std::string> message) = 0;
  /// Sends a close frame with a code of RFC 6455 section 7.4 and ends both directions; a peer that
  /// does not answer within 2 s is cut.
  virtual Task<void> close(std::uint16_t code, std::string reason) = 0;
  /// Cuts the connection now.
  virtual void cut() = 0;
  virtual const std::string& remote() const = 0;
};

}  // namespace kw::link
