#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/identity/authority.hpp"
#include "common/link/http.hpp"
#include "common/link/link.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::link_test {

using namespace std::chrono_literals;
using link::Credentials;
using link::Endpoint;
using link::Link;

WallTime real_now();

/// A certificate authority of its own: root, issuing CA, and what they sign.
struct Authority {
  Authority();

  Credentials kiosk(const std::string& code, WallTime made, Duration life) const;
  Credentials server(const std::vector<std::string>& names, WallTime made, Duration life) const;
  /// A kiosk and a server as they should be.
  Credentials good_kiosk() const { return kiosk("SZ-0001", real_now(), 90 * identity::day); }
  Credentials good_server() const {
    return server({"127.0.0.1", "localhost"}, real_now(), 90 * identity::day);
  }
  /// Both authorities, as the collector trusts them.
  std::string trust() const { return root.certificate_pem + issuer.certificate_pem; }
  std::string root_pin() const;

  identity::Signer root;
  identity::Signer issuer;
};

/// Keys are dear: one authority serves all tests, another is the stranger.
const Authority& ours();
const Authority& foreign();

using tests::TempFolder;

/// Plays the collector; tests choose what it does.
class TestHost final : public link::Host {
 public:
  std::optional<link::Refusal> admit(const link::PeerCertificate& peer) override;
  Task<link::BodyGrant> allow(link::HttpRequest head, link::PeerCertificate peer) override;
  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer) override;
  Task<void> serve(std::unique_ptr<Link> link) override;

  std::function<std::optional<link::Refusal>(const link::PeerCertificate&)> judge;
  std::function<link::BodyGrant(const link::HttpRequest&)> grants;
  std::function<Task<void>(Link&)> served;  ///< default: echo until the end
  std::vector<link::PeerCertificate> admitted;
  int answers = 0;
  int links = 0;
  int ended = 0;
  std::optional<Error> last_end;
};

/// An event loop on this thread; a test that hangs fails after 20 s instead.
class Loop {
 public:
  ~Loop();
  asio::io_context io{1};

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    start(store(std::move(task), result));
    return std::move(*result);
  }
  void run(Task<void> task);
  /// Runs until `done` or 20 s.
  void until(const std::function<bool()>& done);
  /// Lets what is ready happen, for a while.
  void settle(Duration how_long);

 private:
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& into) {
    into.emplace(co_await std::move(task));
  }
  void start(Task<void> task);
};

/// A listener on loopback with a clock and a host of its own.
struct Server {
  explicit Server(Loop& loop, link::ListenerLimits limits = {});
  Server(Loop& loop, const link::ServerTls::Options& options, link::ListenerLimits limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Cuts what is open and waits until the host serves nobody any more.
  ~Server();

  Loop& loop;
  ManualClock clock{real_now()};
  TestHost host;
  std::unique_ptr<link::Listener> listener;
  Endpoint at;

  static link::ServerTls::Options options();

 private:
  void start(const link::ServerTls::Options& options, link::ListenerLimits limits);
};

std::shared_ptr<const link::ServerTls> server_tls(const link::ServerTls::Options& options,
                                                  const Clock& clock);
std::shared_ptr<const link::ClientTls> client_tls(const link::ClientTls::Options& options);
/// Our kiosk that trusts our root.
link::ClientTls::Options client_options();
std::shared_ptr<const link::ClientTls> good_client();

/// Sends and returns what comes back; the error of whichever step failed.
Task<Result<std::string>> echo(Link& link, std::string frame);
/// Dials, echoes once, closes politely.
Task<Result<std::string>> round_trip(Endpoint at, std::shared_ptr<const link::ClientTls> tls);

}  // namespace kw::link_test
