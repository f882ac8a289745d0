#include "common/link/http_wire.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace kw::link {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t read_size = 16 * 1024;

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// Names in lower case; several fields of one name become one list, as HTTP allows.
template <class Fields>
std::map<std::string, std::string> headers_of(const Fields& fields) {
  std::map<std::string, std::string> headers;
  for (const auto& field : fields) {
    auto [at, fresh] = headers.try_emplace(lower(view(field.name_string())), view(field.value()));
    if (fresh) continue;
    const bool cookie = at->first == "cookie";
    at->second.append(cookie ? "; " : ", ").append(view(field.value()));
  }
  return headers;
}

/// A field that could end its line early would let its author write the rest of the message.
bool line_safe(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void add_field(std::string& head, std::string_view name, std::string_view value) {
  if (!line_safe(name) || !line_safe(value)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

/// What the caller may not set: we know it better.
bool framing(const std::string& name) {
  return name == "content-length" || name == "transfer-encoding" || name == "connection";
}

int status_of(error_code ec) {
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) return 431;
  if (ec == http::error::body_limit) return 413;
  return 400;
}

using RequestParser = http::request_parser<http::string_body>;
using ResponseParser = http::response_parser<http::string_body>;

/// Gives the parser what there is; need_more is no error.
template <class Parser>
error_code feed(Parser& parser, std::string& bytes) {
  error_code ec;
  while (!bytes.empty() && !parser.is_done()) {
    const auto used = parser.put(asio::buffer(bytes), ec);
    bytes.erase(0, used);
    if (ec || used == 0) break;
    if (!parser.eager() && parser.is_header_done()) break;
  }
  if (ec == http::error::need_more) ec = {};
  return ec;
}

/// Appends what has come. Returns the error that ended it.
Task<error_code> more(ByteStream& stream, std::string& bytes) {
  const auto before = bytes.size();
  bytes.resize(before + read_size);
  const auto moved = co_await stream.read_some(asio::buffer(bytes.data() + before, read_size));
  bytes.resize(before + moved.n);
  co_return moved.ec;
}

HttpRequest head_of(const RequestParser& parser) {
  const auto& message = parser.get();
  HttpRequest head;
  head.method = view(message.method_string());
  head.target = view(message.target());
  head.headers = headers_of(message);
  return head;
}

Incoming taken(RequestParser& parser, std::string excess, std::shared_ptr<void> seat) {
  Incoming in;
  in.request = head_of(parser);
  in.keep_alive = parser.get().keep_alive();
  in.request.body = std::move(parser.get().body());
  in.excess = std::move(excess);
  in.seat = std::move(seat);
  return in;
}

Incoming instead(HttpRequest head, HttpResponse answer) {
  Incoming in;
  in.request = std::move(head);
  in.instead = std::move(answer);
  return in;
}

Incoming refusal(int status, std::string why) {
  Incoming in;
  in.refused = status;
  in.why = std::move(why);
  return in;
}

enum class Expectation { none, go_on, unknown };

Expectation expectation(const RequestParser& parser) {
  const auto& message = parser.get();
  const auto it = message.find(http::field::expect);
  if (it == message.end() || message.version() < 11) return Expectation::none;
  return lower(view(it->value())) == "100-continue" ? Expectation::go_on : Expectation::unknown;
}

Incoming ended(const CutAfter& limit) {
  Incoming in;
  in.ended = true;
  in.late = limit.expired();
  return in;
}

}  // namespace

Task<Incoming> read_request(ByteStream& stream, std::string excess, RequestLimits limits) {
  CutAfter limit{stream.socket(), excess.empty() ? limits.first_byte : limits.whole};
  if (excess.empty()) {
    const auto ec = co_await more(stream, excess);
    if (ec) co_return ended(limit);
    limit.restart(limits.whole);
  }
  RequestParser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header));
  // A body limit that depends on the head can only hold from there on.
  const bool two_steps = static_cast<bool>(limits.by_head);
  if (two_steps) {
    parser.body_limit(boost::none);
  } else {
    parser.body_limit(limits.body);
  }
  parser.eager(!two_steps);
  bool asked = false;
  std::shared_ptr<void> seat;
  for (;;) {
    const auto bad = feed(parser, excess);
    if (bad) {
      auto in = refusal(status_of(bad), bad.message());
      in.request = head_of(parser);  // as far as it was read: says how the answer is to be worded
      co_return in;
    }
    if (parser.is_done()) co_return taken(parser, std::move(excess), std::move(seat));
    if (parser.is_header_done() && !asked) {
      asked = true;
      if (two_steps) {
        auto head = head_of(parser);
        auto grant = co_await limits.by_head(head);
        if (grant.instead) co_return instead(std::move(head), std::move(*grant.instead));
        const std::uint64_t most = grant.bytes.value_or(limits.body);
        if (parser.content_length().value_or(0) > most) {
          co_return refusal(413, "a body of at most " + std::to_string(most) + " bytes");
        }
        parser.body_limit(most);
        parser.eager(true);
        if (grant.within) limit.restart(*grant.within);
        seat = std::move(grant.seat);
      }
      const auto wish = expectation(parser);
      if (wish == Expectation::unknown) co_return refusal(417, "unknown expectation");
      if (wish == Expectation::go_on) {
        const auto failed = co_await write_all(stream, "HTTP/1.1 100 Continue\r\n\r\n");
        if (failed) co_return ended(limit);
      }
      if (two_steps) continue;  // what has come of the body already
    }
    const auto ec = co_await more(stream, excess);
    if (ec) co_return ended(limit);
  }
}

Task<error_code> write_response(ByteStream& stream, const HttpRequest& request,
                                const HttpResponse& response, bool keep_alive) {
  const auto status = static_cast<unsigned>(response.status);
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(view(http::obsolete_reason(http::int_to_status(status)))).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (!framing(lower(name))) add_field(head, name, value);
  }
  const bool bodiless = status == 204 || status == 304 || status < 200;
  if (!bodiless) add_field(head, "Content-Length", std::to_string(response.body.size()));
  add_field(head, "Connection", keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  const bool with_body = !bodiless && request.method != "HEAD";
  constexpr std::size_t one_write = 32 * 1024;
  if (with_body && response.body.size() <= one_write) {
    head += response.body;
    co_return co_await write_all(stream, head);
  }
  auto ec = co_await write_all(stream, head);
  if (!ec && with_body) ec = co_await write_all(stream, response.body);
  co_return ec;
}

HttpResponse problem(int status, const std::string& detail) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  boost::json::object body;
  body["type"] = "about:blank";
  body["title"] = boost::json::string_view{reason.data(), reason.size()};
  body["status"] = status;
  body["detail"] = detail;
  HttpResponse response;
  response.status = status;
  response.headers["Content-Type"] = "application/problem+json";
  response.body = boost::json::serialize(body);
  return response;
}

HttpResponse problem(const Refusal& why) {
  boost::json::object body;
  HttpResponse response;
  response.status = why.code == "busy" ? 503 : 403;
  body["type"] = "about:blank";
  body["title"] = why.code;
  body["status"] = response.status;
  body["code"] = why.code;
  body["detail"] = why.detail;
  if (why.retry_after) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*why.retry_after);
    body["retry_after_ms"] = ms.count();
    const auto s = std::chrono::ceil<std::chrono::seconds>(ms);
    response.headers["Retry-After"] = std::to_string(s.count());
  }
  response.headers["Content-Type"] = "application/problem+json";
  response.body = boost::json::serialize(body);
  return response;
}

std::optional<Refusal> refusal_in(const std::string& body) {
  boost::system::error_code wrong;
  const auto parsed = boost::json::parse(body, wrong);
  const auto* object = wrong ? nullptr : parsed.if_object();
  if (object == nullptr) return std::nullopt;
  const auto text = [object](std::string_view key) -> std::string {
    const auto* value = object->if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    constexpr std::size_t longest = 300;
    return std::string{std::string_view{value->get_string()}.substr(0, longest)};
  };
  Refusal out{text("code"), text("detail"), std::nullopt};
  if (out.code.empty()) return std::nullopt;
  const auto* after = object->if_contains("retry_after_ms");
  if (after == nullptr) return out;
  const auto ms = after->to_number<std::int64_t>(wrong);
  constexpr std::int64_t longest_ms = 24LL * 3600 * 1000;
  if (!wrong && ms >= 0) out.retry_after = std::chrono::milliseconds{std::min(ms, longest_ms)};
  return out;
}

std::string written(const HttpRequest& request, const std::string& host) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!request.headers.contains("host")) add_field(head, "Host", host);
  for (const auto& [name, value] : request.headers) {
    if (!framing(lower(name))) add_field(head, name, value);
  }
  const bool expects_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (expects_body || !request.body.empty()) {
    add_field(head, "Content-Length", std::to_string(request.body.size()));
  }
  add_field(head, "Connection", "close");
  return head.append("\r\n").append(request.body);
}

Task<Result<HttpResponse>> read_response(ByteStream& stream, const std::string& method) {
  std::string bytes;
  std::optional<ResponseParser> parser;
  const auto begin = [&parser, &method] {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(http_header_limit));
    parser->body_limit(http_body_limit);
    parser->eager(true);
    if (method == "HEAD") parser->skip(true);
  };
  begin();
  for (;;) {
    auto bad = feed(*parser, bytes);
    if (bad) co_return Error{Errc::garbled, "HTTP: " + bad.message()};
    if (parser->is_done()) {
      const auto status = static_cast<int>(parser->get().result_int());
      if (status >= 200) break;
      begin();  // 1xx: the answer proper follows
      continue;
    }
    const auto ec = co_await more(stream, bytes);
    if (ec == asio::error::eof && parser->got_some()) {
      parser->put_eof(bad);  // a body may end with the connection
      if (bad) co_return Error{Errc::disconnected, "HTTP: the answer was cut off"};
      break;
    }
    if (ec) co_return error_of(ec, "HTTP");
  }
  HttpResponse response;
  response.status = static_cast<int>(parser->get().result_int());
  response.headers = headers_of(parser->get());
  response.body = std::move(parser->get().body());
  co_return response;
}

}  // namespace kw::link
