#pragma once

#include <functional>
#include <optional>
#include <string>

#include "collector/accounts/authorize.hpp"
#include "collector/api/identity_routes.hpp"
#include "collector/api/reader_pool.hpp"
#include "collector/api/remote_api.hpp"
#include "collector/api/request.hpp"
#include "collector/gateway/figures.hpp"
#include "collector/writer/writer.hpp"
#include "common/link/http.hpp"

namespace kw::collector {

/// REST under /api/v1 (openapi.yaml is the contract), /healthz, /metrics and the live page. io
/// thread only; reads go to the reader pool, acts to the writer.
class Api {
 public:
  Api(Writer& writer, ReaderPool& readers, std::function<GatewayFigures()> gateway,
      IdentityRoutes::Revoked revoked, const BundleFiles& bundles, Worker& files);

  Task<link::HttpResponse> answer(link::HttpRequest request);
  /// Why the request may not become the WebSocket of the live feed, if it may not.
  std::optional<link::HttpResponse> refuse_socket(const link::HttpRequest& request) const;

 private:
  Task<link::HttpResponse> get(std::string path, Parameters query);
  Task<link::HttpResponse> post(std::string path, link::HttpRequest request, Subject subject);
  Task<link::HttpResponse> act_on_order(std::string order, std::string action, std::string body,
                                        Subject subject);
  Task<link::HttpResponse> fault_statistics(Parameters query);
  Task<link::HttpResponse> health();
  Task<link::HttpResponse> metrics();

  IdentityRoutes identities_;
  Writer& writer_;
  ReaderPool& readers_;
  std::function<GatewayFigures()> gateway_;
  RemoteApi remote_;
};

}  // namespace kw::collector
