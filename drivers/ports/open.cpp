#include "drivers/ports/open.hpp"

#include "drivers/ports/http.hpp"
#include "drivers/ports/transports.hpp"

namespace kw::drivers {
namespace {

/// The port of a driver that has no wire. Using it is the driver's mistake, said plainly.
class NoPort final : public Port {
 public:
  explicit NoPort(const Clock& clock) : clock_(clock) {}

  Result<void> write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, "port \"-\" carries no bytes"};
  }
  Result<std::size_t> read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, "port \"-\" carries no bytes"};
  }
  void discard() override {}
  void cancel() noexcept override {}
  MonoTime now() const override { return clock_.mono(); }

 private:
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_port(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline) {
  if (address.scheme == "-") return std::unique_ptr<Port>{std::make_unique<NoPort>(clock)};
  if (address.scheme == "serial") return open_serial(address, clock);
  if (address.scheme == "tcp") return open_tcp(address, clock, deadline);
  if (address.scheme == "ipp") {
    const auto connect = [address, &clock](MonoTime until) {
      return open_tcp(address, clock, until);
    };
    return open_http(address, connect, deadline);
  }
  return Error{Errc::unsupported,
               "this build has no transport for \"" + address.scheme + "\" ports"};
}

}  // namespace kw::drivers
