#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// TLS 1.2 or later over another port, as a client that names the server (SNI) and trusts nobody:
/// it looks at what is there, it sends no secret. Who wants to rely on the other end must not use
/// it. The thread rules are Port's.
class TlsPort final : public Port {
 public:
  /// Shakes hands over `wire`. refused: the other end speaks no TLS, or none that we do; timeout,
  /// disconnected as the wire says.
  static Result<std::unique_ptr<TlsPort>> connect(std::unique_ptr<Port> wire,
                                                  const std::string& server, MonoTime deadline);
  ~TlsPort() override;

  /// When the server's certificate ends.
  WallTime valid_until() const;

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override;
  void cancel() noexcept override;
  MonoTime now() const override;

 private:
  struct State;
  explicit TlsPort(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kw::drivers
