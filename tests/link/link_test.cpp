// The link against a real TLS peer on loopback.
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include "common/identity/authority.hpp"
#include "common/link/connect.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

using link::ClientTls;
using link::ServerTls;

std::string failure(Result<std::string> result) {
  return result ? "none: " + *result : result.error().text();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What a hostile or broken kiosk would send: bytes of our choice over good TLS.
Task<Result<std::string>> talk_raw(Endpoint at, std::shared_ptr<const ClientTls> tls,
                                   std::string bytes, std::size_t least) {
  auto stream = co_await link::connect_tls(at, tls, 10s);
  if (!stream) co_return std::move(stream).error();
  link::TlsBytes pipe{*stream};
  const auto failed = co_await link::write_all(pipe, bytes);
  if (failed) co_return link::error_of(failed, "write");
  std::string got;
  while (got.size() < least) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) break;
  }
  co_return got;
}

const std::string upgrade_request =
    "GET /agent HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: kioskwatch.v1\r\n\r\n";

/// A kiosk that upgrades properly and then sends `frame` as it stands.
Task<Result<std::string>> send_raw_frame(Endpoint at, std::shared_ptr<const ClientTls> tls,
                                         std::string frame, bool listen) {
  auto stream = co_await link::connect_tls(at, tls, 10s);
  if (!stream) co_return std::move(stream).error();
  link::TlsBytes pipe{*stream};
  auto failed = co_await link::write_all(pipe, upgrade_request);
  std::string got;
  while (!failed && !has(got, "\r\n\r\n")) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    failed = moved.ec;
  }
  if (failed || !has(got, "101 Switching")) co_return Error{Errc::refused, got};
  failed = co_await link::write_all(pipe, frame);
  if (failed) co_return link::error_of(failed, "write");
  got.clear();
  while (listen) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) break;
  }
  co_return got;
}

std::string client_frame(unsigned char opcode, std::uint64_t length, const std::string& payload) {
  std::string frame;
  frame += static_cast<char>(0x80 | opcode);
  if (length < 126) {
    frame += static_cast<char>(0x80 | length);
  } else if (length < 65'536) {
    frame += static_cast<char>(0x80 | 126);
    for (int shift = 8; shift >= 0; shift -= 8) frame += static_cast<char>(length >> shift & 255);
  } else {
    frame += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(length >> shift & 255);
  }
  frame.append(4, '\0');  // a mask of zeros leaves the payload as it is
  return frame + payload;
}

}  // namespace

TEST_CASE("a kiosk and a collector exchange messages over mutual TLS") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  auto link = loop.run(link::dial(server.at, tls));
  REQUIRE_MESSAGE(link, link.error().text());
  CHECK((*link)->peer().common_name == "127.0.0.1");
  for (const std::size_t size : {0U, 1U, 125U, 126U, 255U, 256U, 257U, 1500U, 16384U, 65535U}) {
    auto answer = loop.run(echo(**link, std::string(size, 'x')));
    REQUIRE(answer);
    CHECK(*answer == std::string(size, 'x'));
  }
  REQUIRE(server.host.admitted.size() == 1);
  const auto& peer = server.host.admitted.front();
  CHECK(peer.present);
  CHECK(peer.chain_ok);
  CHECK_FALSE(peer.expired);
  CHECK_FALSE(peer.resumed);
  CHECK(peer.common_name == "SZ-0001");
  CHECK(peer.uri == "spiffe://kioskwatch/agent/SZ-0001");
  CHECK(peer.serial.size() == 32);
  CHECK_FALSE(peer.der.empty());
  CHECK(server.listener->connections() == 1);
  loop.run((*link)->close(1000, "done"));
  loop.until([&] { return server.listener->connections() == 0; });
}

TEST_CASE("a message of exactly 64 KiB passes, a longer one is not sent") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  std::string frame(link::frame_limit, '\0');
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<char>(i * 31);
  const auto answer = loop.run(echo(**link, frame));
  REQUIRE(answer);
  CHECK(*answer == frame);
  const auto sent = loop.run((*link)->send(std::string(link::frame_limit + 1, 'x')));
  CHECK(sent.error().code() == Errc::invalid);
}

TEST_CASE("a peer that sends a longer frame is closed with 1009") {
  Loop loop;
  Server server{loop};
  const auto frame = client_frame(2, 70'000, std::string(70'000, 'x'));
  const auto got = loop.run(send_raw_frame(server.at, good_client(), frame, true));
  REQUIRE(got);
  CHECK(got->substr(0, 4) == std::string{"\x88\x02\x03\xf1"});
  loop.until([&] { return server.host.ended == 1; });
  CHECK(server.host.last_end->code() == Errc::garbled);
}

TEST_CASE("a peer that sends text is closed with 1003") {
  Loop loop;
  Server server{loop};
  const auto frame = client_frame(1, 5, "hello");
  const auto got = loop.run(send_raw_frame(server.at, good_client(), frame, true));
  REQUIRE(got);
  CHECK(got->substr(0, 4) == std::string{"\x88\x02\x03\xeb"});
  loop.until([&] { return server.listener->connections() == 0; });
}

TEST_CASE("a message in pieces is put together, a ping between them answered") {
  Loop loop;
  Server server{loop};
  auto first = client_frame(2, 3, "abc");
  first[0] = '\x02';  // not the last piece
  auto empty = client_frame(0, 0, "");
  empty[0] = '\0';
  const auto frames = first + client_frame(9, 2, "hi") + empty + client_frame(0, 3, "def") +
                      client_frame(8, 2, "\x03\xe8");
  const auto got = loop.run(send_raw_frame(server.at, good_client(), frames, true));
  REQUIRE(got);
  CHECK(got->substr(0, 4) == "\x8a\x02hi");
  CHECK(got->substr(4, 8) ==
        "\x82\x06"
        "abcdef");
  CHECK(got->substr(12) == "\x88\x02\x03\xe8");
  loop.until([&] { return server.host.ended == 1; });
  CHECK(server.host.last_end->code() == Errc::disconnected);
}

TEST_CASE("pieces that add up to more than 64 KiB are closed with 1009") {
  Loop loop;
  Server server{loop};
  std::string frames;
  for (int i = 0; i < 3; ++i) {
    auto piece = client_frame(i == 0 ? 2 : 0, 30'000, std::string(30'000, 'x'));
    piece[0] = static_cast<char>(piece[0] & 0x7f);
    frames += piece;
  }
  const auto got = loop.run(send_raw_frame(server.at, good_client(), frames, true));
  REQUIRE(got);
  CHECK(got->substr(0, 4) == "\x88\x02\x03\xf1");
  loop.until([&] { return server.host.ended == 1; });
}

TEST_CASE("a peer that is killed in the middle of a frame is seen as disconnected") {
  Loop loop;
  Server server{loop};
  const auto half = client_frame(2, 5'000, std::string(1'000, 'x'));
  const auto got = loop.run(send_raw_frame(server.at, good_client(), half, false));
  REQUIRE(got);
  loop.until([&] { return server.host.ended == 1; });
  CHECK(server.host.last_end->code() == Errc::disconnected);
  CHECK(server.listener->connections() == 0);
}

TEST_CASE("many sends at once arrive in order, both directions at the same time") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  constexpr int many = 200;
  const auto sender = [&](int i) -> Task<void> {
    auto sent = co_await (*link)->send(std::to_string(i) + std::string(20'000, '.'));
    CHECK(sent);
  };
  for (int i = 0; i < many; ++i) spawn(loop.io.get_executor(), "sender", sender(i));
  for (int i = 0; i < many; ++i) {
    const auto answer = loop.run((*link)->receive());
    REQUIRE(answer);
    CHECK(answer->substr(0, answer->find('.')) == std::to_string(i));
  }
}

TEST_CASE("a cancelled receive loses no message") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  for (int i = 0; i < 5; ++i) {
    auto none = loop.run(with_deadline((*link)->receive(), 10ms));
    CHECK(none.error().code() == Errc::timeout);
    REQUIRE(loop.run((*link)->send(std::to_string(i))));
    loop.settle(20ms);
    const auto answer = loop.run((*link)->receive());
    REQUIRE(answer);
    CHECK(*answer == std::to_string(i));
  }
}

TEST_CASE("a close code reaches the other end, and what was queued before it too") {
  Loop loop;
  Server server{loop};
  server.host.served = [](Link& link) -> Task<void> {
    auto first = co_await link.receive();
    CHECK(first);
    // Not awaited one by one: the close waits for them.
    auto executor = co_await asio::this_coro::executor;
    const auto send = [](Link& l, int i) -> Task<void> {
      auto sent = co_await l.send(std::to_string(i));
      CHECK(sent);
    };
    for (int i = 0; i < 3; ++i) spawn(executor, "send", send(link, i));
    co_await asio::post(executor, asio::use_awaitable);
    co_await link.close(4003, "please enrol again");
  };
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  REQUIRE(loop.run((*link)->send("go")));
  for (int i = 0; i < 3; ++i) {
    const auto message = loop.run((*link)->receive());
    REQUIRE(message);
    CHECK(*message == std::to_string(i));
  }
  const auto end = loop.run((*link)->receive());
  CHECK(end.error().code() == Errc::disconnected);
  CHECK(has(end.error().text(), "please enrol again"));
  CHECK((*link)->close_code() == 4003);
  CHECK_FALSE(loop.run((*link)->send("late")));
  loop.until([&] { return server.host.ended == 1; });
}

TEST_CASE("closing a peer that does not answer takes two seconds at most") {
  Loop loop;
  Server server{loop};
  const SystemClock clock;
  Duration took{};
  server.host.served = [&](Link& link) -> Task<void> {
    const auto before = clock.mono();
    co_await link.close(4001, "bye");
    took = clock.mono() - before;
  };
  // Upgrades, then neither reads nor closes.
  std::optional<link::TlsStream> silent;
  const auto mute = [&]() -> Task<void> {
    auto stream = co_await link::connect_tls(server.at, good_client(), 10s);
    REQUIRE(stream);
    silent.emplace(std::move(*stream));
    link::TlsBytes pipe{*silent};
    auto failed = co_await link::write_all(pipe, upgrade_request);
    CHECK_FALSE(failed);
  };
  loop.run(mute());
  loop.until([&] { return server.host.ended == 1; });
  CHECK(took >= 1900ms);
  CHECK(took < 5s);
}

TEST_CASE("cutting a link ends its pending calls") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  std::optional<Result<std::string>> ended;
  const auto wait = [&]() -> Task<void> { ended = co_await (*link)->receive(); };
  spawn(loop.io.get_executor(), "wait", wait());
  loop.settle(20ms);
  (*link)->cut();
  loop.until([&] { return ended.has_value(); });
  CHECK(ended->error().code() == Errc::disconnected);
  CHECK(loop.run((*link)->send("late")).error().code() == Errc::disconnected);
}

TEST_CASE("a link and a listener may be destroyed while calls are pending") {
  Loop loop;
  {
    Server server{loop};
    auto link = loop.run(link::dial(server.at, good_client()));
    REQUIRE(link);
    const auto frame = std::string(60'000, 'x');
    spawn(loop.io.get_executor(), "send", [](Link& l, std::string f) -> Task<void> {
      auto sent = co_await l.send(std::move(f));
      (void)sent;
    }(**link, frame));
    spawn(loop.io.get_executor(), "receive", [](Link& l) -> Task<void> {
      auto got = co_await l.receive();
      (void)got;
    }(**link));
    loop.settle(1ms);
    link->reset();
    server.listener.reset();
    loop.until([&] { return server.host.ended == 1; });
  }
  loop.settle(20ms);
}

TEST_CASE("stopping a listener cuts its links and refuses new ones") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  server.listener->stop();
  const auto end = loop.run((*link)->receive());
  CHECK(end.error().code() == Errc::disconnected);
  const auto again = loop.run(link::dial(server.at, good_client(), 2s));
  CHECK(has(again.error().text(), "connect"));
  loop.until([&] { return server.listener->connections() == 0; });
}

TEST_CASE("a drained listener accepts no more but keeps its links") {
  Loop loop;
  Server server{loop};
  auto link = loop.run(link::dial(server.at, good_client()));
  REQUIRE(link);
  server.listener->stop_accepting();
  CHECK_FALSE(loop.run(link::dial(server.at, good_client(), 2s)));
  CHECK(loop.run(echo(**link, "still here")));
}

// ---- who may connect

TEST_CASE("a server of another CA is refused") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.trust_pem = foreign().root.certificate_pem;
  const auto result = loop.run(round_trip(server.at, client_tls(options)));
  CHECK(result.error().code() == Errc::refused);
  CHECK(has(failure(result), "TLS: signed by another CA"));
}

TEST_CASE("a server of another name is refused, by name and by address") {
  Loop loop;
  auto options = Server::options();
  options.own = ours().server({"collector.example"}, real_now(), identity::day);
  Server server{loop, options};
  const auto by_address = loop.run(round_trip(server.at, good_client()));
  CHECK(has(failure(by_address), "TLS: host name mismatch"));
  const Endpoint named{"localhost", server.at.port};
  const auto by_name = loop.run(round_trip(named, good_client()));
  CHECK(has(failure(by_name), "TLS: host name mismatch"));
  CHECK(by_name.error().code() == Errc::refused);
}

TEST_CASE("a name is resolved and checked") {
  Loop loop;
  Server server{loop};
  const Endpoint named{"localhost", server.at.port};
  CHECK(failure(loop.run(round_trip(named, good_client()))) == "none: hello");
}

TEST_CASE("an expired server is refused, unless dates are ignored") {
  Loop loop;
  auto options = Server::options();
  options.own = ours().server({"127.0.0.1"}, real_now() - 10 * identity::day, identity::day);
  Server server{loop, options};
  const auto strict = loop.run(round_trip(server.at, good_client()));
  CHECK(has(failure(strict), "TLS: certificate has expired (20"));
  auto lenient = client_options();
  lenient.ignore_dates = true;
  CHECK(failure(loop.run(round_trip(server.at, client_tls(lenient)))) == "none: hello");
  lenient.trust_pem = foreign().root.certificate_pem;
  const auto other = loop.run(round_trip(server.at, client_tls(lenient)));
  CHECK(has(failure(other), "TLS: signed by another CA"));
}

TEST_CASE("a server that is not valid yet is refused with a hint at the clock") {
  Loop loop;
  auto options = Server::options();
  options.own = ours().server({"127.0.0.1"}, real_now() + 10 * identity::day, identity::day);
  Server server{loop, options};
  CHECK(has(failure(loop.run(round_trip(server.at, good_client()))), "is the clock right?"));
}

TEST_CASE("a pin alone is trust enough, and only the right one") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.trust_pem.clear();
  options.pin_sha256 = ours().root_pin();
  CHECK(failure(loop.run(round_trip(server.at, client_tls(options)))) == "none: hello");
  options.pin_sha256 = foreign().root_pin();
  const auto wrong = loop.run(round_trip(server.at, client_tls(options)));
  CHECK(has(failure(wrong), "TLS: the pinned CA is not in the server's chain"));
  CHECK(wrong.error().code() == Errc::refused);
  options.pin_sha256 = "not hex";
  CHECK_FALSE(ClientTls::make(options));
}

TEST_CASE("a pinned root that only accompanies a foreign chain proves nothing") {
  Loop loop;
  auto options = Server::options();
  options.own = foreign().good_server();
  options.own.chain_pem += ours().root.certificate_pem;
  Server server{loop, options};
  auto pinned = client_options();
  pinned.trust_pem.clear();
  pinned.pin_sha256 = ours().root_pin();
  const auto result = loop.run(round_trip(server.at, client_tls(pinned)));
  CHECK(has(failure(result), "TLS: signed by another CA"));
}

TEST_CASE("a kiosk's certificate does not make a server") {
  Loop loop;
  auto options = Server::options();
  options.own = ours().good_kiosk();
  Server server{loop, options};
  CHECK(has(failure(loop.run(round_trip(server.at, good_client()))), "TLS: "));
  CHECK(server.host.links == 0);
}

TEST_CASE("a client certificate of another CA is refused and told so") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.own = foreign().good_kiosk();
  const auto result = loop.run(round_trip(server.at, client_tls(options)));
  CHECK(result.error().code() == Errc::refused);
  CHECK(has(failure(result), "refused our certificate"));
  CHECK(server.host.admitted.empty());
}

TEST_CASE("a client without a certificate gets answers, no link") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.own = {};
  const auto tls = client_tls(options);
  link::HttpRequest request;
  request.method = "POST";
  request.target = "/.well-known/est/simpleenroll";
  request.body = "csr";
  const auto answer = loop.run(link::http_request(server.at, tls, request, 10s));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->headers.at("x-peer") == "none");
  CHECK(answer->body == "POST /.well-known/est/simpleenroll csr");
  const auto link = loop.run(link::dial(server.at, tls));
  CHECK(has(link.error().text(), "WebSocket: refused with HTTP status 200"));
  CHECK(server.host.links == 0);
  CHECK(server.host.answers == 2);
  CHECK_FALSE(server.host.admitted.front().present);
}

TEST_CASE("a client whose certificate has expired gets answers, no link") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.own = ours().kiosk("SZ-0002", real_now() - 10 * identity::day, identity::day);
  const auto tls = client_tls(options);
  link::HttpRequest request;
  request.target = "/.well-known/est/simplereenroll";
  const auto answer = loop.run(link::http_request(server.at, tls, request, 10s));
  REQUIRE_MESSAGE(answer, answer.error().text());
  CHECK(answer->headers.at("x-peer") == "expired");
  CHECK_FALSE(loop.run(link::dial(server.at, tls)));
  CHECK(server.host.links == 0);
  CHECK(server.host.admitted.front().expired);
  CHECK(server.host.admitted.front().chain_ok);
}

TEST_CASE("a certificate expires by the collector's clock, at notAfter exactly") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.resume = false;
  options.own = ours().kiosk("SZ-0003", real_now(), identity::day);
  const auto tls = client_tls(options);
  CHECK(loop.run(round_trip(server.at, tls)));
  const auto until = server.host.admitted.back().not_after;
  server.clock.set(until - 1s);
  CHECK(loop.run(round_trip(server.at, tls)));
  CHECK_FALSE(server.host.admitted.back().expired);
  server.clock.set(until);
  CHECK_FALSE(loop.run(round_trip(server.at, tls)));
  CHECK(server.host.admitted.back().expired);
}

TEST_CASE("whom the host does not admit is told why and closed") {
  Loop loop;
  Server server{loop};
  server.host.judge = [](const link::PeerCertificate&) {
    return std::optional{link::Refusal{"revoked", "the certificate was withdrawn", {}}};
  };
  std::optional<link::Refusal> said;
  const auto revoked = loop.run(link::dial(server.at, good_client(), 10s, &said));
  CHECK(revoked.error().code() == Errc::refused);
  CHECK(revoked.error().text() ==
        "WebSocket: refused with HTTP status 403 (revoked): the certificate was withdrawn");
  REQUIRE(said);
  CHECK(said->code == "revoked");
  CHECK_FALSE(said->retry_after);
  server.host.judge = [](const link::PeerCertificate&) {
    return std::optional{link::Refusal{"busy", "too many kiosks at once", 1500ms}};
  };
  const auto busy = loop.run(link::dial(server.at, good_client(), 10s, &said));
  CHECK(busy.error().code() == Errc::busy);
  REQUIRE(said);
  CHECK(said->code == "busy");
  CHECK(said->retry_after == Duration{1500ms});
  link::HttpRequest request;
  const auto plain = loop.run(link::http_request(server.at, good_client(), request, 10s));
  REQUIRE(plain);
  CHECK(plain->status == 503);
  CHECK(plain->headers.at("retry-after") == "2");
  CHECK(server.host.links == 0);
  CHECK(server.host.answers == 0);
}

TEST_CASE("a good kiosk's other requests are answered over HTTP") {
  Loop loop;
  Server server{loop};
  link::HttpRequest request;
  request.target = "/agent";  // the path alone makes no link
  const auto answer = loop.run(link::http_request(server.at, good_client(), request, 10s));
  REQUIRE(answer);
  CHECK(answer->headers.at("x-peer") == "good");
  CHECK(server.host.links == 0);
}

// ---- strangers

TEST_CASE("garbage on the port stops nobody else") {
  Loop loop;
  Server server{loop};
  const auto throw_garbage = [&](std::string bytes) -> Task<void> {
    auto socket = co_await link::connect_tcp(server.at, 5s);
    REQUIRE(socket);
    link::PlainBytes pipe{*socket};
    auto failed = co_await link::write_all(pipe, bytes);
    char chunk[512];
    while (!failed) {
      const auto moved = co_await pipe.read_some(asio::buffer(chunk));
      failed = moved.ec;
    }
  };
  loop.run(throw_garbage("GET / HTTP/1.1\r\n\r\n"));
  loop.run(throw_garbage(std::string(5'000, '\xff')));
  loop.run(throw_garbage(std::string("\x16\x03\x01\x40\x00", 5) + std::string(20'000, 'x')));
  CHECK(failure(loop.run(round_trip(server.at, good_client()))) == "none: hello");
  const auto http =
      loop.run(talk_raw(server.at, good_client(), "\x01\x02\x03 nonsense\r\n\r\n", 12));
  REQUIRE(http);
  CHECK(http->substr(0, 12) == "HTTP/1.1 400");
  CHECK(failure(loop.run(round_trip(server.at, good_client()))) == "none: hello");
}

TEST_CASE("a client that does not shake hands is cut at the limit") {
  Loop loop;
  link::ListenerLimits limits;
  limits.handshake = 150ms;
  Server server{loop, limits};
  auto socket = loop.run(link::connect_tcp(server.at, 5s));
  REQUIRE(socket);
  loop.until([&] { return server.listener->connections() == 1; });
  loop.until([&] { return server.listener->connections() == 0; });
}

TEST_CASE("a client that sends its request too slowly is cut at the limit") {
  Loop loop;
  link::ListenerLimits limits;
  limits.request = 150ms;
  Server server{loop, limits};
  const auto dribble = [&]() -> Task<int> {
    auto stream = co_await link::connect_tls(server.at, good_client(), 5s);
    REQUIRE(stream);
    link::TlsBytes pipe{*stream};
    int written = 0;
    for (; written < 100; ++written) {
      const auto failed = co_await link::write_all(pipe, "G");
      if (failed) break;
      co_await sleep_for(20ms);
    }
    co_return written;
  };
  CHECK(loop.run(dribble()) < 60);
  loop.until([&] { return server.listener->connections() == 0; });
}

TEST_CASE("a crowd of handshakes waits its turn and none is lost") {
  Loop loop;
  link::ListenerLimits limits;
  limits.handshakes = 2;
  Server server{loop, limits};
  const auto tls = good_client();
  int good = 0;
  const auto one = [&]() -> Task<void> {
    auto result = co_await round_trip(server.at, tls);
    if (result) ++good;
  };
  for (int i = 0; i < 30; ++i) spawn(loop.io.get_executor(), "one", one());
  loop.until([&] { return good == 30; });
}

TEST_CASE("dialling names the step that failed") {
  Loop loop;
  const auto tls = good_client();
  const auto nobody = loop.run(link::dial(Endpoint{"127.0.0.1", 1}, tls, 2s));
  CHECK(has(nobody.error().text(), "connect 127.0.0.1:1: "));
  const auto nowhere = loop.run(link::dial(Endpoint{"no-such-host.invalid", 1}, tls, 5s));
  CHECK(has(nowhere.error().text(), "resolve no-such-host.invalid: "));
  // Accepts and says nothing.
  asio::ip::tcp::acceptor mute{loop.io, asio::ip::tcp::endpoint{asio::ip::tcp::v4(), 0}};
  const Endpoint at{"127.0.0.1", mute.local_endpoint().port()};
  const auto silent = loop.run(link::dial(at, tls, 100ms));
  CHECK(silent.error().code() == Errc::timeout);
  CHECK(has(silent.error().text(), "TLS: no answer within 100 ms"));
}

TEST_CASE("a cancelled dial ends at once") {
  Loop loop;
  asio::ip::tcp::acceptor mute{loop.io, asio::ip::tcp::endpoint{asio::ip::tcp::v4(), 0}};
  const Endpoint at{"127.0.0.1", mute.local_endpoint().port()};
  const SystemClock clock;
  const auto before = clock.mono();
  const auto result = loop.run(with_deadline(link::dial(at, good_client()), 50ms));
  CHECK(result.error().code() == Errc::timeout);
  CHECK(clock.mono() - before < 5s);
}

TEST_CASE("new certificates serve new connections") {
  Loop loop;
  Server server{loop};
  const auto kept = loop.run(link::dial(server.at, good_client()));
  REQUIRE(kept);
  auto options = Server::options();
  options.own = foreign().good_server();
  server.listener->use(server_tls(options, server.clock));
  CHECK(has(failure(loop.run(round_trip(server.at, good_client()))), "signed by another CA"));
  CHECK(loop.run(echo(**kept, "still")));
}

TEST_CASE("endpoints are read and written") {
  CHECK(Endpoint::parse("a.example:443")->host == "a.example");
  CHECK(Endpoint::parse("[::1]:8443")->host == "::1");
  CHECK(Endpoint::parse("[::1]:8443")->text() == "[::1]:8443");
  CHECK(Endpoint::parse("10.0.0.1:65535")->port == 65535);
  for (const char* bad : {"", "a", "a:", ":1", "a:65536", "a:-1", "a:1x", "::1:80", "[::1]",
                          "a b:1", "https://a:1"}) {
    CAPTURE(bad);
    CHECK(Endpoint::parse(bad).error().code() == Errc::invalid);
  }
}

}  // namespace kw::link_test
