// The data assistant over real sockets, with a real outbox behind it.
#include "agent/local_api/assistant.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "common/link/connect.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

/// The system's clocks, moved on by tests.
class MovedClock final : public Clock {
 public:
  WallTime wall() const override { return system_.wall() + shift.load(); }
  MonoTime mono() const override { return system_.mono() + shift.load(); }
  std::atomic<Duration> shift{Duration{0}};

 private:
  SystemClock system_;
};

Task<void> fetch(link::Endpoint at, link::HttpRequest request,
                 std::optional<link::HttpResponse>& out) {
  auto answer = co_await link::http_request(at, nullptr, std::move(request), 10s);
  out = answer ? std::move(*answer) : link::HttpResponse{0, {}, answer.error().text()};
}

/// Writes the bytes and reads until the other end closes.
Task<void> talk(link::Endpoint at, std::string bytes, std::optional<std::string>& out) {
  auto socket = co_await link::connect_tcp(at, 5s);
  if (!socket) {
    out = "no connection";
    co_return;
  }
  link::PlainBytes pipe{*socket};
  co_await link::write_all(pipe, bytes);
  std::string got;
  for (;;) {
    char chunk[4096];
    const auto moved = co_await pipe.read_some(asio::buffer(chunk));
    got.append(chunk, moved.n);
    if (moved.ec) break;
  }
  out = got;
}

struct Bed {
  explicit Bed(std::filesystem::path data = {}) {
    settings.on = true;
    settings.listen = {"127.0.0.1", 0};
    settings.token_file = (folder / "token").string();
    settings.origins = {"http://localhost:8080"};
    options.folder = data.empty() ? folder.path() : data;
    options.reserve = 0;
    start();
  }
  ~Bed() { assistant->stop(); }

  void start() {
    auto outbox = std::make_unique<Outbox>(options, clock, "boot", ++epoch);
    journal = std::make_unique<Journal>(std::move(outbox), clock);
    Assistant::Hands hands;
    hands.devices = [this] { return devices(); };
    hands.device_result = [this](const std::string& device, DeviceResult result,
                                 Lang lang) -> Result<void> {
      const Text disabled{"card 已停用", "card is disabled"};
      if (device == "card" && !watched) return Error{Errc::refused, std::string{disabled.in(lang)}};
      results.push_back(std::move(result));
      return {};
    };
    hands.used = [this](const pb::ConsumableUse& use, Lang lang) -> Result<void> {
      uses.push_back(use);
      const Text none{"receipt 没有 toner", "receipt has no toner"};
      if (use.type() == "toner") return Error{Errc::invalid, std::string{none.in(lang)}};
      return {};
    };
    assistant = std::make_unique<Assistant>(io.get_executor(), *journal, serving, clock, "boot",
                                            std::move(hands));
    assistant->use(settings, Lang::en, {"receipt", "card"});
    REQUIRE(assistant->address());
    at = *assistant->address();
    token = *platform_token();
  }
  std::optional<std::string> platform_token() const {
    std::ifstream in{settings.token_file};
    std::string line;
    if (!std::getline(in, line)) return std::nullopt;
    return line;
  }
  Task<json::array> devices() {
    json::object device{{"name", "receipt"}, {"health", "fault"}, {"port", "serial:/dev/ttyS0"}};
    co_return json::array{std::move(device)};
  }

  template <class T>
  T wait(std::optional<T>& out) {
    for (int i = 0; i < 4'000 && !out; ++i) {
      io.restart();
      io.run_for(5ms);
    }
    REQUIRE(out);
    return *out;
  }
  link::HttpResponse ask(std::string method, std::string path, std::string body = {},
                         std::map<std::string, std::string> headers = {}) {
    headers.try_emplace("authorization", "Bearer " + token);
    if (!body.empty()) headers.try_emplace("content-type", "application/json");
    link::HttpRequest request{
        std::move(method), std::move(path), std::move(headers), std::move(body), {}};
    std::optional<link::HttpResponse> out;
    spawn(io, "test", fetch(at, std::move(request), out));
    return wait(out);
  }
  link::HttpResponse post(std::string path, std::string body,
                          std::map<std::string, std::string> headers = {}) {
    return ask("POST", std::move(path), std::move(body), std::move(headers));
  }
  std::string raw(std::string bytes) {
    std::optional<std::string> out;
    spawn(io, "test", talk(at, std::move(bytes), out));
    return wait(out);
  }
  /// What the outbox holds, one class a word.
  std::string kept() {
    std::optional<std::string> out;
    spawn(io, "test", read(*journal, out));
    return wait(out);
  }
  static Task<void> read(Journal& journal, std::optional<std::string>& out) {
    const auto list = [](Outbox& outbox) {
      std::string text;
      const auto rows = outbox.newest(1'000);
      for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
        text += text.empty() ? "" : " ";
        text += wire::row(it->second.event_class).name;
      }
      return text;
    };
    out = co_await journal.ask(list);
  }

  tests::TempFolder folder;
  MovedClock clock;
  asio::io_context io{1};
  Outbox::Options options;
  std::uint64_t epoch = 0;
  AssistantSettings settings;
  Serving serving;
  std::vector<DeviceResult> results;
  bool watched = true;
  std::vector<pb::ConsumableUse> uses;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Assistant> assistant;
  link::Endpoint at;
  std::string token;
};

std::string at(const link::HttpResponse& response, std::string_view pointer) {
  boost::system::error_code wrong;
  const auto value = json::parse(response.body, wrong);
  const auto* found = wrong ? nullptr : value.find_pointer(pointer, wrong);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string{std::string_view{found->get_string()}}
                            : json::serialize(*found);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is answered with 2xx is in the outbox, in order") {
  Bed bed;
  CHECK(bed.post("/v1/sessions", R"({"id":"s1"})").status == 201);
  CHECK(bed.post("/v1/clicks", R"({"id":"c1","clicks":[{"item":"社保"}]})").status == 201);
  const auto done =
      bed.post("/v1/transactions", R"({"id":"t1","business":"sb","result":"succeeded"})");
  CHECK(done.status == 201);
  CHECK(at(done, "/id") == "t1");
  CHECK_FALSE(done.headers.contains("idempotency-replayed"));
  const auto used = bed.post(
      "/v1/consumable-use",
      R"({"id":"u1","device":"receipt","type":"receipt_paper","amount":0.2,"unit":"metres"})");
  CHECK(used.status == 201);
  CHECK(bed.post("/v1/sessions/s1/end", R"({"reason":"completed"})").status == 200);
  CHECK(bed.kept() == "session click business consumable session");
  const auto again =
      bed.post("/v1/transactions", R"({"id":"t1","business":"sb","result":"succeeded"})");
  CHECK(again.status == 201);
  CHECK(again.body == done.body);
  CHECK(again.headers.at("idempotency-replayed") == "true");
  CHECK(bed.kept() == "session click business consumable session");
  REQUIRE(bed.uses.size() == 1);
  CHECK(bed.uses[0].device() == "receipt");
}

TEST_CASE("a use told twice is counted once, and of a device that there is") {
  Bed bed;
  const std::string use =
      R"({"id":"u1","device":"receipt","type":"receipt_paper","amount":2,"unit":"sheets"})";
  CHECK(bed.post("/v1/consumable-use", use).status == 201);
  CHECK(bed.post("/v1/consumable-use", use).status == 201);
  CHECK(bed.uses.size() == 1);
  // The use stands; that the level does not know of it is said.
  const auto strange =
      bed.post("/v1/consumable-use",
               R"({"id":"u3","device":"receipt","type":"toner","amount":2,"unit":"percent"})");
  CHECK(strange.status == 201);
  CHECK(at(strange, "/not_counted") == "receipt has no toner");
  const auto zh =
      bed.post("/v1/consumable-use",
               R"({"id":"u4","device":"receipt","type":"toner","amount":2,"unit":"percent"})",
               {{"accept-language", "zh-CN"}});
  CHECK(at(zh, "/not_counted") == "receipt 没有 toner");
  const auto unknown =
      bed.post("/v1/consumable-use",
               R"({"id":"u2","device":"printer","type":"a4_paper","amount":2,"unit":"sheets"})");
  CHECK(unknown.status == 400);
  CHECK(at(unknown, "/code") == "unknown-device");
  CHECK(at(unknown, "/field") == "device");
  CHECK(bed.kept() == "consumable consumable consumable");
}

TEST_CASE(
    "device results reach the rest of the agent, and status shows devices without their ports") {
  Bed bed;
  CHECK(bed.post("/v1/device-results",
                 R"({"device":"card","worked":false,"vendor_code":"-201","detail":"jam"})")
            .status == 202);
  REQUIRE(bed.results.size() == 1);
  CHECK(bed.results[0].vendor_code == "-201");
  CHECK_FALSE(bed.results[0].worked);
  bed.watched = false;
  const auto unwatched = bed.post("/v1/device-results", R"({"device":"card","worked":true})");
  CHECK(unwatched.status == 409);
  CHECK(at(unwatched, "/message") == "card is disabled");
  const auto zh = bed.post("/v1/device-results", R"({"device":"card","worked":true})",
                           {{"accept-language", "zh-CN,en;q=0.5"}});
  CHECK(at(zh, "/code") == "device-not-watched");
  CHECK(at(zh, "/message") == "card 已停用");
  CHECK(bed.post("/v1/device-results", R"({"device":"none","worked":true})").status == 400);
  const auto status = bed.ask("GET", "/v1/status");
  CHECK(status.status == 200);
  CHECK(at(status, "/devices/0/health") == "fault");
  CHECK(at(status, "/session").empty());
  CHECK_FALSE(has(status.body, "ttyS0"));
  CHECK(bed.ask("GET", "/v1/openapi.yaml").body.starts_with("openapi: 3"));
}

TEST_CASE("what is refused says why, in the language that is asked for, and records nothing") {
  Bed bed;
  struct Row {
    const char* method;
    const char* path;
    const char* body;
    std::map<std::string, std::string> headers;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {"POST", "/v1/transactions", R"({"id":"t","colour":1})", {}, 400, "unknown-field"},
      {"POST", "/v1/transactions", R"({"id":"t")", {}, 400, "not-json"},
      {"POST", "/v1/sessions", R"({"id":"440524188001010014"})", {}, 400, "personal-data"},
      {"POST",
       "/v1/sessions",
       R"({"id":"s"})",
       {{"authorization", "Bearer x"}},
       401,
       "wrong-token"},
      {"POST", "/v1/sessions", R"({"id":"s"})", {{"authorization", ""}}, 401, "no-token"},
      {"POST", "/v1/sessions", R"({"id":"s"})", {{"host", "evil.example.com"}}, 403, "wrong-host"},
      {"POST",
       "/v1/sessions",
       R"({"id":"s"})",
       {{"origin", "http://evil.example.com"}},
       403,
       "wrong-origin"},
      {"GET", "/v1/nothing", "", {}, 404, "no-such-path"},
      {"GET", "/", "", {}, 404, "no-such-path"},
      {"GET", "/v1/sessions/../status", "", {}, 404, "no-such-path"},
      {"POST", "/v1/sessions/a/b/end", R"({"reason":"failed"})", {}, 404, "no-such-path"},
      {"POST", "/v1/sessions/s/end", R"({"reason":"failed"})", {}, 404, "no-such-session"},
      {"GET", "/v1/sessions", "", {}, 405, "wrong-method"},
      {"DELETE", "/v1/clicks", "", {}, 405, "wrong-method"},
      {"POST", "/v1/status", "{}", {}, 405, "wrong-method"},
      {"POST", "/v1/sessions", R"({"id":"s"})", {{"content-type", "text/plain"}}, 415, "not-json"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.body);
    const auto en = bed.ask(row.method, row.path, row.body, row.headers);
    CHECK(en.status == row.status);
    CHECK(at(en, "/code") == row.code);
    auto headers = row.headers;
    headers["accept-language"] = "zh-CN,zh;q=0.9";
    const auto zh = bed.ask(row.method, row.path, row.body, headers);
    CHECK(at(zh, "/code") == row.code);
    CHECK(at(zh, "/message") != at(en, "/message"));
    CHECK_FALSE(at(zh, "/message").empty());
    CHECK(zh.headers.at("content-language") == "zh-CN");
  }
  CHECK(bed.ask("GET", "/v1/clicks").headers.at("allow") == "POST");
  CHECK(bed.post("/v1/sessions", "{}", {{"authorization", "Bearer x"}})
            .headers.contains("www-authenticate"));
  CHECK(bed.kept().empty());
}

TEST_CASE("a page may ask only when its origin is listed") {
  Bed bed;
  const std::map<std::string, std::string> question{
      {"origin", "http://localhost:8080"},
      {"authorization", ""},
      {"access-control-request-method", "POST"},
      {"access-control-request-headers", "authorization,content-type"}};
  const auto yes = bed.ask("OPTIONS", "/v1/clicks", {}, question);
  CHECK(yes.status == 204);
  CHECK(yes.headers.at("access-control-allow-origin") == "http://localhost:8080");
  CHECK(has(yes.headers.at("access-control-allow-headers"), "authorization"));
  auto foreign = question;
  foreign["origin"] = "http://localhost:8081";
  const auto no = bed.ask("OPTIONS", "/v1/clicks", {}, foreign);
  CHECK(no.status == 403);
  CHECK_FALSE(no.headers.contains("access-control-allow-origin"));
  const auto answer = bed.post("/v1/clicks", R"({"id":"c","clicks":[{"item":"a"}]})",
                               {{"origin", "http://localhost:8080"}});
  CHECK(answer.status == 201);
  CHECK(answer.headers.at("access-control-allow-origin") == "http://localhost:8080");
  // A question without an Origin is no browser's: it is a method like any other.
  CHECK(bed.ask("OPTIONS", "/v1/clicks").status == 405);
}

TEST_CASE("huge, broken and slow requests are cut short and worded like the others") {
  Bed bed;
  const auto large =
      bed.post("/v1/clicks", std::string(65 * 1024, ' '), {{"accept-language", "zh"}});
  CHECK(large.status == 413);
  CHECK(at(large, "/code") == "too-large");
  CHECK(large.headers.at("content-language") == "zh-CN");
  const auto announced = bed.raw(
      "POST /v1/clicks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\n");
  CHECK(announced.starts_with("HTTP/1.1 413 "));
  CHECK(has(announced, "\"too-large\""));
  const auto chunked = bed.raw(
      "POST /v1/clicks HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" +
      std::string(0x20000, 'x') + "\r\n0\r\n\r\n");
  CHECK(chunked.starts_with("HTTP/1.1 413 "));
  const auto header =
      bed.raw("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + std::string(20 * 1024, 'a') +
              "\r\n\r\n");
  CHECK(header.starts_with("HTTP/1.1 431 "));
  CHECK(has(header, "\"header-too-large\""));
  const auto garbage = bed.raw("\x16\x03\x01\x02garbage\r\n\r\n");
  CHECK(garbage.starts_with("HTTP/1.1 400 "));
  CHECK(has(garbage, "\"bad-request\""));
  // Half a request, then silence: closed without an answer, and others are served meanwhile.
  std::optional<std::string> slow;
  spawn(bed.io, "slow",
        talk(bed.at, "POST /v1/clicks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
             slow));
  CHECK(bed.ask("GET", "/v1/status").status == 200);
  CHECK_FALSE(slow);
  CHECK(bed.wait(slow).empty());
  CHECK(bed.kept().empty());
}

TEST_CASE("a runaway page is held back, counted and told") {
  Bed bed;
  bed.settings.events_per_s = 5;
  bed.assistant->use(bed.settings, Lang::en, {});
  bed.at = *bed.assistant->address();
  std::string batch = R"("clicks":[)";
  for (int i = 0; i < 50; ++i) batch += std::string{i == 0 ? "" : ","} + R"({"item":"a"})";
  batch += "]}";
  int held_back = 0;
  for (int i = 0; i < 5; ++i) {
    const auto answer = bed.post("/v1/clicks", R"({"id":"c)" + std::to_string(i) + "\"," + batch);
    if (answer.status == 201) continue;
    CHECK(answer.status == 429);
    CHECK(at(answer, "/code") == "too-many");
    CHECK(std::stoi(answer.headers.at("retry-after")) >= 1);
    ++held_back;
  }
  CHECK(held_back == 3);
  CHECK(bed.assistant->status().at("throttled") == 3);
  CHECK(bed.kept() == "click click");
  spawn(bed.io, "assistant", bed.assistant->run());
  for (int i = 0; i < 1'000 && bed.kept() == "click click"; ++i) bed.io.run_for(5ms);
  CHECK(bed.kept() == "click click agent");
  // Time gives room again.
  bed.clock.shift = 1min;
  CHECK(bed.post("/v1/clicks", R"({"id":"c9",)" + batch).status == 201);
}

TEST_CASE("a session that is never ended times out by itself") {
  Bed bed;
  spawn(bed.io, "assistant", bed.assistant->run());
  bed.post("/v1/sessions", R"({"id":"s1","application":"hall"})");
  CHECK(bed.assistant->status().at("session").at("id") == "s1");
  bed.clock.shift = 9min;
  CHECK(bed.ask("GET", "/v1/status").status == 200);
  CHECK(bed.serving.active());
  bed.clock.shift = 11min;
  for (int i = 0; i < 1'000 && bed.serving.active(); ++i) {
    bed.io.restart();
    bed.io.run_for(5ms);
  }
  CHECK_FALSE(bed.serving.active());
  CHECK(bed.assistant->status().at("last_session").at("reason") == "timeout");
  const auto late = bed.post("/v1/sessions/s1/end", R"({"reason":"completed"})");
  CHECK(late.status == 409);
  CHECK(at(late, "/code") == "session-over");
  CHECK(has(at(late, "/message"), "timeout"));
  CHECK(bed.kept() == "session session");
}

TEST_CASE("an outbox that is only in memory acknowledges nothing") {
  const tests::TempFolder none;
  Bed bed{none.path() / "a" / "b"};
  const auto refused =
      bed.post("/v1/transactions", R"({"id":"t1","business":"sb","result":"succeeded"})");
  CHECK(refused.status == 503);
  CHECK(at(refused, "/code") == "not-kept");
  CHECK(refused.headers.contains("retry-after"));
  CHECK(bed.post("/v1/device-results", R"({"device":"card","worked":true})").status == 503);
  CHECK(bed.assistant->status().at("not_kept") == 2);
}

TEST_CASE("settings take effect while the agent runs, and what keeps it from serving is told") {
  Bed bed;
  const auto before = bed.at;
  bed.assistant->use(bed.settings, Lang::en, {"receipt"});
  CHECK(bed.assistant->address()->port == before.port);
  auto off = bed.settings;
  off.on = false;
  bed.assistant->use(off, Lang::en, {});
  CHECK_FALSE(bed.assistant->address());
  CHECK(bed.raw("GET / HTTP/1.1\r\n\r\n") == "no connection");
  auto broken = bed.settings;
  broken.token_file = (bed.folder / "none").string() + "/token";
  bed.assistant->use(broken, Lang::en, {});
  CHECK_FALSE(bed.assistant->address());
  CHECK_FALSE(bed.assistant->status().at("problem").is_null());
  CHECK(bed.kept() == "agent");
  bed.assistant->use(bed.settings, Lang::en, {});
  REQUIRE(bed.assistant->address());
  CHECK(bed.assistant->status().at("problem").is_null());
  bed.at = *bed.assistant->address();
  CHECK(bed.ask("GET", "/v1/status").status == 200);
}

TEST_CASE("switched off with a session open: nobody is served any more") {
  Bed bed;
  CHECK(bed.post("/v1/sessions", R"({"id":"s1"})").status == 201);
  CHECK(bed.serving.active());
  auto off = bed.settings;
  off.on = false;
  bed.assistant->use(off, Lang::en, {});
  CHECK(bed.kept() == "session session");
  CHECK_FALSE(bed.serving.active());
  CHECK(bed.assistant->status().at("last_session").at("reason") == "switched-off");
  // On again: the session is over, and new ones are taken.
  bed.assistant->use(bed.settings, Lang::en, {});
  bed.at = *bed.assistant->address();
  CHECK(bed.post("/v1/sessions/s1/end", R"({"reason":"completed"})").status == 409);
  CHECK(bed.post("/v1/sessions", R"({"id":"s2"})").status == 201);
  CHECK(bed.kept() == "session session session");
  CHECK(bed.serving.active());
}

TEST_CASE("a session times out although what serves it is gone") {
  Bed bed;
  spawn(bed.io, "assistant", bed.assistant->run());
  bed.post("/v1/sessions", R"({"id":"s1"})");
  auto broken = bed.settings;
  broken.token_file = (bed.folder / "none").string() + "/token";
  bed.assistant->use(broken, Lang::en, {});
  CHECK_FALSE(bed.assistant->address());
  CHECK(bed.serving.active());
  bed.clock.shift = 11min;
  for (int i = 0; i < 1'000 && bed.serving.active(); ++i) {
    bed.io.restart();
    bed.io.run_for(5ms);
  }
  CHECK_FALSE(bed.serving.active());
  CHECK(bed.assistant->status().at("last_session").at("reason") == "timeout");
}

TEST_CASE("who may not ask keeps no connection") {
  Bed bed;
  const std::string request = "GET /v1/status HTTP/1.1\r\nHost: ";
  for (const auto* rest : {"127.0.0.1\r\n\r\n", "127.0.0.1\r\nAuthorization: Bearer x\r\n\r\n",
                           "evil.example.com\r\n\r\n"}) {
    CAPTURE(rest);
    const auto begun = bed.clock.mono();
    const auto answer = bed.raw(request + rest);
    CHECK(has(answer, "Connection: close"));
    CHECK(bed.clock.mono() - begun < 5s);  // not after the time for an idle connection
  }
}
