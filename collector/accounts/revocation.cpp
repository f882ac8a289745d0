#include "collector/accounts/revocation.hpp"

#include "collector/store/identity_book.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t reason_limit = 500;

}  // namespace

Result<std::vector<CertificateRow>> revoke(Work& work, const Subject& subject,
                                           std::string_view terminal_code, std::string_view serial,
                                           std::string_view reason) {
  const std::string object = "terminal/" + std::string{terminal_code};
  auto allowed = authorize(subject, "certificate.revoke", object);
  if (!allowed) return std::move(allowed).error();
  if (reason.size() > reason_limit) {
    return Error{Errc::invalid, "reason: at most " + std::to_string(reason_limit) + " bytes"};
  }
  auto& store = work.store();
  const auto terminal = store.find_terminal(terminal_code);
  if (!terminal) return Error{Errc::missing, "no terminal " + std::string{terminal_code}};
  auto& book = store.identities();
  if (!serial.empty()) {
    const auto named = book.find_certificate(serial);
    if (!named || named->terminal != terminal->key) {
      return Error{Errc::missing, "terminal " + std::string{terminal_code} +
                                      " has no certificate " + std::string{serial}};
    }
  }
  auto revoked = book.revoke(terminal->key, serial, reason, work.now());
  if (serial.empty()) {
    book.drop_tokens(terminal->key, work.now());
    book.reject_provisioning_of(terminal->key, work.now());
  }
  std::string serials;
  for (const auto& row : revoked) serials += (serials.empty() ? "" : " ") + row.serial;
  store.audit({.at = work.now(),
               .actor = std::string{subject.name()},
               .from = subject.from,
               .action = "certificate.revoke",
               .object = object,
               .result = "ok",
               .before = serials,
               .after = std::string{reason}});
  return revoked;
}

}  // namespace kw::collector
