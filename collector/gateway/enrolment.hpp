#pragma once

#include <deque>
#include <map>
#include <string>

#include "collector/accounts/authority_files.hpp"
#include "collector/gateway/registry.hpp"
#include "collector/writer/writer.hpp"
#include "common/link/http.hpp"
#include "common/worker.hpp"

namespace kw::collector {

/// Enrolment under EST's paths (RFC 7030): a one-time token and a certificate request in, a
/// certificate out. The answer is JSON, not PKCS#7: {terminal, certificate_chain_pem, ca_pem}.
/// io thread; signing runs on the crypto worker, the rest on the writer.
class Enrolment {
 public:
  Enrolment(Writer& writer, Registry& registry, const AuthorityFiles& authority, Worker& crypto,
            const Clock& clock);

  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer);

 private:
  Task<link::HttpResponse> enroll(link::HttpRequest request);
  bool blocked(const std::string& address);
  void wrong_token(const std::string& address);

  Writer& writer_;
  Registry& registry_;
  const AuthorityFiles& authority_;
  Worker& crypto_;
  const Clock& clock_;
  std::map<std::string, std::deque<MonoTime>> wrong_;  ///< wrong tokens by address, lately
};

}  // namespace kw::collector
