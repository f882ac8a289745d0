#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "common/link/proxy.hpp"
#include "common/link/text_socket.hpp"
#include "common/link/tls.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::link {

/// HTTP/1.1 messages as plain values; Beast stays behind this header.
struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";                    ///< path and query as received
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string remote;  ///< server side: the peer's address
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

/// What a server takes of one request, decided from its head before any of its body is read.
struct BodyGrant {
  std::optional<std::size_t> bytes;     ///< of body; none: as usual
  std::optional<Duration> within;       ///< for the whole request; none: as usual
  std::optional<HttpResponse> instead;  ///< answered at once, the body stays unread
  std::shared_ptr<void> seat;           ///< let go of once the request has been answered
};

/// Limits before parsing: a header of 16 KiB, a body of 1 MiB, 10 s for a request to arrive.
inline constexpr std::size_t http_header_limit = 16 * 1024;
inline constexpr std::size_t http_body_limit = 1024 * 1024;

/// One request on a connection of its own. `tls` null: plain HTTP, which takes no proxy.
Task<Result<HttpResponse>> http_request(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                        HttpRequest request, Duration limit,
                                        std::optional<Proxy> proxy = std::nullopt);

/// What an HttpServer grants its clients; tests give less.
struct HttpLimits {
  Duration request = std::chrono::seconds{10};  ///< from its first byte (the first: from accept)
  Duration idle = std::chrono::seconds{60};     ///< between two requests of one connection
  std::size_t connections = 256;                ///< one more is answered 503
  Duration silence = std::chrono::seconds{60};  ///< of a WebSocket's peer, which is pinged before
  std::size_t body = http_body_limit;           ///< a longer one is answered 413
  /// Words what the server answers without its handler: a request that is broken, too long or one
  /// too many. Empty: as application/problem+json.
  std::function<HttpResponse(int status, const HttpRequest& request, const std::string& why)> word =
      {};
};

/// What an HttpServer does with requests to become a WebSocket; without this they are requests like
/// any other.
struct WebSockets {
  /// The answer for one that may not be, nothing for one that may.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> refuse;
  /// The connection ends when this returns.
  std::function<Task<void>(std::shared_ptr<TextSocket>)> serve;
};

/// Plain HTTP for people and scrapers on one address. All on the executor's thread.
class HttpServer {
 public:
  /// An answer with the header "Connection: close" is the connection's last.
  using Handler = std::function<Task<HttpResponse>(HttpRequest)>;

  HttpServer(asio::any_io_executor executor, Handler handler, HttpLimits limits = {},
             WebSockets sockets = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Binds and starts to serve; port 0 takes a free one. Returns the address in use.
  Result<Endpoint> listen(const Endpoint& at);
  /// Accepts no more and closes every connection, WebSockets included.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kw::link
