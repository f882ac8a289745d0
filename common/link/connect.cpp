#include "common/link/connect.hpp"

#include <algorithm>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "common/link/tunnel.hpp"

namespace kw::link {
namespace {

using Addresses = std::vector<tcp::endpoint>;

/// A look-up cannot be interrupted: it goes on alone when nobody waits for it any more.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}

  tcp::resolver resolver;
  asio::steady_timer done;
  bool finished = false;
  error_code ec;
  Addresses found;
};

void start(const std::shared_ptr<Lookup>& lookup, const Endpoint& server) {
  lookup->resolver.async_resolve(
      server.host, std::to_string(server.port), tcp::resolver::numeric_service,
      [lookup](error_code ec, const tcp::resolver::results_type& results) {
        lookup->finished = true;
        lookup->ec = ec;
        for (const auto& entry : results) lookup->found.push_back(entry.endpoint());
        lookup->done.cancel();
      });
}

Task<Result<Addresses>> resolve(const Endpoint& server, Duration step) {
  error_code ec;
  const auto literal = asio::ip::make_address(server.host, ec);
  // An address needs no look-up, and no look-up means that Asio starts no thread for it.
  if (!ec) co_return Addresses{tcp::endpoint{literal, server.port}};
  auto executor = co_await asio::this_coro::executor;
  const auto lookup = std::make_shared<Lookup>(executor);
  lookup->done.expires_after(step);
  start(lookup, server);
  co_await lookup->done.async_wait(as_result);
  if (!lookup->finished) {
    lookup->resolver.cancel();
    co_return timeout_of(step, "resolve " + server.host);
  }
  if (lookup->ec) co_return error_of(lookup->ec, "resolve " + server.host);
  if (lookup->found.empty()) co_return Error{Errc::missing, "resolve " + server.host + ": nothing"};
  co_return std::move(lookup->found);
}

}  // namespace

Task<Result<tcp::socket>> connect_tcp(Endpoint server, Duration step) {
  auto addresses = co_await resolve(server, step);
  if (!addresses) co_return std::move(addresses).error();
  const auto share = std::max<Duration>(step / static_cast<int>(addresses->size()), step / 3);
  auto executor = co_await asio::this_coro::executor;
  auto why = Error{Errc::missing, "connect: no address"};
  for (const auto& address : *addresses) {
    tcp::socket socket{executor};
    error_code ec;
    bool late = false;
    {
      const CutAfter limit{socket, share};
      std::tie(ec) = co_await socket.async_connect(address, as_result);
      late = limit.expired();
    }
    if (!ec && socket.is_open()) co_return std::move(socket);
    const auto where = "connect " + server.text();
    why = late ? timeout_of(share, where) : error_of(ec, where);
  }
  co_return why;
}

Task<Result<void>> shake_hands(TlsStream& stream, Duration limit) {
  error_code ec;
  bool late = false;
  {
    const CutAfter cut{stream.next_layer(), limit};
    std::tie(ec) = co_await stream.async_handshake(as_result);
    late = cut.expired();
  }
  if (late) co_return timeout_of(limit, "TLS");
  if (!ec) co_return Result<void>{};
  const auto refusal = stream.refusal();
  if (!refusal.empty()) co_return Error{Errc::refused, "TLS: " + refusal};
  co_return error_of(ec, "TLS");
}

Task<Result<TlsStream>> connect_tls(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                    Duration step, std::optional<Proxy> proxy) {
  const bool around = proxy && proxy->serves(server);
  auto way = around ? tunnel(*proxy, server, step) : connect_tcp(server, step);
  auto socket = co_await std::move(way);
  if (!socket) co_return std::move(socket).error();
  auto side = std::make_unique<ClientSide>();
  side->tls = std::move(tls);
  side->server = std::move(server);
  auto stream = TlsStream::client(std::move(*socket), std::move(side));
  if (!stream) co_return std::move(stream).error();
  auto shaken = co_await shake_hands(*stream, step);
  if (!shaken) co_return std::move(shaken).error();
  co_return std::move(*stream);
}

}  // namespace kw::link
