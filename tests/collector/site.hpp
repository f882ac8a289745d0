#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "collector/api/api.hpp"
#include "collector/notify/live_feed.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/session_jobs.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/websocket_client.hpp"

namespace kw::collector_test {

using namespace kw::collector;
using kw::tests::WebSocketClient;
namespace json = boost::json;

inline Rules at_once() {
  std::vector<config::Problem> problems;
  auto document = config::parse("[defaults]\nhold_s = 0\nclear_s = 0\n", "test", problems);
  return Rules::read(*document, problems);
}

using Codes = std::vector<std::string_view>;

/// The collector without its agent port: writer, readers, API and feed behind a real HTTP server.
struct Site {
  explicit Site(LiveLimits limits = {}, link::HttpLimits http = {}) {
    auto store = SqliteStore::open(folder / "collector.db");
    REQUIRE(store);
    writer = std::make_unique<Writer>(std::move(*store), at_once(), clock);
    std::vector<std::unique_ptr<Queries>> connections;
    for (int i = 0; i < 2; ++i) {
      auto opened = SqliteQueries::open(folder / "collector.db", clock);
      REQUIRE(opened);
      connections.push_back(std::move(*opened));
    }
    readers = std::make_unique<ReaderPool>(std::move(connections));
    api = std::make_unique<Api>(
        *writer, *readers, [] { return GatewayFigures{}; },
        [](const std::vector<CertificateRow>&) {}, bundles, files);
    feed =
        std::make_unique<LiveFeed>(io.get_executor(), *writer, *readers, clock, "page-1", limits);
    server = std::make_unique<link::HttpServer>(
        io.get_executor(), [this](link::HttpRequest r) { return api->answer(std::move(r)); }, http,
        link::WebSockets{
            .refuse = [this](const link::HttpRequest& r) { return api->refuse_socket(r); },
            .serve =
                [this](std::shared_ptr<link::TextSocket> s) { return feed->serve(std::move(s)); }});
    auto bound = server->listen({"127.0.0.1", 0});
    REQUIRE(bound);
    at = *bound;
    thread = std::thread{[this] { io.run(); }};
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() {
    asio::post(io, [this] {
      server->stop();
      io.stop();
    });
    thread.join();
    server.reset();
    feed.reset();
    api.reset();
    readers.reset();
    writer.reset();
  }

  /// Runs one job of the writer to its commit.
  void commit(std::function<Result<void>(Work&)> what) {
    std::promise<Result<void>> done;
    Job job;
    job.work = std::move(what);
    job.after = [&](const Result<void>& told) { done.set_value(told); };
    writer->post(std::move(job));
    const auto told = done.get_future().get();
    REQUIRE_MESSAGE(told, told.error().text());
  }

  TerminalKey make(const std::string& code) {
    TerminalKey key = 0;
    commit([&](Work& work) -> Result<void> {
      key = work.store().make_terminal(code, work.now());
      work.touch(key);
      return {};
    });
    return key;
  }

  /// A session of the terminal, all of whose events are in one epoch.
  std::shared_ptr<Session> open(TerminalKey terminal, const std::string& code) {
    auto session = std::make_shared<Session>();
    session->terminal = terminal;
    session->terminal_code = code;
    session->hello.set_boot_id("boot");
    auto& held = *session->hello.add_epoch();
    held.set_epoch(7);
    held.set_boot_id("boot");
    session->server_at_hello = clock.wall();
    std::promise<bool> done;
    writer->post(open_job(session, [&](Result<pb::Welcome> told) { done.set_value(bool{told}); }));
    REQUIRE(done.get_future().get());
    return session;
  }

  /// One batch with one event: these devices now have these conditions.
  void report(const std::shared_ptr<Session>& session, const std::vector<std::string>& devices,
              const Codes& codes) {
    auto batch = std::make_shared<pb::Batch>();
    batch->set_epoch(7);
    batch->set_first(session->marks[7] + 1);
    batch->set_last(session->marks[7] + devices.size());
    for (const auto& device : devices) {
      wire::Status status;
      status.device = wire::DeviceState::online;
      for (const auto code : codes) {
        status.conditions.push_back(wire::condition(*wire::find_condition(code)));
      }
      *batch->add_item()->mutable_event()->mutable_state() = wire::to_wire(device, status);
    }
    std::promise<bool> done;
    writer->post(batch_job(session, batch, batch->ByteSizeLong(),
                           [&](Result<BatchAnswer> told) { done.set_value(bool{told}); }));
    REQUIRE(done.get_future().get());
  }

  link::HttpResponse ask(std::string method, std::string target,
                         std::map<std::string, std::string> headers = {}, std::string body = {}) {
    link::HttpRequest request{
        std::move(method), std::move(target), std::move(headers), std::move(body), {}};
    asio::io_context own;
    std::optional<Result<link::HttpResponse>> answer;
    auto asking = [&]() -> Task<void> {
      answer =
          co_await link::http_request(at, nullptr, std::move(request), std::chrono::seconds{20});
    };
    spawn(own, "ask", asking());
    own.run();
    REQUIRE(answer);
    REQUIRE(*answer);
    return **answer;
  }
  json::object get(const std::string& target) {
    const auto answer = ask("GET", target);
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    return json::parse(answer.body).as_object();
  }

  WebSocketClient watch(const WebSocketClient::Headers& headers = {}) {
    return WebSocketClient{at.port, "/api/v1/live", headers};
  }

  tests::TempFolder folder;
  SystemClock clock;
  asio::io_context io{1};
  BundleFiles bundles{folder / "bundles"};
  Worker files{1, 0};
  std::unique_ptr<Writer> writer;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<Api> api;
  std::unique_ptr<LiveFeed> feed;
  std::unique_ptr<link::HttpServer> server;
  link::Endpoint at;
  std::thread thread;
};

}  // namespace kw::collector_test
