#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/store.hpp"

namespace kw::collector {

enum class ProvisioningState : std::uint8_t { waiting, approved, rejected };
std::string_view name(ProvisioningState state);

/// What a kiosk says of itself when it knocks without a token. Nothing of it is proved but that it
/// holds the key: shown to the person who approves, never acted upon.
struct KioskFacts {
  std::string hostname;
  std::string serial;  ///< of the machine
  std::string os;
};

/// A kiosk that knocked without a token 待准入终端.
struct ProvisioningRow {
  std::string id;          ///< UUIDv7
  std::string key_sha256;  ///< lower-case hex over its SubjectPublicKeyInfo: what is approved
  KioskFacts facts;
  std::string address;  ///< where it last knocked from
  WallTime first_seen{};
  WallTime last_seen{};
  std::int64_t knocks = 0;
  ProvisioningState state = ProvisioningState::waiting;
  TerminalKey terminal = 0;  ///< once approved
  std::string terminal_code;
  std::optional<WallTime> decided_at;
  std::string decided_by;
  std::optional<WallTime> issued_at;  ///< when it got its first certificate
};

/// The part of the store that says who is who. A Store's rules hold: writer thread, inside its
/// transaction, failure is sticky.
class IdentityBook {
 public:
  virtual ~IdentityBook() = default;

  // Certificates
  virtual std::optional<CertificateRow> find_certificate(std::string_view serial) = 0;
  /// Revokes those of the terminal that are not revoked yet; `serial` empty: all. Returns them.
  virtual std::vector<CertificateRow> revoke(TerminalKey terminal, std::string_view serial,
                                             std::string_view why, WallTime now) = 0;
  /// A session stands on the certificate: from now on the terminal's older ones are superseded.
  /// Returns those that have become so.
  virtual std::vector<CertificateRow> first_used(std::string_view serial, WallTime now) = 0;
  virtual std::int64_t issued_since(TerminalKey terminal, WallTime since) = 0;
  /// Tokens of the terminal that nobody has used yet are good no more.
  virtual void drop_tokens(TerminalKey terminal, WallTime now) = 0;

  // Provisioning list
  virtual std::optional<ProvisioningRow> find_provisioning(std::string_view id) = 0;
  virtual std::optional<ProvisioningRow> find_key(std::string_view key_sha256) = 0;
  virtual std::int64_t provisioning_size() = 0;
  virtual std::int64_t waiting_from(std::string_view address) = 0;
  /// Makes or replaces the row of this id.
  virtual void put_provisioning(const ProvisioningRow& row) = 0;
  /// Of those that are not approved, or whose approval has served, the one longest unheard goes;
  /// false when there is none.
  virtual bool drop_oldest_provisioning() = 0;
  /// Approvals for the terminal that have not served yet become rejections.
  virtual void reject_provisioning_of(TerminalKey terminal, WallTime now) = 0;
};

}  // namespace kw::collector
