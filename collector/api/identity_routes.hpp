#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/accounts/authorize.hpp"
#include "collector/api/reader_pool.hpp"
#include "collector/store/store.hpp"
#include "collector/writer/writer.hpp"
#include "common/link/http.hpp"

namespace kw::collector {

/// The API's part about who is who: revocation and the provisioning list. io thread.
class IdentityRoutes {
 public:
  /// Told after the commit that certificates were revoked.
  using Revoked = std::function<void(const std::vector<CertificateRow>&)>;

  IdentityRoutes(Writer& writer, ReaderPool& readers, Revoked revoked)
      : writer_(writer), readers_(readers), revoked_(std::move(revoked)) {}

  /// Whether a POST to this path (without the API's prefix) is ours: terminals/CODE/revoke,
  /// provisioning/ID/approve, provisioning/ID/reject.
  static bool takes(std::string_view path);
  Task<link::HttpResponse> post(std::string path, std::string body, Subject subject);
  /// GET provisioning: the whole list, newest knock first.
  Task<link::HttpResponse> list();

 private:
  Writer& writer_;
  ReaderPool& readers_;
  Revoked revoked_;
};

}  // namespace kw::collector
