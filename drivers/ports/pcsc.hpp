#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/platform/pcsc_service.hpp"
#include "common/result.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// A reader and what its service says of it.
struct CardReader {
  std::string name;
  std::uint32_t state = 0;  ///< SCARD_STATE_* flags (platform::pcsc), without the counter
  bool operator==(const CardReader&) const = default;
};

/// Every reader with its state, ordered by name: lists them, looks, and lists again when readers
/// came or went meanwhile. `connected` says whether the service has a context, before and after; a
/// service that was started anew gets a new one. No service, no library: Errc::missing. Not allowed
/// to use it: Errc::refused. Anything else: Errc::disconnected.
Result<std::vector<CardReader>> read_card_readers(platform::PcscService& service, bool& connected);

/// The PC/SC service as the port of one of its readers.
///
/// A call of the service's cannot be given a deadline (a daemon that hangs is waited for in its
/// library), so one thread makes the calls of all ports and the callers wait for it. When the last
/// port is left while the service hangs, that thread stays, and serves the ports after it.
class PcscPort final : public Port {
 public:
  /// `reader`: a reader's name, or how it begins; empty: whichever is the only one. `clock`
  /// outlives the port.
  /// The system's service is everybody's; another one is this port's own.
  PcscPort(std::string reader, const Clock& clock);
  PcscPort(std::string reader, std::unique_ptr<platform::PcscService> service, const Clock& clock);
  ~PcscPort() override;

  const std::string& reader() const { return reader_; }

  /// As `read_card_readers`; Errc::timeout when the service has not answered by `deadline`.
  Result<std::vector<CardReader>> readers(MonoTime deadline);

  /// Always unsupported: there are no bytes to send without connecting to a card.
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override {}
  void cancel() noexcept override;
  MonoTime now() const override { return clock_.mono(); }

 private:
  struct Desk;

  std::string reader_;
  const Clock& clock_;
  std::shared_ptr<Desk> desk_;  ///< shared with the thread, which may outlive the port
  bool cancelled_ = false;      ///< under the desk's mutex
};

}  // namespace kw::drivers
