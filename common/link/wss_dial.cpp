#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/error.hpp>

#include "common/link/connect.hpp"
#include "common/link/http_wire.hpp"
#include "common/link/wss_wire.hpp"

namespace kw::link {
namespace {

namespace http = boost::beast::http;

/// Big enough for most batches: a masked frame is written in pieces of this size.
constexpr std::size_t client_write_buffer = 16 * 1024;

/// The collector said no in HTTP: its status tells what to do, its text why.
Error declined(const websocket::response_type& answer, const std::optional<Refusal>& said) {
  const auto status = answer.result_int();
  auto code = Errc::garbled;
  if (status == 401 || status == 403) code = Errc::refused;
  if (status == 404 || status == 426) code = Errc::unsupported;
  if (status == 429 || status == 503) code = Errc::busy;
  std::string text = "WebSocket: refused with HTTP status " + std::to_string(status);
  if (said) {
    text.append(" (").append(said->code).append("): ").append(said->detail);
  } else if (!answer.body().empty()) {
    text.append(": ").append(answer.body(), 0, 300);
  }
  return Error{code, text};
}

/// Whether the server's answer broke the rules of HTTP or of the upgrade.
bool no_websocket(error_code ec) {
  const error_code http_rule = http::error::bad_version;
  const error_code upgrade_rule = websocket::error::upgrade_declined;
  return ec.category() == http_rule.category() || ec.category() == upgrade_rule.category();
}

void ask_for_protocol(websocket::request_type& request) {
  request.set(http::field::sec_websocket_protocol,
              boost::beast::string_view{subprotocol.data(), subprotocol.size()});
  request.set(http::field::user_agent, "kioskwatch/" KW_VERSION);
}

Result<void> checked(const websocket::response_type& answer) {
  const auto spoken = answer[http::field::sec_websocket_protocol];
  if (std::string_view{spoken.data(), spoken.size()} == subprotocol) return {};
  return Error{Errc::unsupported, "WebSocket: the server does not speak kioskwatch.v1"};
}

Task<Result<void>> upgrade(std::shared_ptr<Wire> wire, std::string host, Duration limit,
                           std::optional<Refusal>& said) {
  websocket::response_type answer;
  error_code ec;
  bool late = false;
  {
    const CutAfter cut{wire->tls().next_layer(), limit};
    wire->socket().set_option(websocket::stream_base::decorator(&ask_for_protocol));
    std::tie(ec) = co_await wire->socket().async_handshake(answer, host, "/agent", as_result);
    late = cut.expired();
  }
  if (late) co_return timeout_of(limit, "WebSocket");
  if (ec == websocket::error::upgrade_declined) {
    said = refusal_in(answer.body());
    co_return declined(answer, said);
  }
  if (ec == asio::error::eof || ec == http::error::end_of_stream) {
    co_return Error{Errc::disconnected, "WebSocket: closed by the server without an answer"};
  }
  if (ec && no_websocket(ec)) co_return Error{Errc::garbled, "WebSocket: " + ec.message()};
  if (ec) co_return error_of(ec, "WebSocket");
  co_return checked(answer);
}

}  // namespace

Task<Result<std::unique_ptr<Link>>> dial(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                         Duration step, std::optional<Proxy> proxy,
                                         std::optional<Refusal>* declined) {
  const auto host = server.text();
  auto stream = co_await connect_tls(server, std::move(tls), step, std::move(proxy));
  if (!stream) co_return std::move(stream).error();
  auto from = remote_of(stream->next_layer());
  const auto wire = std::make_shared<Wire>(std::move(*stream), std::move(from));
  wire->peer = wire->tls().peer();
  std::optional<Refusal> said;
  auto upgraded = co_await upgrade(wire, host, step, said);
  if (declined != nullptr) *declined = said;
  if (!upgraded) {
    wire->cut();
    co_return std::move(upgraded).error();
  }
  wire->opened(client_write_buffer);
  co_return link_on(wire);
}

}  // namespace kw::link
