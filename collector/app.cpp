#include "collector/app.hpp"

#include <iostream>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>

#include "collector/accounts/authority_files.hpp"
#include "collector/accounts/identity_verbs.hpp"
#include "collector/api/api.hpp"
#include "collector/data_folder.hpp"
#include "collector/faults/rules.hpp"
#include "collector/gateway/gateway.hpp"
#include "collector/notify/live_feed.hpp"
#include "collector/page/page.hpp"
#include "collector/remote_control.hpp"
#include "collector/store/sqlite/opening.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/watchdog.hpp"
#include "collector/writer/act.hpp"
#include "common/log.hpp"
#include "common/platform/control_server.hpp"
#include "common/platform/files.hpp"
#include "common/platform/folder_lock.hpp"
#include "common/platform/service.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/event_classes.hpp"
#include "common/wire/event_json.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t reader_threads = 2;
constexpr auto drain_hint = std::chrono::seconds{5};
constexpr auto bundles_pruned_every = std::chrono::hours{24};
constexpr auto server_certificate_looked_at = std::chrono::hours{24};
constexpr std::size_t stranger_connections = 2'000;  // beside sessions: handshakes, enrolments
// A pushed configuration of 48 KiB, every character of it escaped.
constexpr std::size_t control_line = 128 * 1024;

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

/// Everything that runs, in the order in which it is built; destroyed in reverse.
class Collector {
 public:
  Collector(asio::io_context& io, std::unique_ptr<Store> store, Rules rules,
            AuthorityFiles authority, std::vector<std::unique_ptr<Queries>> readers,
            const RunOptions& options, const Clock& clock)
      : io_(io),
        options_(options),
        clock_(clock),
        authority_(std::move(authority)),
        certificates_(store->certificates()),
        writer_(std::move(store), std::move(rules), clock,
                restart_job(clock.wall(), options.door.per_second)),
        readers_(std::move(readers)),
        crypto_(1, 0),
        bundles_(options.data / "bundles"),
        files_(1, 0),
        enrolment_(writer_, registry_, authority_, crypto_, clock, {}),
        uploads_(writer_, registry_, bundles_, files_, clock),
        gateway_(io.get_executor(), writer_, registry_, enrolment_, uploads_, clock,
                 {.door = options.door}),
        api_(
            writer_, readers_, [this] { return figures(); },
            [this](const std::vector<CertificateRow>& rows) { gateway_.revoked(rows); }, bundles_,
            files_),
        live_(io.get_executor(), writer_, readers_, clock, page_version()),
        remote_(writer_, readers_),
        people_(
            io.get_executor(),
            [this](link::HttpRequest request) { return api_.answer(std::move(request)); }, {},
            live_sockets()),
        control_(io.get_executor(), std::string{identity_verbs} + ", " + RemoteControl::verbs,
                 [this](std::string verb, json::object args) {
                   return answer_control(std::move(verb), std::move(args));
                 },
                 {.line = control_line}),
        signals_(io, SIGINT, SIGTERM) {
    registry_.put(certificates_);
    writer_.on_outgoing([this](TerminalKey terminal) {
      asio::post(io_, [this, terminal] { gateway_.deliver(terminal); });
    });
    writer_.on_writes_again([this] { asio::post(io_, [this] { gateway_.writes_again(); }); });
    spawn(io_, "bundles", prune_bundles(clock));
  }

  Result<std::pair<link::Endpoint, link::Endpoint>> listen() {
    auto tls = server_tls(authority_);
    if (!tls) return std::move(tls).error();
    const link::ListenerLimits limits{
        .handshakes = options_.handshakes,
        .connections = options_.door.sessions + stranger_connections,
    };
    agents_ = std::make_unique<link::Listener>(io_.get_executor(), *tls, gateway_, limits);
    auto agents = agents_->listen(options_.agents);
    if (!agents) return std::move(agents).error().within("--agents");
    auto people = people_.listen(options_.people);
    if (!people) return std::move(people).error().within("--people");
    control_.follow("drain", [this](json::object args, platform::ControlServer::Lines& to) {
      return drain(std::move(args), to);
    });
    auto control = control_.listen(options_.data / platform::control_name);
    if (!control) return std::move(control).error();
    spawn(io_, "signals", stop_on_signal());
    spawn(io_, "server-certificate", keep_server_certificate());
    service_.ready("kiosks " + agents->text() + ", API " + people->text());
    spawn(io_, "watchdog", watch_over(service_, writer_));
    return std::pair{*agents, *people};
  }

 private:
  Task<void> prune_bundles(const Clock& clock) {
    for (;;) {
      auto prune = [this, now = clock.wall()] {
        bundles_.prune(now);
        return true;
      };
      co_await files_.run(std::move(prune));
      co_await sleep_for(bundles_pruned_every);
    }
  }

  GatewayFigures figures() const {
    auto out = gateway_.figures();
    out.connections = agents_ ? agents_->connections() : 0;
    out.handshakes = agents_ ? agents_->handshakes() : 0;
    return out;
  }

  Result<std::shared_ptr<const link::ServerTls>> server_tls(const AuthorityFiles& authority) const {
    return link::ServerTls::make({.own = authority.server(),
                                  .client_trust_pem = authority.trust_pem(),
                                  .ticket_keys = options_.data / "ticket-keys"},
                                 clock_);
  }

  Task<void> stop_on_signal() {
    auto [error, signal] = co_await signals_.async_wait(as_result);
    log::info("stopping", {{"signal", signal}});
    spawn(io_, "second-signal", hurry_on_signal());
    co_await stop();
  }

  /// Whoever asks twice does not want to wait.
  Task<void> hurry_on_signal() {
    auto [error, signal] = co_await signals_.async_wait(as_result);
    if (error) co_return;
    log::warning("stopping-now", {{"signal", signal}});
    gateway_.hurry();
  }

  /// Agents leave once what they sent is committed and acknowledged; what is queued after that is
  /// committed by the writer's destructor, and the last connection to the store checkpoints it.
  Task<void> stop() {
    if (std::exchange(stopping_, true)) co_return;  // a signal and `drain --stop` may both ask
    service_.stopping();
    agents_->stop_accepting();
    const auto sessions = co_await gateway_.drain(drain_hint, options_.stop_within);
    log::info("drained", {{"sessions", sessions}});
    people_.stop();
    control_.stop();
    agents_->stop();
    io_.stop();
  }

  link::WebSockets live_sockets() {
    return {.refuse = [this](const link::HttpRequest& r) { return api_.refuse_socket(r); },
            .serve =
                [this](std::shared_ptr<link::TextSocket> socket) {
                  return live_.serve(std::move(socket));
                }};
  }

  struct RenewedServer {
    std::string chain_pem;
    std::shared_ptr<const link::ServerTls> tls;  ///< null: still the one that is served
  };
  /// Crypto thread. Issuer and pin never change while the collector runs, so `authority_`, which
  /// other threads read, stays as it is.
  Result<RenewedServer> renewed_server(const std::string& served) const {
    const auto authority = AuthorityFiles::load(options_.data, clock_);
    if (!authority) return authority.error();
    RenewedServer out{.chain_pem = authority->server().chain_pem};
    if (out.chain_pem == served) return out;
    auto tls = server_tls(*authority);
    if (!tls) return std::move(tls).error();
    out.tls = *tls;
    return out;
  }

  /// The collector's own certificate is made anew 30 days before its end; open connections keep
  /// what they have.
  Task<void> keep_server_certificate() {
    std::string served = authority_.server().chain_pem;
    for (;;) {
      co_await sleep_for(server_certificate_looked_at);
      auto look = [this, served] { return renewed_server(served); };
      const auto renewed = co_await crypto_.run(std::move(look));
      if (!renewed) {
        log::error("server-certificate", {{"reason", renewed.error()}});
        continue;
      }
      if (renewed->tls == nullptr) continue;
      agents_->use(renewed->tls);
      served = renewed->chain_pem;
      log::info("server-certificate-renewed");
    }
  }

  Task<Result<json::object>> answer_control(std::string verb, json::object args) {
    if (!is_identity_verb(verb))
      co_return co_await remote_.answer(std::move(verb), std::move(args));
    const Subject subject{Subject::Kind::loopback_administrator, "host"};
    std::function<Result<IdentityDeed>(Work&)> deed = [this, subject, verb, args](Work& work) {
      return perform(work, subject, verb, args, authority_.pin());
    };
    auto done = co_await act(writer_, std::move(deed));
    if (!done) co_return std::move(done).error();
    gateway_.revoked(done->certificates);
    co_return std::move(done->answer);
  }

  /// Answers by a line, so that it knows when the client has it: the end of the collector, if that
  /// was asked for, comes after.
  Task<Result<void>> drain(json::object args, platform::ControlServer::Lines& to) {
    const auto* after = args.if_contains("retry_after_ms");
    const auto* stops = args.if_contains("stop");
    boost::system::error_code wrong;
    const auto ms = after == nullptr ? 0 : after->to_number<std::int64_t>(wrong);
    constexpr std::int64_t most_ms = 24LL * 3600 * 1000;
    if (after == nullptr || wrong || ms < 0 || ms > most_ms) {
      co_return Error{Errc::invalid, "retry_after_ms: 0 to 86400000"};
    }
    const Duration retry_after = std::chrono::milliseconds{ms};
    const auto sessions = co_await gateway_.drain(retry_after, options_.stop_within);
    log::info("drained", {{"sessions", sessions}});
    json::object answer{{"sessions", sessions}};
    co_await to.send(std::move(answer));
    // As an administrator's signal would.
    if (stops != nullptr && stops->is_bool() && stops->get_bool()) spawn(io_, "stop", stop());
    co_return Result<void>{};
  }

  asio::io_context& io_;
  RunOptions options_;
  const Clock& clock_;
  platform::ServiceNotifier service_ = platform::ServiceNotifier::of_this_process();
  AuthorityFiles authority_;
  std::vector<CertificateRow> certificates_;
  Registry registry_;
  Writer writer_;
  ReaderPool readers_;
  Worker crypto_;
  BundleFiles bundles_;
  Worker files_;
  Enrolment enrolment_;
  BundleUploads uploads_;
  Gateway gateway_;
  Api api_;
  LiveFeed live_;
  RemoteControl remote_;
  link::HttpServer people_;
  platform::ControlServer control_;
  asio::signal_set signals_;
  std::unique_ptr<link::Listener> agents_;
  bool stopping_ = false;
};

}  // namespace

Result<void> init(const fs::path& data, const std::vector<std::string>& names, const Clock& clock) {
  auto made = platform::make_folder(data, true);
  if (!made) return made;
  std::vector<std::string> all{"localhost", "127.0.0.1", "::1"};
  for (const auto& name : names) {
    if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  }
  auto lock = platform::FolderLock::take(data);
  if (!lock) return std::move(lock).error();
  auto store = SqliteStore::open(store_file(data));
  if (!store) return std::move(store).error();
  return AuthorityFiles::create(data, all, clock);
}

Result<void> run(const RunOptions& options, const Clock& clock,
                 const std::function<void(link::Endpoint, link::Endpoint)>& ready) {
  if (!is_loopback(options.people.host)) {
    return Error{Errc::invalid, "--people " + options.people.text() +
                                    ": only a loopback address is served until accounts exist; "
                                    "use 127.0.0.1:PORT"};
  }
  auto authority = AuthorityFiles::load(options.data, clock);
  if (!authority) return std::move(authority).error();
  auto lock = take_data_folder(options.data, clock);
  if (!lock) return std::move(lock).error();
  auto rules = Rules::load(options.data / "rules.toml");
  if (!rules) return std::move(rules).error();
  auto store = open_store(options.data, clock);
  if (!store) return std::move(store).error();
  std::vector<std::unique_ptr<Queries>> readers;
  for (std::size_t i = 0; i < reader_threads; ++i) {
    auto reader = SqliteQueries::open(store_file(options.data), clock);
    if (!reader) return std::move(reader).error();
    readers.push_back(std::move(*reader));
  }
  asio::io_context io{1};
  Collector collector{io,
                      std::move(*store),
                      std::move(*rules),
                      std::move(*authority),
                      std::move(readers),
                      options,
                      clock};
  auto listening = collector.listen();
  if (!listening) return std::move(listening).error();
  ready(listening->first, listening->second);
  io.run();
  return {};
}

Result<void> print_events(const fs::path& data, const std::string& terminal, const Clock& clock) {
  auto queries = SqliteQueries::open(store_file(data), clock);
  if (!queries) return std::move(queries).error();
  return (*queries)->events(terminal, [](const EventRow& row) {
    json::object line{{"epoch", std::to_string(row.epoch)},
                      {"seq", row.seq},
                      {"at", rfc3339(row.at)},
                      {"uncertain", row.uncertain}};
    if (row.item.has_gap()) {
      line["gap"] = json::object{{"count", row.count}, {"reason", row.item.gap().reason()}};
    } else {
      line["class"] = wire::row(wire::class_of(row.item.event())).name;
      line["bytes"] = row.item.event().ByteSizeLong();
      wire::add_event(line, row.item.event());
    }
    std::cout << json::serialize(line) << '\n';
  });
}

}  // namespace kw::collector
