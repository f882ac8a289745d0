#include "common/link/examine.hpp"

#include "common/link/connect.hpp"
#include "common/link/http_wire.hpp"
#include "common/link/tunnel.hpp"

namespace kw::link {
namespace {

Distrust distrust_of(int verdict) {
  switch (verdict) {
    case X509_V_OK:
      return Distrust::none;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Distrust::name;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return Distrust::authority;
    default:
      return Distrust::other;
  }
}

Knocked::Answer answer_of(error_code ec) {
  if (!ec) return Knocked::Answer::open;
  if (ec == asio::error::connection_refused || ec == asio::error::connection_reset) {
    return Knocked::Answer::closed;
  }
  if (ec == asio::error::timed_out) return Knocked::Answer::silent;
  return Knocked::Answer::unreachable;
}

Task<Result<HttpResponse>> ask(TlsStream& stream, std::string host, Duration limit) {
  HttpRequest request;
  request.headers["user-agent"] = "kioskctl/" KW_VERSION;
  TlsBytes bytes{stream};
  const CutAfter cut{stream.next_layer(), limit};
  const auto text = written(request, host);
  const auto failed = co_await write_all(bytes, text);
  auto response = co_await read_response(bytes, request.method);
  if (cut.expired()) co_return timeout_of(limit, "HTTP");
  if (!response && failed) co_return error_of(failed, "HTTP");
  co_return response;
}

}  // namespace

Task<Result<std::vector<std::string>>> look_up(Endpoint server, Duration limit) {
  const auto found = co_await resolve(std::move(server), limit);
  if (!found) co_return found.error();
  std::vector<std::string> out;
  for (const auto& address : *found) out.push_back(address.address().to_string());
  co_return out;
}

Task<Knocked> knock(std::vector<std::string> addresses, std::uint16_t port, Duration limit) {
  auto executor = co_await asio::this_coro::executor;
  Knocked out;
  for (const auto& address : addresses) {
    out.address = address;
    error_code ec;
    const tcp::endpoint at{asio::ip::make_address(address, ec), port};
    tcp::socket socket{executor};
    bool late = false;
    {
      const CutAfter cut{socket, limit};
      std::tie(ec) = co_await socket.async_connect(at, as_result);
      late = cut.expired();
    }
    out.reason = late ? timeout_of(limit, "connect").text() : ec.message();
    out.answer = late ? Knocked::Answer::silent : answer_of(ec);
    if (out.answer == Knocked::Answer::open) break;
  }
  co_return out;
}

Task<Looked> look_at(Endpoint server, std::shared_ptr<const ClientTls> tls, Duration limit,
                     std::optional<Proxy> proxy) {
  Looked out;
  const auto host = server.text();
  const bool around = proxy && proxy->serves(server);
  auto way = around ? tunnel(*proxy, server, limit) : connect_tcp(server, limit);
  auto socket = co_await std::move(way);
  if (!socket) {
    out.tunnelled = !around;
    out.error = std::move(socket).error();
    co_return out;
  }
  auto side = std::make_unique<ClientSide>();
  side->tls = std::move(tls);
  side->server = std::move(server);
  auto stream = TlsStream::client(std::move(*socket), std::move(side));
  if (!stream) {
    out.error = std::move(stream).error();
    co_return out;
  }
  const auto shaken = co_await shake_hands(*stream, limit);
  if (!shaken) {
    out.server = stream->client_side()->shown;
    out.distrust = distrust_of(stream->client_side()->verdict);
    out.error = shaken.error();
    co_return out;
  }
  out.secured = true;
  out.server = stream->peer();
  auto response = co_await ask(*stream, host, limit);
  stream->notify_close();
  if (response) {
    out.response = std::move(*response);
  } else {
    out.error = std::move(response).error();
  }
  co_return out;
}

}  // namespace kw::link
