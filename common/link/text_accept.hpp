#pragma once

#include <memory>
#include <string>

#include "common/link/http.hpp"
#include "common/link/io.hpp"
#include "common/link/text_socket.hpp"

/// How an HttpServer makes a TextSocket of a connection. For sources of link/ only.
namespace kw::link {

/// Whether the request asks for a WebSocket in the way of RFC 6455.
bool wants_websocket(const HttpRequest& request);

/// Answers the request with 101; null when the peer left or was too slow. `idle`: a peer that has
/// said nothing for half of it is pinged, one that does not answer then is cut.
Task<std::shared_ptr<TextSocket>> accept_text(tcp::socket socket, HttpRequest request,
                                              Duration limit, Duration idle);

}  // namespace kw::link
