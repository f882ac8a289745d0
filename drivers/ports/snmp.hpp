#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/result.hpp"
#include "drivers/port.hpp"
#include "drivers/ports/open.hpp"

namespace kw::drivers {

/// The port of a device that is spoken to by SNMP: datagrams to one address, and as whom. Each
/// write is a message, each read returns one. The thread rules are Port's.
class SnmpPort final : public Port {
 public:
  /// As whom messages are sent. The number is the message's version field (RFC 1157, RFC 1901).
  struct Speaker {
    std::uint8_t version = 1;  ///< 0: SNMPv1; 1: SNMPv2c
    std::string community;     ///< its password: never shown
  };

  SnmpPort(std::unique_ptr<Port> wire, Speaker speaker)
      : wire_(std::move(wire)), speaker_(std::move(speaker)) {}

  const Speaker& speaker() const { return speaker_; }

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    return wire_->write(bytes, deadline);
  }
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    return wire_->read(into, deadline);
  }
  void discard() override { wire_->discard(); }
  void cancel() noexcept override { wire_->cancel(); }
  MonoTime now() const override { return wire_->now(); }

 private:
  std::unique_ptr<Port> wire_;
  Speaker speaker_;
};

/// An SnmpPort to `address`, which PortAddress::parse has read. Nobody is asked yet.
Result<std::unique_ptr<Port>> open_snmp(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline);

}  // namespace kw::drivers
