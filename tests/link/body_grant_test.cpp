// How much of a request's body is taken is decided by its head.
#include <doctest/doctest.h>

#include "common/link/connect.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

constexpr std::size_t granted = 200 * 1024;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Grants much under /big, turns /no away.
struct Desk {
  explicit Desk(Server& server) {
    server.host.grants = [this](const link::HttpRequest& head) {
      ++asked;
      CHECK(head.body.empty());
      link::BodyGrant out;
      if (head.target == "/big") {
        out.bytes = granted;
        out.seat = std::shared_ptr<void>{nullptr, [this](void*) { ++left; }};
      }
      if (head.target == "/no") {
        out.instead.emplace();
        out.instead->status = 503;
        out.instead->headers["retry-after"] = "7";
      }
      return out;
    };
  }
  int asked = 0;
  int left = 0;
};

int status(Loop& loop, const Server& server, const std::string& target, std::size_t bytes) {
  link::HttpRequest request{"PUT", target, {}, std::string(bytes, 'x'), {}};
  const auto answer = loop.run(link::http_request(server.at, good_client(), request, 10s));
  REQUIRE(answer);
  return answer->status;
}

/// Writes the bytes over TLS and reads until the server closes.
Task<std::string> raw(Endpoint at, std::string bytes) {
  auto stream = co_await link::connect_tls(at, good_client(), 5s);
  if (!stream) co_return "no connection";
  link::TlsBytes pipe{*stream};
  co_await link::write_all(pipe, bytes);
  std::string got;
  for (;;) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) co_return got;
  }
}

}  // namespace

TEST_CASE("a body as long as was granted is taken, one more byte is not") {
  Loop loop;
  Server server{loop};
  Desk desk{server};
  CHECK(status(loop, server, "/big", granted) == 200);
  CHECK(status(loop, server, "/big", granted + 1) == 413);
  loop.until([&] { return desk.left == 2; });
  CHECK(server.host.answers == 1);
}

TEST_CASE("without a word a body is as long as a frame") {
  Loop loop;
  Server server{loop};
  Desk desk{server};
  CHECK(status(loop, server, "/small", link::frame_limit) == 200);
  CHECK(status(loop, server, "/small", link::frame_limit + 1) == 413);
  CHECK(desk.asked == 2);
}

TEST_CASE("a request without a body is not asked about") {
  Loop loop;
  Server server{loop};
  Desk desk{server};
  CHECK(status(loop, server, "/no", 0) == 200);
  CHECK(desk.asked == 0);
}

TEST_CASE("a body in chunks is cut off where the grant ends") {
  Loop loop;
  Server server{loop};
  Desk desk{server};
  const std::string head = "PUT /big HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string most(granted, 'x');
  const auto chunk = [](const std::string& of) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx", of.size());
    return std::string{size} + "\r\n" + of + "\r\n";
  };
  CHECK(has(loop.run(raw(server.at, head + chunk(most) + chunk("y"))), "HTTP/1.1 413"));
  CHECK(server.host.answers == 0);
}

TEST_CASE("who is turned away by the head hears it before sending the body") {
  Loop loop;
  Server server{loop};
  Desk desk{server};
  const auto got = loop.run(raw(server.at,
                                "PUT /no HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                                "Expect: 100-continue\r\n\r\n"));
  CHECK(has(got, "HTTP/1.1 503"));
  CHECK(has(got, "retry-after: 7"));
  CHECK_FALSE(has(got, "100 Continue"));
  CHECK(server.host.answers == 0);
}

}  // namespace kw::link_test
