// Session tickets: that they save the full handshake, and that they open no back door.
#include <doctest/doctest.h>

#include "common/link/ticket_keys.hpp"
#include "common/platform/files.hpp"
#include "common/platform/host_checks.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

using link::TicketKeys;

std::string failure(const Result<std::string>& result) {
  return result ? "none: " + *result : result.error().text();
}

}  // namespace

TEST_CASE("the second connection resumes the first, the third the second") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  for (int i = 0; i < 3; ++i) REQUIRE(loop.run(round_trip(server.at, tls)));
  REQUIRE(server.host.admitted.size() == 3);
  CHECK_FALSE(server.host.admitted[0].resumed);
  CHECK(server.host.admitted[1].resumed);
  CHECK(server.host.admitted[2].resumed);
  const auto& full = server.host.admitted[0];
  const auto& resumed = server.host.admitted[2];
  CHECK(resumed.chain_ok);
  CHECK(resumed.serial == full.serial);
  CHECK(resumed.uri == full.uri);
  CHECK(resumed.der == full.der);
}

TEST_CASE("a connection that was cut resumes too") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  {
    auto link = loop.run(link::dial(server.at, tls));
    REQUIRE(link);
    REQUIRE(loop.run(echo(**link, "hello")));
    (*link)->cut();
  }
  REQUIRE(loop.run(round_trip(server.at, tls)));
  CHECK(server.host.admitted[1].resumed);
}

TEST_CASE("a ticket is used once") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  REQUIRE(loop.run(round_trip(server.at, tls)));
  auto first = loop.run(link::dial(server.at, tls));
  REQUIRE(first);
  // The first has not read its fresh ticket yet when the second dials; whichever way that goes, no
  // ticket is offered twice.
  auto second = loop.run(link::dial(server.at, tls));
  REQUIRE(second);
  CHECK(server.host.admitted[1].resumed);
}

TEST_CASE("tickets are kept apart by server and can be declined") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.resume = false;
  const auto tls = client_tls(options);
  REQUIRE(loop.run(round_trip(server.at, tls)));
  REQUIRE(loop.run(round_trip(server.at, tls)));
  CHECK_FALSE(server.host.admitted[1].resumed);
  const auto keeping = good_client();
  REQUIRE(loop.run(round_trip(server.at, keeping)));
  const Endpoint named{"localhost", server.at.port};
  REQUIRE(loop.run(round_trip(named, keeping)));
  CHECK_FALSE(server.host.admitted[3].resumed);
}

TEST_CASE("sessions survive a restart of the collector with its ticket keys") {
  const TempFolder folder;
  Loop loop;
  const auto tls = good_client();
  auto options = Server::options();
  options.ticket_keys = folder.path() / "tickets";
  Endpoint at;
  {
    Server server{loop, options};
    at = server.at;
    REQUIRE(loop.run(round_trip(at, tls)));
    server.listener->stop();
    loop.until([&] { return server.listener->connections() == 0; });
  }
  CHECK_FALSE(platform::rights_of(options.ticket_keys)->open_to_others);
  {
    Server again{loop, options};
    again.listener->stop();
    again.listener = std::make_unique<link::Listener>(loop.io.get_executor(),
                                                      server_tls(options, again.clock), again.host);
    REQUIRE(again.listener->listen(at));
    REQUIRE(loop.run(round_trip(at, tls)));
    CHECK(again.host.admitted.back().resumed);
    CHECK(again.host.admitted.back().chain_ok);
  }
  {
    auto fresh = options;
    fresh.ticket_keys = folder.path() / "others";
    Server stranger{loop, fresh};
    stranger.listener = std::make_unique<link::Listener>(
        loop.io.get_executor(), server_tls(fresh, stranger.clock), stranger.host);
    REQUIRE(stranger.listener->listen(at));
    REQUIRE(loop.run(round_trip(at, tls)));
    CHECK_FALSE(stranger.host.admitted.back().resumed);
  }
}

TEST_CASE("a resumed session whose certificate has expired meanwhile gets no link") {
  Loop loop;
  Server server{loop};
  auto options = client_options();
  options.own = ours().kiosk("SZ-0004", real_now(), 2 * identity::day);
  const auto tls = client_tls(options);
  REQUIRE(loop.run(round_trip(server.at, tls)));
  server.clock.advance(3 * identity::day);
  const auto result = loop.run(round_trip(server.at, tls));
  CHECK_FALSE(result);
  REQUIRE(server.host.admitted.size() == 2);
  CHECK(server.host.admitted[1].resumed);
  CHECK(server.host.admitted[1].expired);
  CHECK(server.host.admitted[1].chain_ok);
  CHECK(server.host.links == 1);
  CHECK(server.host.answers == 1);
}

TEST_CASE("a resumed session whose certificate was revoked meanwhile is refused") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  REQUIRE(loop.run(round_trip(server.at, tls)));
  const auto serial = server.host.admitted[0].serial;
  server.host.judge = [&](const link::PeerCertificate& peer) -> std::optional<link::Refusal> {
    if (peer.serial == serial) return link::Refusal{"revoked", "withdrawn", {}};
    return {};
  };
  const auto result = loop.run(round_trip(server.at, tls));
  CHECK(result.error().code() == Errc::refused);
  REQUIRE(server.host.admitted.size() == 2);
  CHECK(server.host.admitted[1].resumed);
  CHECK(server.host.links == 1);
}

TEST_CASE("a resumed session whose CA is trusted no more is cut, whatever the host says") {
  const TempFolder folder;
  Loop loop;
  auto options = Server::options();
  options.ticket_keys = folder.path() / "tickets";
  Server server{loop, options};
  const auto tls = good_client();
  REQUIRE(loop.run(round_trip(server.at, tls)));
  options.client_trust_pem = foreign().trust();
  server.listener->use(server_tls(options, server.clock));
  const auto result = loop.run(round_trip(server.at, tls));
  CHECK_FALSE(result);
  REQUIRE(server.host.admitted.size() == 2);
  CHECK(server.host.admitted[1].resumed);
  CHECK_FALSE(server.host.admitted[1].chain_ok);
  CHECK(server.host.links == 1);
  CHECK(server.host.answers == 0);
}

TEST_CASE("a link that lasts gets a fresh ticket every day") {
  const TempFolder folder;
  Loop loop;
  auto options = Server::options();
  options.ticket_keys = folder.path() / "tickets";
  Server server{loop, options};
  const auto tls = good_client();
  auto lasting = loop.run(link::dial(server.at, tls));
  REQUIRE(lasting);
  // Nine days: the key that sealed the first ticket opens nothing any more.
  for (int i = 0; i < 9; ++i) {
    server.clock.advance(25h);
    REQUIRE(loop.run(echo(**lasting, "heartbeat")));
  }
  (*lasting)->cut();
  REQUIRE(loop.run(round_trip(server.at, tls)));
  CHECK(server.host.admitted.back().resumed);
}

TEST_CASE("a ticket older than its key is worth nothing but costs nothing") {
  Loop loop;
  Server server{loop};
  const auto tls = good_client();
  REQUIRE(loop.run(round_trip(server.at, tls)));
  server.clock.advance(9 * identity::day);
  CHECK(failure(loop.run(round_trip(server.at, tls))) == "none: hello");
  CHECK_FALSE(server.host.admitted.back().resumed);
}

TEST_CASE("ticket keys rotate daily, open for 8 days and survive damage") {
  const TempFolder folder;
  const auto file = folder.path() / "tickets";
  const auto start = real_now();
  std::array<unsigned char, 16> first{};
  {
    auto keys = TicketKeys::open(file, start);
    REQUIRE(keys);
    first = keys->current(start).name;
    CHECK(keys->current(start + 23h).name == first);
    CHECK(keys->current(start + 24h).name != first);
    CHECK(keys->find(first.data(), start + 24h) != nullptr);
  }
  auto again = TicketKeys::open(file, start + 25h);
  REQUIRE(again);
  CHECK(again->find(first.data(), start + 8 * 24h - 1s) != nullptr);
  CHECK(again->find(first.data(), start + 8 * 24h) == nullptr);
  for (int i = 2; i < 40; ++i) again->current(start + i * identity::day);
  const auto size = std::filesystem::file_size(file);
  CHECK(size < 9 * 200);  // what opens nothing any more is dropped

  // A clock that was set far back must not keep one key for ever.
  const auto last = again->current(start + 40 * identity::day).name;
  CHECK(again->current(start).name != last);

  REQUIRE(platform::write_file(file, "kioskwatch-ticket-keys 1\n12 zz\n", true));
  auto damaged = TicketKeys::open(file, start);
  REQUIRE(damaged);
  CHECK(damaged->find(first.data(), start) == nullptr);
  CHECK(TicketKeys::open(folder.path() / "no" / "such" / "folder", start).error().code() ==
        Errc::storage);
}

}  // namespace kw::link_test
