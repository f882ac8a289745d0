#include "collector/accounts/provisioning.hpp"

#include "common/identity/uuid.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t hostname_limit = 64;
constexpr std::size_t fact_limit = 128;

/// Printable ASCII stays, everything else becomes '?': names come from strangers and are read by
/// people in terminals and browsers.
std::string plain(std::string_view text, std::size_t limit) {
  std::string out{text.substr(0, limit)};
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

std::string object_of(const ProvisioningRow& row) { return "provisioning/" + row.id; }

void note(Work& work, const Subject& subject, const ProvisioningRow& row, std::string action,
          std::string after) {
  work.store().audit({.at = work.now(),
                      .actor = std::string{subject.name()},
                      .from = subject.from,
                      .action = std::move(action),
                      .object = object_of(row),
                      .result = "ok",
                      .before = "key " + row.key_sha256,
                      .after = std::move(after)});
}

Result<ProvisioningRow> undecided(Work& work, const Subject& subject, std::string_view action,
                                  std::string_view id) {
  auto allowed = authorize(subject, action, "provisioning/" + std::string{id});
  if (!allowed) return std::move(allowed).error();
  auto row = work.store().identities().find_provisioning(id);
  if (!row) return Error{Errc::missing, "no entry " + std::string{id} + " in the list"};
  return std::move(*row);
}

}  // namespace

Result<ProvisioningRow> knock(Work& work, std::string_view key_sha256, const KioskFacts& facts,
                              std::string_view address, const ProvisioningLimits& limits) {
  auto& book = work.store().identities();
  auto known = book.find_key(key_sha256);
  ProvisioningRow row;
  if (known) {
    row = std::move(*known);
    const bool stale = row.decided_at && *row.decided_at + limits.approval <= work.now();
    if (row.state == ProvisioningState::approved && stale) {
      row.state = ProvisioningState::waiting;
      row.terminal = 0;
      row.terminal_code.clear();
      row.decided_at.reset();
      row.issued_at.reset();
    }
  } else {
    if (book.waiting_from(address) >= limits.per_address) {
      return Error{Errc::busy, "too many kiosks wait from " + std::string{address}};
    }
    if (book.provisioning_size() >= limits.entries && !book.drop_oldest_provisioning()) {
      return Error{Errc::busy, "the provisioning list is full of approved kiosks"};
    }
    row.id = identity::uuid_v7(work.now());
    row.key_sha256 = key_sha256;
    row.first_seen = work.now();
  }
  row.facts = {plain(facts.hostname, hostname_limit), plain(facts.serial, fact_limit),
               plain(facts.os, fact_limit)};
  row.address = address;
  row.last_seen = work.now();
  ++row.knocks;
  book.put_provisioning(row);
  if (!known)
    note(work, {Subject::Kind::system, row.address}, row, "kiosk.knock", row.facts.hostname);
  return row;
}

Result<ProvisioningRow> approve(Work& work, const Subject& subject, std::string_view id,
                                std::string_view terminal_code) {
  auto row = undecided(work, subject, "provisioning.approve", id);
  if (!row) return row;
  if (row->state == ProvisioningState::approved) {
    return Error{Errc::refused, "approved already, for terminal " + row->terminal_code};
  }
  if (!wire::valid_terminal_code(terminal_code)) {
    return Error{Errc::invalid,
                 "a terminal code is 1 to 64 bytes without spaces, quotes, '/' and '\\'"};
  }
  auto& store = work.store();
  const auto known = store.find_terminal(terminal_code);
  row->terminal = known ? known->key : store.make_terminal(terminal_code, work.now());
  row->terminal_code = terminal_code;
  row->state = ProvisioningState::approved;
  row->decided_at = work.now();
  row->decided_by = subject.name();
  row->issued_at.reset();
  store.identities().put_provisioning(*row);
  note(work, subject, *row, "provisioning.approve",
       "terminal/" + row->terminal_code + (known ? "" : " made"));
  return row;
}

Result<ProvisioningRow> reject(Work& work, const Subject& subject, std::string_view id) {
  auto row = undecided(work, subject, "provisioning.reject", id);
  if (!row) return row;
  if (row->issued_at) {
    return Error{Errc::refused, "it has its certificate: revoke that of terminal " +
                                    row->terminal_code + " instead"};
  }
  row->state = ProvisioningState::rejected;
  row->terminal = 0;
  row->terminal_code.clear();
  row->decided_at = work.now();
  row->decided_by = subject.name();
  work.store().identities().put_provisioning(*row);
  note(work, subject, *row, "provisioning.reject", "");
  return row;
}

Result<CertificateRow> record_issue(Work& work, std::string_view id, std::string_view address,
                                    const std::string& serial, WallTime not_after) {
  auto& store = work.store();
  auto row = store.identities().find_provisioning(id);
  if (!row || row->state != ProvisioningState::approved) {
    return Error{Errc::refused, "not approved any more"};
  }
  const CertificateRow issued{
      .serial = serial, .terminal = row->terminal, .terminal_code = row->terminal_code};
  store.put_certificate(issued, not_after, work.now());
  if (!row->issued_at) row->issued_at = work.now();
  store.identities().put_provisioning(*row);
  store.audit({.at = work.now(),
               .actor = "kiosk",
               .from = std::string{address},
               .action = "kiosk.enrol",
               .object = "terminal/" + row->terminal_code,
               .result = "ok",
               .before = object_of(*row),
               .after = "certificate " + serial});
  return issued;
}

}  // namespace kw::collector
