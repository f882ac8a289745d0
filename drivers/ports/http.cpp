#include "drivers/ports/http.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <fmt/format.h>

namespace kw::drivers {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::vector_body<std::uint8_t>>;

constexpr std::size_t largest_header = 16 * 1024;
/// "100 Continue" and its like before the answer proper.
constexpr int most_prefaces = 4;

Error garbled(std::string_view what) {
  return Error{Errc::garbled, fmt::format("not an HTTP answer: {}", what)};
}

/// Whether it may still become an answer. The parser waits for the end of a line, which another
/// protocol may never send.
bool begins_an_answer(const std::vector<std::uint8_t>& in) {
  constexpr std::string_view start = "HTTP/1.";
  const auto size = std::min(in.size(), start.size());
  return std::equal(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(size), start.begin());
}

/// Feeds what has arrived; whether the message is whole.
Result<bool> feed(Parser& parser, std::vector<std::uint8_t>& in) {
  if (!parser.got_some() && !begins_an_answer(in)) return garbled("it does not begin as one");
  while (!in.empty() && !parser.is_done()) {
    boost::system::error_code bad;
    const auto used = parser.put(boost::asio::buffer(in), bad);
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(used));
    if (bad == http::error::need_more) break;
    if (bad) return garbled(bad.message());
    if (used == 0) break;
  }
  return parser.is_done();
}

}  // namespace

/// What was seen of the other end during one exchange.
struct HttpPort::Exchange {
  bool answering = false;  ///< at least one byte came back
  bool keeps = false;      ///< the connection may carry another request
};

HttpPort::HttpPort(std::unique_ptr<Port> wire, Connect connect, Target target)
    : connect_(std::move(connect)), target_(std::move(target)), wire_(std::move(wire)) {}

Result<HttpAnswer> HttpPort::post(std::string_view type, std::span<const std::uint8_t> body,
                                  MonoTime deadline) {
  // No "Expect: 100-continue": the body is short, and it would cost a turn.
  const auto head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: kioskwatch\r\nContent-Type: {}\r\n"
      "Content-Length: {}\r\nAccept: {}\r\nAccept-Encoding: identity\r\n\r\n",
      target_.path, target_.host, type, body.size(), type);
  std::vector<std::uint8_t> request{head.begin(), head.end()};
  request.insert(request.end(), body.begin(), body.end());
  return ask(request, deadline);
}

Result<HttpAnswer> HttpPort::get(MonoTime deadline) {
  const auto head = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: kioskwatch\r\nAccept: */*\r\n"
      "Accept-Encoding: identity\r\n\r\n",
      target_.path, target_.host);
  const std::vector<std::uint8_t> request{head.begin(), head.end()};
  return ask(request, deadline);
}

Result<HttpAnswer> HttpPort::ask(std::span<const std::uint8_t> request, MonoTime deadline) {
  if (connection_ == Connection::spoilt) {
    auto connected = connect_again(deadline);
    if (!connected) return std::move(connected).error();
  }
  const bool kept = connection_ == Connection::kept;
  connection_ = Connection::spoilt;  // until an answer has been read to its end
  if (kept) wire_->discard();
  Exchange seen;
  auto answer = exchange(request, seen, deadline);
  const bool was_closed = !answer && answer.error().code() == Errc::disconnected && !seen.answering;
  if (kept && was_closed) {
    auto connected = connect_again(deadline);
    if (!connected) return std::move(connected).error();
    answer = exchange(request, seen, deadline);
  }
  if (answer && seen.keeps) connection_ = Connection::kept;
  return answer;
}

Result<HttpAnswer> HttpPort::exchange(std::span<const std::uint8_t> request, Exchange& seen,
                                      MonoTime deadline) {
  auto sent = wire_->write(request, deadline);
  if (!sent) return std::move(sent).error();
  std::vector<std::uint8_t> in;
  std::array<std::uint8_t, 4096> chunk{};
  for (int preface = 0; preface <= most_prefaces; ++preface) {
    Parser parser;
    parser.eager(true);
    parser.header_limit(largest_header);
    parser.body_limit(largest_answer);
    for (;;) {
      auto whole = feed(parser, in);
      if (!whole) return std::move(whole).error();
      if (*whole) break;
      // A port hands over what is there however late it is: who never ends is left here.
      if (seen.answering && wire_->now() >= deadline) {
        return Error{Errc::timeout, target_.uri + ": the answer does not end"};
      }
      auto got = wire_->read(chunk, deadline);
      if (got) {
        seen.answering = true;
        in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
        continue;
      }
      if (got.error().code() != Errc::disconnected || !parser.is_header_done()) {
        return std::move(got).error();
      }
      // An answer without a length ends with the connection; any other is cut short.
      boost::system::error_code cut;
      parser.put_eof(cut);
      if (cut) return std::move(got).error();
      break;
    }
    auto& message = parser.get();
    const auto status = message.result_int();
    if (status < 100) return garbled(fmt::format("status {:03}", status));
    if (status < 200 && status != 101) continue;
    // Bytes behind an answer belong to nothing that was asked.
    seen.keeps = parser.keep_alive() && in.empty();
    return HttpAnswer{static_cast<int>(status), std::string{message[http::field::content_type]},
                      std::move(message.body())};
  }
  return garbled("only interim answers");
}

Result<void> HttpPort::connect_again(MonoTime deadline) {
  auto next = connect_(deadline);
  if (!next) return std::move(next).error();
  const std::lock_guard lock{mutex_};
  if (cancelled_) return Error{Errc::disconnected, target_.uri + ": cancelled"};
  wire_ = std::move(*next);
  return {};
}

void HttpPort::cancel() noexcept {
  const std::lock_guard lock{mutex_};
  cancelled_ = true;
  wire_->cancel();
}

Result<void> HttpPort::write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, target_.uri + ": carries requests, not bytes"};
}

Result<std::size_t> HttpPort::read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, target_.uri + ": carries requests, not bytes"};
}

Result<std::unique_ptr<Port>> open_http(const PortAddress& address, HttpPort::Connect connect,
                                        MonoTime deadline) {
  auto wire = connect(deadline);
  if (!wire) return std::move(wire).error();
  const bool v6 = address.host.find(':') != std::string::npos;
  const auto host =
      fmt::format("{}:{}", v6 ? "[" + address.host + "]" : address.host, address.port);
  HttpPort::Target target{address.scheme + "://" + host + address.path, host, address.path};
  return std::unique_ptr<Port>{
      std::make_unique<HttpPort>(std::move(*wire), std::move(connect), std::move(target))};
}

}  // namespace kw::drivers
