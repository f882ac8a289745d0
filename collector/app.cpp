#include "collector/app.hpp"

#include <iostream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>

#include "collector/accounts/authority_files.hpp"
#include "collector/accounts/tokens.hpp"
#include "collector/api/api.hpp"
#include "collector/faults/rules.hpp"
#include "collector/gateway/gateway.hpp"
#include "collector/notify/live_feed.hpp"
#include "collector/page/page.hpp"
#include "collector/remote_control.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/watchdog.hpp"
#include "collector/writer/act.hpp"
#include "common/log.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/control_server.hpp"
#include "common/platform/files.hpp"
#include "common/platform/folder_lock.hpp"
#include "common/platform/service.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/event_classes.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t reader_threads = 2;
constexpr auto drain_hint = std::chrono::seconds{5};
constexpr auto bundles_pruned_every = std::chrono::hours{24};
constexpr auto control_answer_within = std::chrono::seconds{10};
// A pushed configuration of 48 KiB, every character of it escaped.
constexpr std::size_t control_line = 128 * 1024;

fs::path database(const fs::path& data) { return data / "collector.db"; }

/// A folder with an authority and without a database has lost it: an empty one in its place would
/// look like a healthy start.
Result<std::unique_ptr<SqliteStore>> open_store(const fs::path& data) {
  std::error_code none;
  if (!fs::exists(database(data), none)) {
    return Error{Errc::missing, database(data).string() +
                                    " is missing: put a backup back, or start over with init in "
                                    "another folder and enrol the kiosks again"};
  }
  return SqliteStore::open(database(data));
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

/// Everything that runs, in the order in which it is built; destroyed in reverse.
class Collector {
 public:
  Collector(asio::io_context& io, const fs::path& data, std::unique_ptr<Store> store, Rules rules,
            AuthorityFiles authority, std::vector<std::unique_ptr<Queries>> readers,
            const Clock& clock)
      : io_(io),
        authority_(std::move(authority)),
        certificates_(store->certificates()),
        writer_(std::move(store), std::move(rules), clock, restart_job(clock.wall())),
        readers_(std::move(readers)),
        crypto_(1, 0),
        bundles_(data / "bundles"),
        files_(1, 0),
        enrolment_(writer_, registry_, authority_, crypto_, clock),
        uploads_(writer_, registry_, bundles_, files_, clock),
        gateway_(io.get_executor(), writer_, registry_, enrolment_, uploads_, clock, {}),
        api_(
            writer_, readers_, [this] { return gateway_.figures(); }, bundles_, files_),
        live_(io.get_executor(), writer_, readers_, clock, page_version()),
        remote_(writer_, readers_),
        people_(
            io.get_executor(),
            [this](link::HttpRequest request) { return api_.answer(std::move(request)); }, {},
            live_sockets()),
        control_(io.get_executor(), std::string{"token-new, "} + RemoteControl::verbs,
                 [this](std::string verb, json::object args) {
                   return answer_control(std::move(verb), std::move(args));
                 },
                 {.line = control_line}),
        signals_(io, SIGINT, SIGTERM) {
    registry_.put(certificates_);
    writer_.on_outgoing([this](TerminalKey terminal) {
      asio::post(io_, [this, terminal] { gateway_.deliver(terminal); });
    });
    spawn(io_, "bundles", prune_bundles(clock));
  }

  Result<std::pair<link::Endpoint, link::Endpoint>> listen(const RunOptions& options,
                                                           const Clock& clock) {
    auto tls = link::ServerTls::make({.own = authority_.server(),
                                      .client_trust_pem = authority_.trust_pem(),
                                      .ticket_keys = options.data / "ticket-keys"},
                                     clock);
    if (!tls) return std::move(tls).error();
    agents_ = std::make_unique<link::Listener>(io_.get_executor(), *tls, gateway_);
    auto agents = agents_->listen(options.agents);
    if (!agents) return std::move(agents).error().within("--agents");
    auto people = people_.listen(options.people);
    if (!people) return std::move(people).error().within("--people");
    auto control = control_.listen(options.data / platform::control_name);
    if (!control) return std::move(control).error();
    spawn(io_, "signals", stop_on_signal());
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

  Task<void> stop_on_signal() {
    auto [error, signal] = co_await signals_.async_wait(as_result);
    log::info("stopping", {{"signal", signal}});
    service_.stopping();
    agents_->stop_accepting();
    people_.stop();
    control_.stop();
    co_await gateway_.drain(drain_hint);
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

  Task<Result<json::object>> answer_control(std::string verb, json::object args) {
    if (verb != "token-new") co_return co_await remote_.answer(std::move(verb), std::move(args));
    const auto* terminal = args.if_contains("terminal");
    if (terminal == nullptr || !terminal->is_string()) {
      co_return Error{Errc::invalid, "args.terminal is missing"};
    }
    const std::string code{terminal->get_string()};
    std::function<Result<std::string>(Work&)> make = [this, code](Work& work) {
      return make_token(work, {Subject::Kind::loopback_administrator, "host"}, code,
                        authority_.pin());
    };
    auto token = co_await act(writer_, std::move(make));
    if (!token) co_return std::move(token).error();
    json::object out{{"token", *token}};
    co_return out;
  }

  asio::io_context& io_;
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
  auto store = SqliteStore::open(database(data));
  if (!store) return std::move(store).error();
  return AuthorityFiles::create(data, all, clock);
}

Result<std::string> token_new(const fs::path& data, const std::string& terminal,
                              const Clock& clock) {
  auto asked =
      platform::ask_control(data, "token-new", {{"terminal", terminal}}, control_answer_within);
  if (asked) return std::string{asked->at("token").as_string()};
  if (asked.error().code() != Errc::missing) return std::move(asked).error();

  auto authority = AuthorityFiles::load(data, clock);
  if (!authority) return std::move(authority).error();
  auto lock = platform::FolderLock::take(data);
  if (!lock) return std::move(lock).error();
  auto store = open_store(data);
  if (!store) return std::move(store).error();
  auto rules = Rules::load(data / "rules.toml");
  if (!rules) return std::move(rules).error();
  Work work{**store, *rules, clock};
  Result<std::string> token = Error{Errc::storage, "not written"};
  auto done = (*store)->transact([&] {
    auto part = (*store)->part([&]() -> Result<void> {
      token = make_token(work, {Subject::Kind::loopback_administrator, "host"}, terminal,
                         authority->pin());
      if (!token) return token.error();
      return {};
    });
    if (!part && token) token = part.error();
  });
  if (!done) return std::move(done).error();
  return token;
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
  auto lock = platform::FolderLock::take(options.data);
  if (!lock) return std::move(lock).error();
  auto rules = Rules::load(options.data / "rules.toml");
  if (!rules) return std::move(rules).error();
  auto store = open_store(options.data);
  if (!store) return std::move(store).error();
  std::vector<std::unique_ptr<Queries>> readers;
  for (std::size_t i = 0; i < reader_threads; ++i) {
    auto reader = SqliteQueries::open(database(options.data), clock);
    if (!reader) return std::move(reader).error();
    readers.push_back(std::move(*reader));
  }
  asio::io_context io{1};
  Collector collector{io,
                      options.data,
                      std::move(*store),
                      std::move(*rules),
                      std::move(*authority),
                      std::move(readers),
                      clock};
  auto listening = collector.listen(options, clock);
  if (!listening) return std::move(listening).error();
  ready(listening->first, listening->second);
  io.run();
  return {};
}

Result<void> print_events(const fs::path& data, const std::string& terminal, const Clock& clock) {
  auto queries = SqliteQueries::open(database(data), clock);
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
    }
    std::cout << json::serialize(line) << '\n';
  });
}

}  // namespace kw::collector
