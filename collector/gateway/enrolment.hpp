#pragma once

#include <string>

#include "collector/accounts/authority_files.hpp"
#include "collector/accounts/provisioning.hpp"
#include "collector/gateway/recently.hpp"
#include "collector/gateway/registry.hpp"
#include "collector/writer/writer.hpp"
#include "common/identity/authority.hpp"
#include "common/link/http.hpp"
#include "common/worker.hpp"

namespace kw::collector {

/// Enrolment under EST's paths (RFC 7030). simpleenroll: a certificate request with a one-time
/// token, or without one (then the kiosk waits in the provisioning list); simplereenroll: a kiosk
/// renews its certificate, also an expired one. io thread; signing runs on the crypto worker, the
/// rest on the writer.
class Enrolment {
 public:
  struct Settings {
    Duration life = identity::kiosk_life;
    /// So long after its end a certificate may still be renewed: a kiosk that was off for months.
    Duration renew_expired = 365 * identity::day;
    std::int64_t certificates_a_day = 10;  ///< of one terminal
    ProvisioningLimits provisioning;
  };
  Enrolment(Writer& writer, Registry& registry, const AuthorityFiles& authority, Worker& crypto,
            const Clock& clock, const Settings& settings);

  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer);

 private:
  Task<link::HttpResponse> enroll(link::HttpRequest request);
  Task<link::HttpResponse> renew(link::HttpRequest request, link::PeerCertificate peer);
  Task<link::HttpResponse> knock(link::HttpRequest request);
  Task<link::HttpResponse> knock_counted(link::HttpRequest request, std::string from);
  Task<Result<identity::Issued>> sign(std::string csr, std::string terminal_code);
  Task<void> note_wrong_token(std::string from, std::string why);

  Writer& writer_;
  Registry& registry_;
  const AuthorityFiles& authority_;
  Worker& crypto_;
  const Clock& clock_;
  Settings settings_;
  Recently wrong_tokens_;
  Recently knocks_;
  int knocking_ = 0;  ///< knocks under way
};

}  // namespace kw::collector
