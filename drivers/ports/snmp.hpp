#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "drivers/port.hpp"
#include "drivers/ports/open.hpp"
#include "drivers/ports/snmp_session.hpp"

namespace kw::drivers {

/// The port of a device that is spoken to by SNMP: datagrams to one address, and as whom. With a
/// community each write is a message, each read returns one; with a session nothing but the session
/// uses the wire. The thread rules are Port's.
class SnmpPort final : public Port {
 public:
  /// As whom messages are sent. The number is the message's version field (RFC 1157, RFC 1901).
  struct Speaker {
    std::uint8_t version = 1;  ///< 0: SNMPv1; 1: SNMPv2c; 3: SNMPv3, by the session
    std::string community;     ///< its password: never shown
  };

  SnmpPort(std::unique_ptr<Port> wire, Speaker speaker)
      : wire_(std::move(wire)), speaker_(std::move(speaker)) {}

  /// `session` speaks over `wire`.
  SnmpPort(std::unique_ptr<Port> wire, std::unique_ptr<SnmpSession> session)
      : wire_(std::move(wire)), speaker_{3, {}}, session_(std::move(session)) {}

  const Speaker& speaker() const { return speaker_; }
  SnmpSession* session() const { return session_.get(); }  ///< null: SNMPv1 or SNMPv2c

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
  std::unique_ptr<SnmpSession> session_;  ///< goes before the wire
};

/// An SnmpPort to `address`, which PortAddress::parse has read. Nobody is asked yet. Of SNMPv3's
/// file of passphrases: what read_snmp_secrets says.
Result<std::unique_ptr<Port>> open_snmp(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline);

}  // namespace kw::drivers
