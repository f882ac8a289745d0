// The live feed, asked by real clients over loopback TCP.
#include "tests/collector/site.hpp"

using namespace kw;
using namespace kw::collector_test;
using namespace std::chrono_literals;

namespace {

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
