// Connections through a real CONNECT proxy on loopback, good and bad ones.
#include "common/link/proxy.hpp"

#include <doctest/doctest.h>

#include "tests/link/connect_proxy.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

using link::Proxy;
using Mode = ConnectProxy::Mode;

Task<Result<std::string>> dial_through(Endpoint at, Proxy proxy, Duration step) {
  auto link = co_await link::dial(at, good_client(), step, nullptr, proxy);
  if (!link) co_return std::move(link).error();
  auto answer = co_await echo(**link, "hello");
  co_await (*link)->close(1000, "done");
  co_return answer;
}

Task<Result<link::HttpResponse>> get_through(Endpoint at, Proxy proxy) {
  link::HttpRequest request;
  request.target = "/x";
  co_return co_await link::http_request(at, good_client(), request, 10s, proxy);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a proxy's address says where it is, who we are, and what is wrong with it") {
  const auto plain = Proxy::parse("http://proxy.example.org:3128");
  REQUIRE(plain);
  CHECK(plain->at.host == "proxy.example.org");
  CHECK(plain->at.port == 3128);
  CHECK(plain->user.empty());
  const auto full = Proxy::parse("http://ann:p%40ss%3a%2fword@[2001:db8::1]:8080/");
  REQUIRE(full);
  CHECK(full->at.text() == "[2001:db8::1]:8080");
  CHECK(full->user == "ann");
  CHECK(full->password == "p@ss:/word");
  CHECK(full->text() == "http://[2001:db8::1]:8080");
  for (const std::string bad :
       {"", "proxy:3128", "https://proxy:3128", "http://proxy", "http://:3128", "http://proxy:0",
        "http://proxy:99999", "http://proxy:3128/path", "http://proxy:3128?x", "http://a b:1",
        "http://u%3Av:opensesame@proxy:1", "http://u:opensesame%0d%0aX@proxy:1",
        "http://:opensesame@proxy:1"}) {
    CAPTURE(bad);
    const auto parsed = Proxy::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code() == Errc::invalid);
    CHECK_FALSE(has(parsed.error().text(), "opensesame"));
  }
}

TEST_CASE("a proxy elsewhere is not asked for this machine's own addresses") {
  const auto distant = *Proxy::parse("http://10.0.0.1:3128");
  const auto local = *Proxy::parse("http://127.0.0.1:3128");
  for (const std::string own : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.3.2.1:1"}) {
    CAPTURE(own);
    CHECK_FALSE(distant.serves(*Endpoint::parse(own)));
    CHECK(local.serves(*Endpoint::parse(own)));
  }
  CHECK(distant.serves(*Endpoint::parse("collector.example.org:7443")));
}

TEST_CASE("a WebSocket and a request go through a proxy, and TLS is with the collector") {
  Loop loop;
  Server server{loop};
  ConnectProxy proxy{loop.io};
  const auto through = *Proxy::parse(proxy.url());
  const auto echoed = loop.run(dial_through(server.at, through, 10s));
  REQUIRE_MESSAGE(static_cast<bool>(echoed), (echoed ? "" : echoed.error().text()));
  CHECK(*echoed == "hello");
  CHECK(proxy.tunnels() == 1);
  CHECK(has(proxy.last_request(), "CONNECT " + server.at.text() + " HTTP/1.1\r\n"));
  CHECK_FALSE(has(proxy.last_request(), "Proxy-Authorization"));
  const auto answer = loop.run(get_through(server.at, through));
  REQUIRE(answer);
  CHECK(answer->body == "GET /x ");
  CHECK(answer->headers.at("x-peer") == "good");
  CHECK(proxy.tunnels() == 2);
}

TEST_CASE("a collector that is not ours is refused through a proxy as well") {
  Loop loop;
  auto options = Server::options();
  options.own = foreign().server({"127.0.0.1"}, real_now(), 90 * identity::day);
  Server server{loop, options};
  ConnectProxy proxy{loop.io};
  const auto refused = loop.run(dial_through(server.at, *Proxy::parse(proxy.url()), 10s));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::refused);
  CHECK(refused.error().text().starts_with("TLS: "));
}

TEST_CASE("a proxy that wants credentials gets those that were given, or says so") {
  Loop loop;
  Server server{loop};
  ConnectProxy proxy{loop.io};
  proxy.demand("Basic YW5uOm9wZW46c2VzYW1l");  // ann:open:sesame
  const auto good = *Proxy::parse(proxy.url("ann:open%3Asesame@"));
  CHECK(loop.run(dial_through(server.at, good, 10s)));
  for (const char* given : {"", "ann:wrong@"}) {
    const auto refused = loop.run(dial_through(server.at, *Proxy::parse(proxy.url(given)), 10s));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::invalid);
    CHECK(has(refused.error().text(), "proxy " + proxy.at.text() + ": refused"));
    CHECK(has(refused.error().text(), "407"));
    CHECK_FALSE(has(refused.error().text(), "wrong"));
  }
  CHECK(server.host.links == 1);
}

TEST_CASE("whatever a proxy does, the error says that it was the proxy") {
  Loop loop;
  Server server{loop};
  struct Row {
    Mode mode;
    Errc code;
    std::string_view part;
  };
  const Row rows[] = {
      {Mode::hangs, Errc::timeout, "CONNECT: no answer within 200 ms"},
      {Mode::garbage, Errc::garbled, "not an HTTP proxy"},
      {Mode::endless, Errc::garbled, "not an HTTP proxy"},
      {Mode::closes, Errc::disconnected, "closed by the other end"},
      {Mode::talks, Errc::garbled, "before the handshake"},
      {Mode::unable, Errc::disconnected, "502 Bad Gateway: it cannot reach 127.0.0.1"},
      {Mode::forbids, Errc::unsupported, "403 Forbidden"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.part);
    ConnectProxy proxy{loop.io};
    proxy.mode(row.mode);
    const auto step = row.mode == Mode::hangs ? Duration{200ms} : Duration{10s};
    const auto failed = loop.run(dial_through(server.at, *Proxy::parse(proxy.url()), step));
    REQUIRE_FALSE(failed);
    INFO(failed.error().text());
    CHECK(failed.error().code() == row.code);
    CHECK(failed.error().text().starts_with("proxy " + proxy.at.text() + ": "));
    CHECK(has(failed.error().text(), row.part));
  }
  CHECK(server.host.links == 0);
}

TEST_CASE("a proxy that is not there is told from a collector that is not there") {
  Loop loop;
  Server server{loop};
  Endpoint nobody;
  {
    const ConnectProxy gone{loop.io};
    nobody = gone.at;
  }
  loop.settle(10ms);
  Proxy absent;
  absent.at = nobody;
  const auto failed = loop.run(dial_through(server.at, absent, 10s));
  REQUIRE_FALSE(failed);
  CHECK(has(failed.error().text(), "proxy " + nobody.text() + ": connect"));
  ConnectProxy proxy{loop.io};
  const auto beyond = loop.run(dial_through(nobody, *Proxy::parse(proxy.url()), 10s));
  REQUIRE_FALSE(beyond);
  CHECK(has(beyond.error().text(), "it cannot reach " + nobody.text()));
}

}  // namespace kw::link_test
