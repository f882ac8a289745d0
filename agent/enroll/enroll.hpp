#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/enroll/identity_files.hpp"
#include "common/i18n.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// With a token the kiosk is enrolled at once. Without one it needs the collector's CA, knocks, and
/// a person lets it in after comparing the fingerprint of its key.
struct Enrolment {
  std::filesystem::path data;
  std::string server;  ///< "https://HOST:PORT"
  std::string token;   ///< as printed by the collector
  std::string proxy;   ///< "http://[user:password@]host:port"; empty: none
  std::string hostname;
  bool force = false;
  // Without a token:
  std::filesystem::path ca_file{};  ///< PEM, its first certificate is pinned; or
  std::string ca_sha256{};          ///< its fingerprint as `kiosk-collector ca` prints it
  std::string os{};                 ///< shown to the person who approves
  std::string serial{};             ///< of the machine; the same
  bool wait = false;                ///< knock until decided
  std::function<void(const std::string& fingerprint)> waiting{};  ///< called once, when in the list
  std::function<double()> jitter = [] { return 0.5; };            ///< 0 to 1: a fleet spreads out
};

/// Makes a key on this kiosk, asks the collector for a certificate and saves both. Nothing is
/// changed unless all of it succeeds; the key of a kiosk that waits is kept in
/// DATA/identity.pending. Errors are whole sentences in `lang`; Errc::refused: the collector said
/// no; Errc::busy: not approved yet.
Task<Result<IdentityFiles>> enroll(Enrolment wanted, Lang lang);

}  // namespace kw::agent
