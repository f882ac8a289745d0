#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "drivers/port.hpp"
#include "drivers/ports/open.hpp"

namespace kw::drivers {

/// What came back for one request, whole.
struct HttpAnswer {
  int status = 0;
  std::string type;  ///< Content-Type as sent; empty when there was none
  std::vector<std::uint8_t> body;
};

/// The port of a device that is spoken to by HTTP/1.1 requests, on top of a byte port.
///
/// One request at a time, one connection that is kept while the device keeps it. A connection on
/// which an answer was late or broken is not used again, so a late answer is never taken for the
/// next. The thread rules are Port's.
class HttpPort final : public Port {
 public:
  /// A new connection to the device.
  using Connect = std::function<Result<std::unique_ptr<Port>>(MonoTime deadline)>;

  /// Where requests go.
  struct Target {
    std::string uri;   ///< what the device is called in its own protocol: "ipp://host/ipp/print"
    std::string host;  ///< the Host field: "192.0.2.10:631"
    std::string path;  ///< "/ipp/print"
  };

  /// An answer longer than this is garbled: a status is a few KiB.
  static constexpr std::size_t largest_answer = 256 * 1024;

  /// `wire`: the first connection, made by the caller; `connect` makes the ones after it.
  HttpPort(std::unique_ptr<Port> wire, Connect connect, Target target);

  const std::string& uri() const { return target_.uri; }

  /// Posts `body` and waits for the whole answer, whatever its status. `type` is the Content-Type
  /// of both. Repeats itself once when a kept connection turns out to be closed before anything was
  /// answered, so it must only carry what may be asked twice. timeout, disconnected; garbled: not
  /// HTTP, or too long; refused, missing …: as the transport says when it connects anew.
  Result<HttpAnswer> post(std::string_view type, std::span<const std::uint8_t> body,
                          MonoTime deadline);

  /// Asks for the target's path, as `post` does without a body.
  Result<HttpAnswer> get(MonoTime deadline);

  /// Always unsupported: bare bytes would break the exchange of requests and answers.
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  /// Nothing unread is ever kept.
  void discard() override {}
  void cancel() noexcept override;
  MonoTime now() const override { return wire_->now(); }

 private:
  enum class Connection { fresh, kept, spoilt };
  struct Exchange;

  Result<HttpAnswer> ask(std::span<const std::uint8_t> request, MonoTime deadline);
  Result<void> connect_again(MonoTime deadline);
  Result<HttpAnswer> exchange(std::span<const std::uint8_t> request, Exchange& seen,
                              MonoTime deadline);

  Connect connect_;
  Target target_;
  Connection connection_ = Connection::fresh;

  std::mutex mutex_;            ///< for what `cancel` touches
  std::unique_ptr<Port> wire_;  ///< replaced under the mutex, used by the one thread; never null
  bool cancelled_ = false;
};

/// An HttpPort to `address`, connected once already; errors are `connect`'s.
Result<std::unique_ptr<Port>> open_http(const PortAddress& address, HttpPort::Connect connect,
                                        MonoTime deadline);

}  // namespace kw::drivers
