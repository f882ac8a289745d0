#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "collector/gateway/registry.hpp"
#include "collector/remote/bundle_files.hpp"
#include "collector/writer/writer.hpp"
#include "common/link/http.hpp"
#include "common/worker.hpp"

namespace kw::collector {

/// Takes the log bundle that a kiosk was asked for: PUT /kioskwatch/v1/bundles/COMMAND on the agent
/// port, with the kiosk's certificate. Only of an open log-bundle command of that very terminal; a
/// few at a time. Answers JSON: {command, sha256, bytes}. io thread; files are written by `files`.
class BundleUploads {
 public:
  static constexpr std::size_t body_limit = 4 * 1024 * 1024;
  static constexpr std::size_t at_a_time = 4;

  BundleUploads(Writer& writer, const Registry& registry, const BundleFiles& store, Worker& files,
                const Clock& clock);

  /// Whether the request is meant for this.
  static bool is_upload(std::string_view target);
  /// Decides by the head whether the body is read at all.
  Task<link::BodyGrant> allow(link::HttpRequest head, link::PeerCertificate peer);
  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer);

 private:
  /// Whose certificate it is; nullptr when it opens nothing (any more).
  const CertificateRow* sender(const link::PeerCertificate& peer) const;

  Writer& writer_;
  const Registry& registry_;
  const BundleFiles& store_;
  Worker& files_;
  const Clock& clock_;
  std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);
};

}  // namespace kw::collector
