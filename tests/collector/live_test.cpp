// The live feed, its WebSocket and the page, asked by real clients over loopback TCP.
#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "collector/api/api.hpp"
#include "collector/notify/live_feed.hpp"
#include "collector/page/page.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/session_jobs.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/websocket_client.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;
using kw::tests::WebSocketClient;
namespace json = boost::json;

namespace {

Rules at_once() {
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
        [](const std::vector<CertificateRow>&) {}, clock);
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
      answer = co_await link::http_request(at, nullptr, std::move(request), 20s);
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
  std::unique_ptr<Writer> writer;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<Api> api;
  std::unique_ptr<LiveFeed> feed;
  std::unique_ptr<link::HttpServer> server;
  link::Endpoint at;
  std::thread thread;
};

json::object message(WebSocketClient& client) {
  auto text = client.next();
  REQUIRE_MESSAGE(text, "no message came");
  return json::parse(*text).as_object();
}

std::int64_t seq(const json::object& told) { return told.at("seq").as_int64(); }

/// The next message that tells of that terminal; every one on the way must have the next number.
json::object told_of(WebSocketClient& client, std::string_view code, std::int64_t& last) {
  for (;;) {
    auto told = message(client);
    REQUIRE(seq(told) == ++last);
    REQUIRE(told.at("type") == "changes");
    for (const auto& one : told.at("terminals").as_array()) {
      if (one.at("terminal").at("terminal_code").as_string() == code) return one.as_object();
    }
  }
}

LiveLimits quick() {
  LiveLimits limits;
  limits.gather = 1ms;
  return limits;
}

}  // namespace

TEST_CASE("who watches is told after each commit what REST would tell, with numbers in a row") {
  Site site{quick()};
  const auto session = site.open(site.make("K1"), "K1");
  auto client = site.watch();
  REQUIRE(client.status() == 101);
  const auto hello = message(client);
  CHECK(hello.at("type") == "hello");
  CHECK(hello.at("page") == "page-1");
  std::int64_t last = seq(hello);

  site.report(session, {"printer"}, {"media-empty"});
  auto told = told_of(client, "K1", last);
  CHECK(told.at("terminal") == json::value(site.get("/api/v1/terminals/K1")));
  CHECK(told.at("faults") == site.get("/api/v1/faults?terminal=K1&state=open").at("items"));
  CHECK(told.at("orders") == site.get("/api/v1/orders?terminal=K1&state=open").at("items"));
  REQUIRE(told.at("orders").as_array().size() == 1);
  const auto number = std::string{told.at("orders").at(0).at("number").as_string()};
  CHECK(told.at("orders").at(0).at("committed_at_us").is_int64());

  CHECK(site.ask("POST", "/api/v1/orders/" + number + "/accept").status == 200);
  told = told_of(client, "K1", last);
  CHECK(told.at("orders").at(0).at("state") == "accepted");

  site.report(session, {"printer"}, {});
  told = told_of(client, "K1", last);
  CHECK(told.at("faults").as_array().empty());
  CHECK(told.at("orders").as_array().empty());
  CHECK(told.at("terminal").at("state") == "online");
}

TEST_CASE("a client that comes later gets the number from which it goes on, and the counts") {
  Site site{quick()};
  const auto session = site.open(site.make("K1"), "K1");
  auto first = site.watch();
  std::int64_t last = seq(message(first));
  site.report(session, {"printer"}, {"media-empty"});
  told_of(first, "K1", last);

  auto second = site.watch();
  const auto hello = message(second);
  std::int64_t own = seq(hello);
  CHECK(own >= last);
  // What REST tells from here on and the messages with the next numbers leave nothing out.
  CHECK(site.get("/api/v1/faults?state=open").at("items").as_array().size() == 1);
  auto told = message(second);
  CHECK(seq(told) == ++own);
  while (!told.contains("figures")) told = message(second);
  CHECK(told.at("figures").at("open_faults") == 1);
  CHECK(told.at("figures").at("open_orders") == 1);
  CHECK(told.at("figures").at("terminals_by_state").at("fault") == 1);
}

TEST_CASE("what changes again and again is gathered into few messages") {
  LiveLimits limits;
  limits.gather = 100ms;
  Site site{limits};
  const auto session = site.open(site.make("K1"), "K1");
  auto client = site.watch();
  const auto from = seq(message(client));
  constexpr int changes = 41;
  for (int i = 0; i < changes; ++i) {
    site.report(session, {"printer"}, i % 2 == 0 ? Codes{"cover-open"} : Codes{});
  }
  site.report(session, {"printer"}, {"media-empty"});
  std::int64_t last = from;
  for (bool done = false; !done;) {
    const auto faults = told_of(client, "K1", last).at("faults").as_array();
    done = faults.size() == 1 && faults[0].at("code") == "media-empty";
  }
  CHECK(last - from < changes / 2);
}

TEST_CASE("more changed terminals than one message may tell: everybody reads anew") {
  auto limits = quick();
  limits.terminals = 3;
  limits.respite = 1ms;
  Site site{limits};
  auto client = site.watch();
  auto told = message(client);
  site.commit([](Work& work) -> Result<void> {
    for (const auto* code : {"A", "B", "C", "D"}) {
      work.touch(work.store().make_terminal(code, work.now()));
    }
    return {};
  });
  const auto from = seq(told);
  do {
    told = message(client);
  } while (told.at("type") == "changes");
  CHECK(told.at("type") == "resync");
  CHECK(site.get("/api/v1/terminals").at("items").as_array().size() == 4);
  // After it the numbers go on.
  std::int64_t last = seq(told);
  CHECK(last > from);
  site.make("E");
  CHECK(told_of(client, "E", last).at("terminal").at("terminal_code") == "E");
}

TEST_CASE("a client that does not read costs a bounded queue and no other client anything") {
  auto limits = quick();
  limits.queue_bytes = 64 * 1024;
  Site site{limits};
  const auto session = site.open(site.make("K1"), "K1");
  // Many faults make each message large: what the system buffers for a socket is soon full.
  Codes all;
  for (const auto& row : wire::standard_conditions()) {
    if (row.severity == wire::Severity::fault) all.push_back(row.code);
  }
  site.report(session, {"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"}, all);
  constexpr int small = 4096;
  WebSocketClient slow{site.at.port, "/api/v1/live", {}, small};
  CHECK(slow.status() == 101);
  auto fast = site.watch();
  std::int64_t last = seq(message(fast));
  for (int i = 0; i < 150; ++i) {
    site.report(session, {"other"}, i % 2 == 0 ? Codes{"cover-open"} : Codes{});
    told_of(fast, "K1", last);
  }
  // Now it reads: it is told to read anew, and nothing is missing after that.
  CHECK(message(slow).at("type") == "hello");
  auto told = message(slow);
  std::int64_t own = seq(told);
  int resyncs = 0;
  while (own < last) {
    told = message(slow);
    if (told.at("type") == "resync") {
      ++resyncs;
      CHECK(seq(told) > own + 1);
      own = seq(told);
    } else {
      REQUIRE(seq(told) == ++own);
    }
  }
  CHECK(resyncs >= 1);
  site.report(session, {"other"}, {"media-jam"});
  told_of(slow, "K1", own);
}

TEST_CASE("one client more than may watch is sent away, and there is room when one leaves") {
  auto limits = quick();
  limits.clients = 1;
  limits.heartbeat = 50ms;
  Site site{limits};
  {
    auto first = site.watch();
    CHECK(message(first).at("type") == "hello");
    auto second = site.watch();
    CHECK_FALSE(second.next());
    CHECK(second.close_code() == 1013);
  }
  bool room = false;
  for (int i = 0; i < 1000 && !room; ++i) room = site.watch().next().has_value();
  CHECK(room);
}

TEST_CASE("a client that talks is closed; one that says too much too") {
  Site site{quick()};
  auto talker = site.watch();
  message(talker);
  talker.say("{}");
  while (talker.next()) {
  }
  CHECK(talker.close_code() == 1008);
  auto flooder = site.watch();
  message(flooder);
  flooder.say(std::string(link::text_limit + 1, 'x'));
  while (flooder.next()) {
  }
  CHECK(flooder.close_code() == 1009);
}

TEST_CASE("a client that answers no ping is cut; one that does goes on") {
  link::HttpLimits http;
  http.silence = 400ms;
  Site site{quick(), http};
  auto dead = site.watch();
  CHECK(dead.ends_without_an_answer());
  auto alive = site.watch();
  message(alive);
  const auto until = std::chrono::steady_clock::now() + 1500ms;
  while (std::chrono::steady_clock::now() < until) alive.next(100ms);
  std::int64_t last = 0;
  site.make("K2");
  json::object told = message(alive);
  last = seq(told);
  CHECK(last >= 1);
  CHECK(alive.close_code() == 0);
}

TEST_CASE("only pages of the collector itself may watch") {
  Site site;
  const auto own = "127.0.0.1:" + std::to_string(site.at.port);
  CHECK(site.watch({{"Origin", "http://" + own}}).status() == 101);
  CHECK(site.watch({{"Origin", "http://" + own}, {"Sec-Fetch-Site", "same-origin"}}).status() ==
        101);
  CHECK(site.watch({{"Origin", "http://evil.example"}}).status() == 403);
  CHECK(site.watch({{"Origin", "null"}}).status() == 403);
  CHECK(site.watch({{"Origin", "http://127.0.0.1:1"}}).status() == 403);
  CHECK(site.watch({{"Sec-Fetch-Site", "cross-site"}}).status() == 403);
  CHECK(site.watch({{"Host", "evil.example"}, {"Origin", "http://evil.example"}}).status() == 403);
  CHECK(WebSocketClient{site.at.port, "/api/v1/orders"}.status() == 404);
  const auto plain = site.ask("GET", "/api/v1/live");
  CHECK(plain.status == 426);
  CHECK(plain.headers.at("upgrade") == "websocket");
}

TEST_CASE("only pages of the collector itself may act") {
  Site site;
  const auto session = site.open(site.make("K1"), "K1");
  site.report(session, {"printer"}, {"media-empty"});
  const auto orders = site.get("/api/v1/orders?state=open").at("items").as_array();
  REQUIRE(orders.size() == 1);
  const auto path = "/api/v1/orders/" + std::string{orders[0].at("number").as_string()};
  const auto own = "http://127.0.0.1:" + std::to_string(site.at.port);
  for (const std::map<std::string, std::string>& from :
       std::vector<std::map<std::string, std::string>>{{{"origin", "http://evil.example"}},
                                                       {{"origin", "null"}},
                                                       {{"sec-fetch-site", "cross-site"}},
                                                       {{"sec-fetch-site", "same-site"}},
                                                       {{"host", "evil.example"}}}) {
    CHECK(site.ask("POST", path + "/accept", from).status == 403);
  }
  CHECK(site.ask("POST", path + "/accept", {{"content-type", "text/plain"}}, "{}").status == 415);
  CHECK(site.get(path).at("state") == "dispatched");
  CHECK(site.ask("POST", path + "/accept",
                 {{"origin", own},
                  {"sec-fetch-site", "same-origin"},
                  {"content-type", "application/json"}},
                 "{}")
            .status == 200);
  CHECK(site.get(path).at("state") == "accepted");
}

TEST_CASE("the page is served for strict browsers, and again only when it has changed") {
  Site site;
  for (const auto* path : {"/", "/page.css", "/page.js", "/dom.js", "/feed.js", "/words.js"}) {
    const auto file = site.ask("GET", path);
    CHECK(file.status == 200);
    CHECK_FALSE(file.body.empty());
    const auto& policy = file.headers.at("content-security-policy");
    CHECK(policy.find("default-src 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(file.headers.at("x-content-type-options") == "nosniff");
    CHECK(file.headers.at("referrer-policy") == "no-referrer");
    const auto again = site.ask("GET", path, {{"if-none-match", file.headers.at("etag")}});
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(site.ask("GET", path, {{"if-none-match", "\"other\""}}).status == 200);
  }
  CHECK(site.ask("GET", "/index.html").status == 404);
  CHECK(site.ask("GET", "/../collector.db").status == 404);
  CHECK(site.ask("GET", "/", {{"host", "evil.example"}}).status == 403);
}

TEST_CASE("terminals are found by a part of code or name, which stands for itself") {
  Site site;
  for (const auto* code : {"GD-GZ-0001", "GD-SZ-0001", "GD_SZ%0002"}) site.make(code);
  const auto found = [&](const std::string& q) {
    return site.get("/api/v1/terminals?q=" + q).at("items").as_array().size();
  };
  CHECK(found("") == 3);
  CHECK(found("sz") == 2);
  CHECK(found("0001") == 2);
  CHECK(found("%25") == 1);
  CHECK(found("D_S") == 1);
  CHECK(found("!") == 0);
  CHECK(site.get("/api/v1/terminals?q=GD-&limit=1").at("next_cursor") == "GD-GZ-0001");
}

TEST_CASE("what codes of conditions say is told in both languages") {
  Site site;
  const auto told = site.get("/api/v1/conditions");
  for (const auto& row : told.at("items").as_array()) {
    if (row.at("code") != "media-empty") continue;
    CHECK(row.at("zh") == "缺纸");
    CHECK(row.at("en") == "out of paper");
    return;
  }
  FAIL("media-empty is not among them");
}
