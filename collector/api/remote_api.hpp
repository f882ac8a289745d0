#pragma once

#include <string>
#include <string_view>

#include "collector/accounts/authorize.hpp"
#include "collector/api/reader_pool.hpp"
#include "collector/api/request.hpp"
#include "collector/remote/bundle_files.hpp"
#include "collector/writer/writer.hpp"
#include "common/link/http.hpp"
#include "common/worker.hpp"

namespace kw::collector {

/// The routes of what is asked of kiosks from afar: commands and their bundles, configuration,
/// maintenance. Who may ask is decided before. io thread only.
class RemoteApi {
 public:
  RemoteApi(Writer& writer, ReaderPool& readers, const BundleFiles& bundles, Worker& files);

  static bool serves(std::string_view path);
  Task<link::HttpResponse> answer(std::string path, Parameters query, link::HttpRequest request,
                                  Subject subject);

 private:
  Task<link::HttpResponse> of_terminal(std::string terminal, std::string what, Parameters query,
                                       link::HttpRequest request, Subject subject);
  Task<link::HttpResponse> of_command(std::string id, std::string what, link::HttpRequest request);
  Task<link::HttpResponse> commands(std::string terminal, Parameters query);
  Task<link::HttpResponse> new_command(std::string terminal, std::string body, Subject subject);
  Task<link::HttpResponse> maintenance(std::string terminal, std::string body, Subject subject);
  Task<link::HttpResponse> configuration(std::string terminal);
  Task<link::HttpResponse> push(std::string terminal, link::HttpRequest request, Subject subject);
  Task<link::HttpResponse> take_back(std::string terminal, Subject subject);
  Task<link::HttpResponse> command(std::string id, int status);
  Task<link::HttpResponse> bundle(std::string id);

  Writer& writer_;
  ReaderPool& readers_;
  const BundleFiles& bundles_;
  Worker& files_;
};

}  // namespace kw::collector
