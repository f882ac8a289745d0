#pragma once

#include "collector/store/identity_book.hpp"
#include "common/db/database.hpp"

namespace kw::collector {

/// IdentityBook on the store's own connection.
class SqliteIdentities final : public IdentityBook {
 public:
  explicit SqliteIdentities(db::Database& db) : db_(db) {}

  std::optional<CertificateRow> find_certificate(std::string_view serial) override;
  std::vector<CertificateRow> revoke(TerminalKey terminal, std::string_view serial,
                                     std::string_view why, WallTime now) override;
  std::vector<CertificateRow> first_used(std::string_view serial, WallTime now) override;
  std::int64_t issued_since(TerminalKey terminal, WallTime since) override;
  void drop_tokens(TerminalKey terminal, WallTime now) override;

  std::optional<ProvisioningRow> find_provisioning(std::string_view id) override;
  std::optional<ProvisioningRow> find_key(std::string_view key_sha256) override;
  std::int64_t provisioning_size() override;
  std::int64_t waiting_from(std::string_view address) override;
  void put_provisioning(const ProvisioningRow& row) override;
  bool drop_oldest_provisioning() override;
  void reject_provisioning_of(TerminalKey terminal, WallTime now) override;

 private:
  db::Database& db_;
};

/// The whole list, for readers as well; by last knock, newest first.
std::vector<ProvisioningRow> read_provisioning(db::Database& db);

}  // namespace kw::collector
