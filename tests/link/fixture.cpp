#include "tests/link/fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <stdlib.h>

#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"

namespace kw::link_test {

WallTime real_now() { return SystemClock{}.wall(); }

Authority::Authority() {
  const auto now = real_now() - 365 * identity::day;
  root = *identity::make_root("Test Root", now);
  issuer = *identity::make_issuer(root, "Test Issuing CA", now);
}

Credentials Authority::kiosk(const std::string& code, WallTime made, Duration life) const {
  const auto key = *identity::make_key();
  const auto csr = *identity::make_csr(key, "ignored");
  const auto issued = *identity::sign_kiosk(issuer, csr, code, made, life);
  return Credentials{issued.certificate_pem + issuer.certificate_pem, key};
}

Credentials Authority::server(const std::vector<std::string>& names, WallTime made,
                              Duration life) const {
  const auto key = *identity::make_key();
  const auto csr = *identity::make_csr(key, "ignored");
  const auto issued = *identity::sign_server(issuer, csr, names, made, life);
  return Credentials{issued.certificate_pem + issuer.certificate_pem + root.certificate_pem, key};
}

std::string Authority::root_pin() const {
  return identity::Certificate::parse(root.certificate_pem)->sha256();
}

const Authority& ours() {
  static const Authority authority;
  return authority;
}

const Authority& foreign() {
  static const Authority authority;
  return authority;
}

std::optional<link::Refusal> TestHost::admit(const link::PeerCertificate& peer) {
  admitted.push_back(peer);
  return judge ? judge(peer) : std::nullopt;
}

Task<link::HttpResponse> TestHost::answer(link::HttpRequest request, link::PeerCertificate peer) {
  ++answers;
  link::HttpResponse response;
  response.headers["X-Peer"] = !peer.present ? "none" : peer.expired ? "expired" : "good";
  response.body = request.method + " " + request.target + " " + request.body;
  co_return response;
}

Task<link::BodyGrant> TestHost::allow(link::HttpRequest head, link::PeerCertificate peer) {
  if (grants) co_return grants(head);
  co_return co_await Host::allow(std::move(head), std::move(peer));
}

Task<void> TestHost::serve(std::unique_ptr<Link> link) {
  ++links;
  if (served) {
    co_await served(*link);
  } else {
    for (;;) {
      auto message = co_await link->receive();
      if (!message) {
        last_end = message.error();
        break;
      }
      auto sent = co_await link->send(std::move(*message));
      if (!sent) {
        last_end = sent.error();
        break;
      }
    }
  }
  ++ended;
}

Loop::~Loop() {
  // What servers of the test still do ends here, so that it is seen by the sanitizer.
  settle(50ms);
}

void Loop::start(Task<void> task) {
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) {
    failure = e;
    done = true;
  });
  until([&] { return done; });
  if (failure) std::rethrow_exception(failure);
}

void Loop::run(Task<void> task) { start(std::move(task)); }

void Loop::until(const std::function<bool()>& done) {
  const SystemClock clock;
  const auto limit = clock.mono() + 20s;
  while (!done() && clock.mono() < limit) {
    io.restart();
    io.run_one_for(20ms);
  }
  REQUIRE(done());
}

void Loop::settle(Duration how_long) {
  io.restart();
  io.run_for(how_long);
}

link::ServerTls::Options Server::options() {
  link::ServerTls::Options options;
  options.own = ours().good_server();
  options.client_trust_pem = ours().trust();
  return options;
}

Server::Server(Loop& l, link::ListenerLimits limits) : loop(l) { start(options(), limits); }

Server::Server(Loop& l, const link::ServerTls::Options& with, link::ListenerLimits limits)
    : loop(l) {
  start(with, limits);
}

Server::~Server() {
  if (listener) listener->stop();
  for (int i = 0; i < 300 && host.links > host.ended; ++i) loop.settle(10ms);
  if (listener) {
    for (int i = 0; i < 300 && listener->connections() > 0; ++i) loop.settle(10ms);
  }
}

void Server::start(const link::ServerTls::Options& with, link::ListenerLimits limits) {
  listener = std::make_unique<link::Listener>(loop.io.get_executor(), server_tls(with, clock), host,
                                              limits);
  auto bound = listener->listen(Endpoint{"127.0.0.1", 0});
  REQUIRE(bound);
  at = *bound;
}

std::shared_ptr<const link::ServerTls> server_tls(const link::ServerTls::Options& options,
                                                  const Clock& clock) {
  auto tls = link::ServerTls::make(options, clock);
  if (!tls) FAIL(tls.error().text());
  return *tls;
}

std::shared_ptr<const link::ClientTls> client_tls(const link::ClientTls::Options& options) {
  auto tls = link::ClientTls::make(options);
  if (!tls) FAIL(tls.error().text());
  return *tls;
}

link::ClientTls::Options client_options() {
  link::ClientTls::Options options;
  options.own = ours().good_kiosk();
  options.trust_pem = ours().root.certificate_pem;
  return options;
}

std::shared_ptr<const link::ClientTls> good_client() { return client_tls(client_options()); }

Task<Result<std::string>> echo(Link& link, std::string frame) {
  auto sent = co_await link.send(std::move(frame));
  if (!sent) co_return std::move(sent).error();
  co_return co_await link.receive();
}

Task<Result<std::string>> round_trip(Endpoint at, std::shared_ptr<const link::ClientTls> tls) {
  auto link = co_await link::dial(at, tls);
  if (!link) co_return std::move(link).error();
  auto answer = co_await echo(**link, "hello");
  co_await (*link)->close(1000, "done");
  co_return answer;
}

}  // namespace kw::link_test
