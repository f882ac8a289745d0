#pragma once

#include <string>

#include "common/link/http.hpp"
#include "common/link/io.hpp"
#include "common/link/link.hpp"

/// HTTP/1.1 messages on a byte stream of any kind. For sources of link/ only.
namespace kw::link {

/// What came instead of, or with, a request.
struct Incoming {
  bool ended = false;                   ///< nothing more to answer: the peer left or was too slow
  bool late = false;                    ///< ended because it was too slow
  int refused = 0;                      ///< answer with this status and close
  std::string why;                      ///< of `refused`
  std::optional<HttpResponse> instead;  ///< answer with this and close
  std::shared_ptr<void> seat;           ///< kept until the request has been answered
  HttpRequest request;
  bool keep_alive = false;
  std::string excess;  ///< what follows the request already
};

struct RequestLimits {
  std::size_t header = http_header_limit;
  std::size_t body = http_body_limit;
  Duration first_byte;  ///< until a request begins
  Duration whole;       ///< until it has arrived
  /// Asked once the head of a request with a body is there; empty: `body` and `whole` hold.
  std::function<Task<BodyGrant>(HttpRequest head)> by_head = {};
};

/// Reads one request. `excess`: what an earlier one left. Answers "Expect: 100-continue" itself.
Task<Incoming> read_request(ByteStream& stream, std::string excess, RequestLimits limits);

/// Writes the answer; for HEAD everything but the body. Not ok: the connection is of no more use.
Task<error_code> write_response(ByteStream& stream, const HttpRequest& request,
                                const HttpResponse& response, bool keep_alive);

/// The answer to a broken request: application/problem+json (RFC 9457).
HttpResponse problem(int status, const std::string& detail);
/// The answer to a peer that is not admitted, and what the peer reads out of it again; nothing for
/// an answer that does not say why.
HttpResponse problem(const Refusal& why);
std::optional<Refusal> refusal_in(const std::string& body);

/// A request as bytes, with Host, Content-Length and "Connection: close".
std::string written(const HttpRequest& request, const std::string& host);
/// Reads the answer to a request of that method.
Task<Result<HttpResponse>> read_response(ByteStream& stream, const std::string& method);

}  // namespace kw::link
