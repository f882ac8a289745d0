#include <optional>

#include "common/clock.hpp"
#include "common/link/connect.hpp"
#include "common/link/http_wire.hpp"

namespace kw::link {
namespace {

std::string host_field(const Endpoint& server, bool tls) {
  const bool usual = server.port == (tls ? 443 : 80);
  const auto text = server.text();
  return usual ? text.substr(0, text.rfind(':')) : text;
}

Task<Result<HttpResponse>> exchange(ByteStream& stream, const HttpRequest& request,
                                    std::string host, Duration limit) {
  const CutAfter cut{stream.socket(), limit};
  const auto bytes = written(request, host);
  const auto failed = co_await write_all(stream, bytes);
  if (cut.expired()) co_return timeout_of(limit, "HTTP");
  // A server may answer and close before it has read everything: the answer says more.
  auto response = co_await read_response(stream, request.method);
  if (cut.expired()) co_return timeout_of(limit, "HTTP");
  if (!response && failed) co_return error_of(failed, "HTTP");
  co_return response;
}

/// A target or method with a line break would be a second request.
bool well_formed(const HttpRequest& request) {
  const auto token = [](const std::string& text) {
    return !text.empty() && text.find_first_of(" \t\r\n") == std::string::npos;
  };
  return token(request.method) && token(request.target) && request.target.front() == '/';
}

}  // namespace

Task<Result<HttpResponse>> http_request(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                        HttpRequest request, Duration limit,
                                        std::optional<Proxy> proxy) {
  if (!well_formed(request)) co_return Error{Errc::invalid, "HTTP: not a request"};
  const SystemClock clock;
  const auto until = clock.mono() + limit;
  const auto host = host_field(server, tls != nullptr);
  if (tls == nullptr) {
    auto socket = co_await connect_tcp(server, limit);
    if (!socket) co_return std::move(socket).error();
    PlainBytes stream{*socket};
    co_return co_await exchange(stream, request, host, until - clock.mono());
  }
  auto secured = co_await connect_tls(server, tls, limit, std::move(proxy));
  if (!secured) co_return std::move(secured).error();
  TlsBytes stream{*secured};
  auto response = co_await exchange(stream, request, host, until - clock.mono());
  secured->notify_close();
  co_return response;
}

}  // namespace kw::link
