#pragma once

#include <memory>
#include <optional>

#include "common/link/io.hpp"
#include "common/link/proxy.hpp"
#include "common/link/tls_stream.hpp"

/// How a client gets a connection. For sources of link/ only.
namespace kw::link {

/// Resolves and connects; every address gets its share of `step`, which each of the two steps may
/// take. Errors begin with "resolve" or "connect".
Task<Result<tcp::socket>> connect_tcp(Endpoint server, Duration step);

/// Connects, through the proxy when it serves that server, and shakes hands. Errors of the last
/// step begin with "TLS", those on the way through a proxy with "proxy".
Task<Result<TlsStream>> connect_tls(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                    Duration step, std::optional<Proxy> proxy = std::nullopt);

/// The handshake alone, either side. Errors begin with "TLS".
Task<Result<void>> shake_hands(TlsStream& stream, Duration limit);

}  // namespace kw::link
