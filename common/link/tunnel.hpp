#pragma once

#include "common/link/io.hpp"
#include "common/link/proxy.hpp"

/// How a client gets through a proxy. For sources of link/ only.
namespace kw::link {

/// Connects to the proxy and has it connect to `server`; each of the two steps may take `step`.
/// Errors begin with "proxy HOST:PORT" and say which hop failed: Errc::invalid when the proxy wants
/// other credentials, Errc::unsupported when it forbids the tunnel, Errc::disconnected when it
/// cannot reach the server, Errc::garbled when it is no HTTP proxy.
Task<Result<tcp::socket>> tunnel(Proxy proxy, Endpoint server, Duration step);

}  // namespace kw::link
