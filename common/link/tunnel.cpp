#include "common/link/tunnel.hpp"

#include <array>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <openssl/evp.h>

#include "common/link/connect.hpp"
#include "common/link/http.hpp"

namespace kw::link {
namespace {

namespace http = boost::beast::http;

std::string base64(const std::string& bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  const int n = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + n};
}

std::string request(const Proxy& proxy, const Endpoint& server) {
  const auto to = server.text();
  std::string out = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to +
                    "\r\nUser-Agent: kioskwatch/" KW_VERSION "\r\n";
  if (!proxy.user.empty()) {
    out += "Proxy-Authorization: Basic " + base64(proxy.user + ":" + proxy.password) + "\r\n";
  }
  return out + "\r\n";
}

/// What the proxy answered, or why that is no answer.
struct Answer {
  error_code ec;      ///< the connection ended
  std::string wrong;  ///< it is not HTTP as a proxy speaks it
  int status = 0;
  std::string reason;
};

Task<Answer> read_answer(tcp::socket& socket) {
  http::response_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(http_header_limit));
  parser.skip(true);  // after a success come the server's own bytes, after a refusal a web page
  std::array<char, 4'096> chunk{};
  std::string bytes;
  Answer out;
  while (!parser.is_header_done()) {
    auto [ec, n] = co_await socket.async_read_some(asio::buffer(chunk), as_result);
    if (ec) {
      out.ec = ec;
      co_return out;
    }
    bytes.append(chunk.data(), n);
    error_code bad;
    const auto used = parser.put(asio::buffer(bytes), bad);
    bytes.erase(0, used);
    if (bad == http::error::need_more) bad = {};
    if (bad) {
      out.wrong = bad.message();
      co_return out;
    }
    if (bytes.size() > http_header_limit) {
      out.wrong = "its header is too long";
      co_return out;
    }
  }
  out.status = static_cast<int>(parser.get().result_int());
  const auto reason = parser.get().reason();
  out.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 200));
  // A TLS server is silent until it is spoken to.
  if (out.status / 100 == 2 && !bytes.empty()) out.wrong = "it sent data before the handshake";
  co_return out;
}

Error refusal(const Answer& answer, const Endpoint& server) {
  auto text = "refused with HTTP status " + std::to_string(answer.status);
  if (!answer.reason.empty()) text += " " + answer.reason;
  if (answer.status == 407) return {Errc::invalid, text + ": it wants other credentials"};
  if (answer.status >= 500) {
    return {Errc::disconnected, text + ": it cannot reach " + server.text()};
  }
  return {Errc::unsupported, text + ": it opens no tunnel to " + server.text()};
}

Task<Result<void>> ask(tcp::socket& socket, const Proxy& proxy, const Endpoint& server,
                       Duration step) {
  const CutAfter cut{socket, step};
  PlainBytes stream{socket};
  const auto bytes = request(proxy, server);
  const auto failed = co_await write_all(stream, bytes);
  if (failed && !cut.expired()) co_return error_of(failed, "CONNECT");
  const auto answer = co_await read_answer(socket);
  if (cut.expired()) co_return timeout_of(step, "CONNECT");
  if (answer.ec) co_return error_of(answer.ec, "CONNECT");
  if (!answer.wrong.empty()) co_return Error{Errc::garbled, "not an HTTP proxy: " + answer.wrong};
  if (answer.status / 100 != 2) co_return refusal(answer, server);
  co_return Result<void>{};
}

}  // namespace

Task<Result<tcp::socket>> tunnel(Proxy proxy, Endpoint server, Duration step) {
  const auto where = "proxy " + proxy.at.text();
  auto socket = co_await connect_tcp(proxy.at, step);
  if (!socket) co_return std::move(socket).error().within(where);
  auto opened = co_await ask(*socket, proxy, server, step);
  if (!opened) co_return std::move(opened).error().within(where);
  co_return std::move(*socket);
}

}  // namespace kw::link
