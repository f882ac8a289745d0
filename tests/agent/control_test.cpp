#include <atomic>
#include <functional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "common/platform/control_client.hpp"
#include "common/platform/control_endpoint.hpp"
#include "common/platform/control_server.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

Task<Result<json::object>> answer(std::string verb, json::object args) {
  if (verb == "slow") co_await sleep_for(200ms);
  if (verb != "echo" && verb != "slow") co_return Error{Errc::unsupported, "no such verb"};
  json::object out;
  out["said"] = std::move(args);
  co_return out;
}

/// Sends as many lines as it is told, of any length; without a number until the client goes.
struct Counter {
  std::atomic<int> sent{0};
  std::atomic<bool> over{false};

  Task<Result<void>> run(json::object args, platform::ControlServer::Lines& to) {
    const auto* limit = args.if_contains("limit");
    const auto* size = args.if_contains("size");
    const std::string pad(size == nullptr ? 1 : size->to_number<std::size_t>(), 'x');
    for (int i = 0; limit == nullptr || i < limit->to_number<int>(); ++i) {
      json::object line;
      line["n"] = i;
      line["pad"] = pad;
      const bool taken = co_await to.send(std::move(line));
      if (!taken) break;
      sent = i + 1;
      if (limit == nullptr && size == nullptr) co_await sleep_for(1ms);
    }
    over = true;
    if (args.contains("fail")) co_return Error{Errc::storage, "no more"};
    co_return Result<void>{};
  }
};

/// The server on a thread of its own, as in the agent.
struct Served {
  explicit Served(const platform::ControlServer::Limits& limits = {})
      : server(io.get_executor(), "status", answer, limits) {
    server.follow("count", [this](json::object args, platform::ControlServer::Lines& to) {
      return counter.run(std::move(args), to);
    });
    REQUIRE(server.listen(folder / "control.sock"));
    thread = std::thread{[this] { io.run(); }};
  }
  ~Served() {
    asio::post(io, [this] {
      server.stop();
      io.stop();
    });
    thread.join();
  }
  /// Waits for what the other thread does.
  bool eventually(const std::function<bool()>& holds) const {
    const SystemClock clock;
    const auto limit = clock.mono() + 10s;
    asio::io_context waiting{1};
    while (!holds() && clock.mono() < limit) {
      asio::steady_timer timer{waiting, 5ms};
      timer.wait();
    }
    return holds();
  }

  tests::TempFolder folder;
  Counter counter;
  asio::io_context io{1};
  platform::ControlServer server;
  std::thread thread;
};

struct Client {
  explicit Client(const Served& served)
      : call(*platform::ControlCall::connect(served.folder / "control.sock", 10s)) {}
  void say(std::string_view bytes) {
    // A server that hung up shows in what is heard.
    [[maybe_unused]] const auto sent = call.send(bytes);
  }
  /// The next line, empty when the connection is closed.
  std::string hear() {
    auto end = heard.find('\n');
    while (end == std::string::npos) {
      const auto got = call.receive();
      if (!got || got->empty()) return {};
      heard += *got;
      end = heard.find('\n');
    }
    auto line = heard.substr(0, end);
    heard.erase(0, end + 1);
    return line;
  }
  platform::ControlCall call;
  std::string heard;
};

}  // namespace

TEST_CASE("a question is answered with its id, a wrong one with a reason and a hint") {
  const Served served;
  Client client{served};
  client.say("{\"id\":7,\"verb\":\"echo\",\"args\":{\"a\":1}}\n");
  CHECK(client.hear() == R"({"id":7,"ok":true,"said":{"a":1}})");
  client.say("{\"id\":\"x\",\"verb\":\"dance\"}\n");
  const auto refused = json::parse(client.hear());
  CHECK(refused.at("id") == "x");
  CHECK(refused.at("ok") == false);
  CHECK(refused.at("error").at("code") == "unsupported");
  CHECK(refused.at("error").at("hint").is_string());
}

TEST_CASE("garbage is answered and the connection goes on") {
  const Served served;
  Client client{served};
  for (const std::string_view garbage :
       {std::string_view{"\n"}, std::string_view{"{\n"}, std::string_view{"[1,2]\n"},
        std::string_view{"\0\xff\xfe\n", 4}, std::string_view{"{\"verb\":7}\n"}}) {
    client.say(garbage);
    CHECK(json::parse(client.hear()).at("ok") == false);
  }
  client.say(std::string(40'000, '[') + "\n");
  CHECK(json::parse(client.hear()).at("ok") == false);
  client.say("{\"id\":1,\"verb\":\"echo\"}\n");
  CHECK(json::parse(client.hear()).at("ok") == true);
}

TEST_CASE("a line without end is refused and closed, others are served on") {
  const Served served;
  Client endless{served};
  endless.say(std::string(70'000, 'x'));
  CHECK(json::parse(endless.hear()).at("ok") == false);
  CHECK(endless.hear().empty());
  Client other{served};
  other.say("{\"id\":1,\"verb\":\"echo\"}\n");
  CHECK(json::parse(other.hear()).at("ok") == true);
}

TEST_CASE("several questions in one packet are answered in order") {
  const Served served;
  Client client{served};
  client.say("{\"id\":1,\"verb\":\"echo\"}\n{\"id\":2,\"verb\":\"echo\"}\n{\"id\":3,\"verb\":");
  CHECK(json::parse(client.hear()).at("id") == 1);
  CHECK(json::parse(client.hear()).at("id") == 2);
  client.say("\"echo\"}\n");
  CHECK(json::parse(client.hear()).at("id") == 3);
}

TEST_CASE("an idle connection is closed and a ninth one refused") {
  platform::ControlServer::Limits limits;
  limits.clients = 2;
  limits.idle = 50ms;
  const Served served{limits};
  Client first{served};
  first.say("{\"id\":1,\"verb\":\"echo\"}\n");
  CHECK_FALSE(first.hear().empty());
  Client second{served};
  Client third{served};
  CHECK(third.hear().empty());
  CHECK(first.hear().empty());
  CHECK(second.hear().empty());
}

TEST_CASE("an answer that takes longer than a connection may be idle arrives") {
  platform::ControlServer::Limits limits;
  limits.idle = 20ms;
  const Served served{limits};
  Client client{served};
  client.say("{\"id\":1,\"verb\":\"slow\",\"args\":{}}\n");
  CHECK(client.hear() == R"({"id":1,"ok":true,"said":{}})");
  // After it the connection is as idle as any other.
  CHECK(client.hear().empty());
}

TEST_CASE("kioskctl tells an agent that does not run from one that says no") {
  tests::TempFolder nowhere;
  const auto absent = platform::ask_control(nowhere.path(), "status", {}, 1s);
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code() == Errc::missing);
  const Served served;
  const auto refused = platform::ask_control(served.folder.path(), "status", {}, 5s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::refused);
  CHECK(platform::ask_control(served.folder.path(), "echo", {}, 5s));
}

TEST_CASE("a verb that follows sends line after line, then says how it ended") {
  const Served served;
  auto session = platform::ControlSession::open(served.folder.path(), "count", {{"limit", 3}}, 5s);
  REQUIRE(session);
  for (int i = 0; i < 3; ++i) CHECK(session->next()->at("n") == i);
  CHECK(session->next()->at("end") == true);
  CHECK(session->next().error().code() == Errc::disconnected);
  const json::object failing{{"limit", 0}, {"fail", true}};
  auto refused = platform::ControlSession::open(served.folder.path(), "count", failing, 5s);
  const auto last = refused->next();
  REQUIRE(last);
  CHECK(last->at("ok") == false);
  CHECK(last->at("error").at("code") == "storage");
}

TEST_CASE("a follower that goes ends the following at once, and outlasts the idle limit") {
  platform::ControlServer::Limits limits;
  limits.idle = 50ms;
  Served served{limits};
  {
    auto session = platform::ControlSession::open(served.folder.path(), "count", {}, 5s);
    REQUIRE(session);
    for (int i = 0; i < 100; ++i) REQUIRE(session->next());
  }
  CHECK(served.eventually([&] { return served.counter.over.load(); }));
}

TEST_CASE("a follower that takes nothing is dropped, others are served meanwhile") {
  platform::ControlServer::Limits limits;
  limits.stall = 200ms;
  Served served{limits};
  Client deaf{served};
  deaf.say("{\"id\":1,\"verb\":\"count\",\"args\":{\"size\":30000}}\n");
  CHECK(served.eventually([&] { return served.counter.sent.load() > 0; }));
  CHECK(platform::ask_control(served.folder.path(), "echo", {}, 5s));
  CHECK(served.eventually([&] { return served.counter.over.load(); }));
  CHECK(served.counter.sent < 1'000);
}

TEST_CASE("a session waits for a line that is late and goes on afterwards") {
  const Served served;
  auto session = platform::ControlSession::open(served.folder.path(), "count", {{"limit", 0}}, 1ms);
  REQUIRE(session);
  auto line = session->next();
  for (int i = 0; i < 5'000 && !line && line.error().code() == Errc::timeout; ++i) {
    line = session->next();
  }
  REQUIRE(line);
  CHECK(line->at("end") == true);
}
