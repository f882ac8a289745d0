// Plain HTTP: server, client, and their limits.
#include "common/link/http.hpp"

#include <doctest/doctest.h>

#include "common/link/connect.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Answers with what it was asked.
struct Site {
  explicit Site(Loop& l, link::HttpLimits limits = {})
      : loop(l),
        server(
            l.io.get_executor(), [this](link::HttpRequest r) { return answer(std::move(r)); },
            limits) {
    auto bound = server.listen(Endpoint{"127.0.0.1", 0});
    REQUIRE(bound);
    at = *bound;
  }

  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() {
    server.stop();
    loop.settle(10ms);
  }

  Task<link::HttpResponse> answer(link::HttpRequest request) {
    ++asked;
    if (request.target == "/throw") throw std::runtime_error{"on purpose"};
    link::HttpResponse response;
    if (request.target == "/none") response.status = 204;
    response.headers["X-Remote"] = request.remote;
    response.headers["X-Evil"] = "a\r\nX-Injected: yes";
    response.body = request.method + "|" + request.target + "|" + request.body;
    if (const auto it = request.headers.find("x-test"); it != request.headers.end()) {
      response.body += "|" + it->second;
    }
    co_return response;
  }

  Loop& loop;
  link::HttpServer server;
  Endpoint at;
  int asked = 0;
};

/// Writes the bytes and reads until the server closes (or `least` bytes came).
Task<std::string> raw(Endpoint at, std::string bytes, std::size_t least = 1 << 30) {
  auto socket = co_await link::connect_tcp(at, 5s);
  if (!socket) co_return "no connection";
  link::PlainBytes pipe{*socket};
  // A refusal may come before all is written: what was answered counts.
  co_await link::write_all(pipe, bytes);
  std::string got;
  while (got.size() < least) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) break;
  }
  co_return got;
}

/// The same in pieces, each of which the server has met before the next is sent.
Task<std::string> in_pieces(Endpoint at, std::vector<std::string> pieces) {
  auto socket = co_await link::connect_tcp(at, 5s);
  if (!socket) co_return "no connection";
  link::PlainBytes pipe{*socket};
  for (const auto& piece : pieces) {
    co_await link::write_all(pipe, piece);
    co_await sleep_for(20ms);
  }
  std::string got;
  for (;;) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) break;
  }
  co_return got;
}

int count(const std::string& text, std::string_view part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a request is answered") {
  Loop loop;
  Site site{loop};
  link::HttpRequest request;
  request.method = "PUT";
  request.target = "/a?b=c";
  request.headers["X-Test"] = "value";
  request.body = "payload";
  const auto response = loop.run(link::http_request(site.at, nullptr, request, 5s));
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "PUT|/a?b=c|payload|value");
  CHECK(has(response->headers.at("x-remote"), "127.0.0.1:"));
  CHECK_FALSE(response->headers.contains("x-injected"));
}

TEST_CASE("a connection is kept for further requests, pipelined ones too") {
  Loop loop;
  Site site{loop};
  const auto got = loop.run(raw(site.at,
                                "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  CHECK(count(got, "HTTP/1.1 200") == 3);
  CHECK(has(got, "GET|/1|"));
  CHECK(has(got, "GET|/3|"));
  CHECK(count(got, "Connection: keep-alive") == 2);
}

TEST_CASE("HTTP/1.0 is answered and closed") {
  Loop loop;
  Site site{loop};
  const auto got = loop.run(raw(site.at, "GET / HTTP/1.0\r\n\r\n"));
  CHECK(has(got, "HTTP/1.1 200"));
  CHECK(has(got, "Connection: close"));
}

TEST_CASE("an empty chunked body may come byte by byte, and ends no program") {
  Loop loop;
  Site site{loop};
  const std::vector<std::string> pieces{
      "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", "0",
      "\r\n", "\r", "\n"};
  const auto got = loop.run(in_pieces(site.at, pieces));
  CHECK(has(got, "200 OK"));
  CHECK(has(got, "POST|/x|"));
}

TEST_CASE("HEAD gets the head alone, 204 no body at all") {
  Loop loop;
  Site site{loop};
  const auto head = loop.run(raw(site.at, "HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n"));
  CHECK(has(head, "Content-Length: 8\r\n"));
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
  const auto none = loop.run(raw(site.at, "GET /none HTTP/1.1\r\nConnection: close\r\n\r\n"));
  CHECK(has(none, "HTTP/1.1 204"));
  CHECK_FALSE(has(none, "Content-Length"));
  link::HttpRequest request;
  request.method = "HEAD";
  const auto response = loop.run(link::http_request(site.at, nullptr, request, 5s));
  REQUIRE(response);
  CHECK(response->body.empty());
}

TEST_CASE("a client that expects 100-continue gets it, another expectation fails") {
  Loop loop;
  Site site{loop};
  const auto talk = [&]() -> Task<std::string> {
    auto socket = co_await link::connect_tcp(site.at, 5s);
    REQUIRE(socket);
    link::PlainBytes pipe{*socket};
    auto failed = co_await link::write_all(
        pipe, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    char chunk[4096];
    const auto first = co_await pipe.read_some(asio::buffer(chunk));
    std::string got(chunk, first.n);
    CHECK(got == "HTTP/1.1 100 Continue\r\n\r\n");
    failed = co_await link::write_all(pipe, "body");
    CHECK_FALSE(failed);
    const auto second = co_await pipe.read_some(asio::buffer(chunk));
    co_return std::string(chunk, second.n);
  };
  CHECK(has(loop.run(talk()), "POST|/|body"));
  const auto odd =
      loop.run(raw(site.at, "POST / HTTP/1.1\r\nExpect: tea\r\nContent-Length: 4\r\n\r\n"));
  CHECK(has(odd, "HTTP/1.1 417"));
}

TEST_CASE("too long a header is answered 431, too long a body 413, nonsense 400") {
  Loop loop;
  Site site{loop};
  const auto header =
      loop.run(raw(site.at, "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"));
  CHECK(has(header, "HTTP/1.1 431"));
  CHECK(has(header, "application/problem+json"));
  CHECK(has(header, "\"status\":431"));
  const auto target = loop.run(raw(site.at, "GET /" + std::string(20'000, 'x')));
  CHECK(has(target, "HTTP/1.1 431"));
  const auto announced =
      loop.run(raw(site.at, "POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n"));
  CHECK(has(announced, "HTTP/1.1 413"));
  const auto chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" +
                       std::string(0x100001, 'x') + "\r\n0\r\n\r\n";
  CHECK(has(loop.run(raw(site.at, chunked)), "HTTP/1.1 413"));
  CHECK(has(loop.run(raw(site.at, "nonsense\r\n\r\n")), "HTTP/1.1 400"));
  CHECK(has(loop.run(raw(site.at, "GET / HTTP/9.9\r\n\r\n")), "HTTP/1.1 400"));
  const auto both = "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!";
  CHECK(has(loop.run(raw(site.at, both)), "HTTP/1.1 400"));
  const auto smuggled =
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  CHECK(has(loop.run(raw(site.at, smuggled)), "HTTP/1.1 400"));
  CHECK(site.asked == 0);
}

TEST_CASE("a body of exactly 1 MiB passes both ways") {
  Loop loop;
  Site site{loop};
  link::HttpRequest request;
  request.method = "POST";
  request.body = std::string(link::http_body_limit, 'y');
  const auto over = loop.run(link::http_request(site.at, nullptr, request, 10s));
  // The echo adds a few bytes: the server took the whole, the client refuses the longer answer.
  CHECK(site.asked == 1);
  CHECK(over.error().code() == Errc::garbled);
  request.body.resize(link::http_body_limit - 100);
  const auto fits = loop.run(link::http_request(site.at, nullptr, request, 10s));
  REQUIRE(fits);
  CHECK(fits->body.size() == request.body.size() + 7);
}

TEST_CASE("a handler that throws costs its request, not the server") {
  Loop loop;
  Site site{loop};
  CHECK(has(loop.run(raw(site.at, "GET /throw HTTP/1.1\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 500"));
  CHECK(
      has(loop.run(raw(site.at, "GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 200"));
}

TEST_CASE("a request that arrives too slowly is cut") {
  Loop loop;
  link::HttpLimits limits;
  limits.request = 100ms;
  limits.idle = 100ms;
  Site site{loop, limits};
  CHECK(loop.run(raw(site.at, "GET / HT")).empty());
  CHECK(loop.run(raw(site.at, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")).empty());
  // An idle connection is ended after its time, not before its answer.
  const auto idle = loop.run(raw(site.at, "GET / HTTP/1.1\r\n\r\n"));
  CHECK(count(idle, "HTTP/1.1 200") == 1);
}

TEST_CASE("connections over the limit are answered 503") {
  Loop loop;
  link::HttpLimits limits;
  limits.connections = 3;
  Site site{loop, limits};
  std::vector<asio::ip::tcp::socket> held;
  for (int i = 0; i < 3; ++i) {
    auto socket = loop.run(link::connect_tcp(site.at, 5s));
    REQUIRE(socket);
    held.push_back(std::move(*socket));
  }
  loop.settle(20ms);
  CHECK(has(loop.run(raw(site.at, "GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 503"));
  held.clear();
  loop.settle(50ms);
  CHECK(has(loop.run(raw(site.at, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 200"));
}

TEST_CASE("a stopped server closes its connections; a client reports what failed") {
  Loop loop;
  Site site{loop};
  auto socket = loop.run(link::connect_tcp(site.at, 5s));
  REQUIRE(socket);
  loop.settle(20ms);
  site.server.stop();
  link::PlainBytes pipe{*socket};
  char chunk[10];
  const auto moved = loop.run(pipe.read_some(asio::buffer(chunk)));
  CHECK(moved.ec);
  const link::HttpRequest request;
  const auto gone = loop.run(link::http_request(site.at, nullptr, request, 2s));
  CHECK(has(gone.error().text(), "connect"));
  link::HttpRequest split;
  split.target = "/ HTTP/1.1\r\nX: y";
  CHECK(loop.run(link::http_request(site.at, nullptr, split, 2s)).error().code() == Errc::invalid);
}

TEST_CASE("a server that never answers is given up after the limit") {
  Loop loop;
  asio::ip::tcp::acceptor mute{loop.io, asio::ip::tcp::endpoint{asio::ip::tcp::v4(), 0}};
  const Endpoint at{"127.0.0.1", mute.local_endpoint().port()};
  const link::HttpRequest request;
  const auto late = loop.run(link::http_request(at, nullptr, request, 100ms));
  CHECK(late.error().code() == Errc::timeout);
}

}  // namespace kw::link_test
