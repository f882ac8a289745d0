#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "collector/api/api.hpp"
#include "collector/gateway/gateway.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "common/identity/keys.hpp"
#include "common/link/link.hpp"
#include "common/wire/codec.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::collector_test {

using namespace kw::collector;
using namespace std::chrono_literals;

/// A whole collector in this process, on real sockets, a real file and real certificates; one event
/// loop on this thread serves it and the kiosks that tests play.
struct Field {
  Field();
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;
  ~Field();

  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(io, keep(std::move(task), out), [&](std::exception_ptr e) {
      failure = e;
      done = true;
    });
    until([&] { return done; });
    if (failure) std::rethrow_exception(failure);
    return std::move(*out);
  }
  /// Runs until `done` or 20 s.
  void until(const std::function<bool()>& done);

  /// A terminal with a certificate of its own.
  std::shared_ptr<const link::ClientTls> kiosk(const std::string& code);

  /// What the collector sees of that kiosk's certificate.
  link::PeerCertificate peer_of(const std::string& code) const;

  struct Answer {
    int status = 0;
    boost::json::value body;  ///< null when it is no JSON
    link::HttpResponse whole;
  };
  /// Asks the API as the loopback administrator.
  Answer ask(std::string method, std::string target, std::string body = {},
             std::string type = "application/json");

  tests::TempFolder folder;
  SystemClock clock;
  asio::io_context io{1};
  std::optional<AuthorityFiles> authority;
  Registry registry;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<ReaderPool> readers;
  Worker crypto{1, 0};
  std::unique_ptr<BundleFiles> bundles;
  Worker files{1, 0};
  std::unique_ptr<Enrolment> enrolment;
  std::unique_ptr<BundleUploads> uploads;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<Api> api;
  std::unique_ptr<link::Listener> listener;
  link::Endpoint at;
  std::map<std::string, std::string> serials;  ///< by terminal code

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }
};

/// An agent as far as the wire shows it, played step by step.
class PlayedAgent {
 public:
  PlayedAgent(Field& field, std::shared_ptr<const link::ClientTls> tls, std::uint64_t epoch)
      : field_(field), tls_(std::move(tls)), epoch_(epoch) {}

  std::string configuration_hash;  ///< of the pushed one in force
  bool configuration_local = false;

  /// Dials and says Hello; the Welcome. `owed`: events that waited before.
  pb::Welcome open(std::uint64_t owed = 0);
  void close();
  void send(const pb::Envelope& envelope);
  /// The next envelope that is more than credit; fails the test when none comes.
  pb::Envelope receive();
  /// Nothing else was sent before the answer to a heartbeat.
  void expect_nothing();
  /// One event in a batch of its own, up to its Ack.
  void event(const pb::Event& event);
  void result(const std::string& id, pb::CommandResult::State state, std::string body = {},
              std::string detail = {});
  void report(const std::string& hash, pb::ConfigurationReport::State state,
              std::string detail = {});
  /// PUT of a bundle.
  link::HttpResponse upload(const std::string& id, std::string body);
  link::HttpResponse post(const std::string& target, std::string body);
  link::Link& link() { return *link_; }

 private:
  link::HttpResponse ask(std::string method, std::string target, std::string body);

  Field& field_;
  std::shared_ptr<const link::ClientTls> tls_;
  std::uint64_t epoch_;
  std::uint64_t seq_ = 0;
  std::unique_ptr<link::Link> link_;
};

}  // namespace kw::collector_test
