// What the data assistant takes and what it refuses, without a network.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/local_api/bodies.hpp"
#include "agent/local_api/gate.hpp"
#include "agent/local_api/id_number.hpp"
#include "agent/local_api/rate.hpp"
#include "agent/local_api/settings.hpp"
#include "agent/local_api/token.hpp"
#include "common/platform/files.hpp"
#include "common/wire/codec.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

/// "code field" of what is wrong with a body; empty when nothing is.
std::string verdict(const std::string& path, const std::string& text) {
  auto body = read_body(text);
  auto wrong = body.wrong;
  if (!wrong && path == "sessions") wrong = read_session(body.value).wrong;
  if (!wrong && path == "end") wrong = read_session_end(body.value).wrong;
  if (!wrong && path == "transactions") wrong = read_transaction(body.value).wrong;
  if (!wrong && path == "clicks") wrong = read_clicks(body.value).wrong;
  if (!wrong && path == "use") wrong = read_use(body.value).wrong;
  if (!wrong && path == "results") wrong = read_device_result(body.value).wrong;
  if (!wrong) return {};
  CHECK(wrong->status == 400);
  CHECK_FALSE(wrong->zh.empty());
  CHECK_FALSE(wrong->en.empty());
  if (!wrong->field.empty()) {
    CHECK(wrong->zh.find(wrong->field) != std::string::npos);
    CHECK(wrong->en.find(wrong->field) != std::string::npos);
  }
  return wrong->code + (wrong->field.empty() ? "" : " " + wrong->field);
}

std::string clicks_of(std::size_t count) {
  std::string out = R"({"id":"c","clicks":[)";
  for (std::size_t i = 0; i < count; ++i) out += std::string{i == 0 ? "" : ","} + R"({"item":"a"})";
  return out + "]}";
}

link::HttpRequest asked(std::map<std::string, std::string> headers) {
  headers.try_emplace("host", "127.0.0.1:7090");
  return {"POST", "/v1/clicks", std::move(headers), "{}", "127.0.0.1:9"};
}

std::string gate_verdict(const std::map<std::string, std::string>& headers) {
  const Gate gate{{"http://localhost:8080", "https://app.example.cn"}, "secret"};
  const auto request = asked(headers);
  auto wrong = refuse_stranger(request, gate);
  if (!wrong) wrong = refuse_without_token(request, gate);
  return wrong ? std::to_string(wrong->status) + " " + wrong->code : "";
}

}  // namespace

TEST_CASE("every field of what applications send is bounded, and the error names it") {
  struct Row {
    const char* path;
    std::string body;
    const char* verdict;
  };
  const std::string long_id(65, 'a');
  const Row rows[] = {
      {"sessions", R"({"id":"s-1"})", ""},
      {"sessions", R"({"id":"s-1","application":"kiosk/main:2.1"})", ""},
      {"sessions", R"({})", "missing-field id"},
      {"sessions", R"([])", "not-json"},
      {"sessions", R"({"id":"s-1")", "not-json"},
      {"sessions", "", "not-json"},
      {"sessions", "{\"id\":\"\xff\xfe\"}", "not-json"},
      {"sessions", R"({"id":""})", "bad-field id"},
      {"sessions", R"({"id":7})", "bad-field id"},
      {"sessions", R"({"id":null})", "bad-field id"},
      {"sessions", R"({"id":"a b"})", "bad-field id"},
      {"sessions", R"({"id":"../x"})", "bad-field id"},
      {"sessions", R"({"id":"会话"})", "bad-field id"},
      {"sessions", R"({"id":")" + long_id + R"("})", "bad-field id"},
      {"sessions", R"({"id":")" + long_id.substr(1) + R"("})", ""},
      {"sessions", R"({"id":"s","name":"x"})", "unknown-field name"},
      {"sessions", R"({"id":"11010519491231002X"})", "personal-data id"},
      {"end", R"({"reason":"completed"})", ""},
      {"end", R"({"reason":"timeout"})", "bad-field reason"},
      {"end", R"({})", "missing-field reason"},
      {"transactions", R"({"id":"t","business":"sb:01","result":"succeeded"})", ""},
      {"transactions",
       R"({"id":"t","business":"sb","result":"failed","code":"E/17","handling_city":"440100","duration_ms":86400000,"session":"s"})",
       ""},
      {"transactions", R"({"id":"t","business":"sb"})", "missing-field result"},
      {"transactions", R"({"id":"t","result":"failed"})", "missing-field business"},
      {"transactions", R"({"id":"t","business":"社保","result":"failed"})", "bad-field business"},
      {"transactions", R"({"id":"t","business":"sb","result":"ok"})", "bad-field result"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","handling_city":"广州"})",
       "bad-field handling_city"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","handling_city":440100})",
       "bad-field handling_city"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","duration_ms":-1})",
       "bad-field duration_ms"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","duration_ms":1.5})",
       "bad-field duration_ms"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","duration_ms":86400001})",
       "bad-field duration_ms"},
      {"transactions", R"({"id":"t","business":"sb","result":"failed","id_card":"x"})",
       "unknown-field id_card"},
      {"clicks", clicks_of(1), ""},
      {"clicks", clicks_of(100), ""},
      {"clicks", clicks_of(101), "bad-field clicks"},
      {"clicks", clicks_of(0), "bad-field clicks"},
      {"clicks", R"({"id":"c","clicks":[7]})", "bad-field clicks"},
      {"clicks", R"({"id":"c","clicks":{"item":"a"}})", "bad-field clicks"},
      {"clicks",
       R"({"id":"c","clicks":[{"item":"社保查询","handling_city":"440300","count":2,"ago_ms":10}]})",
       ""},
      {"clicks", R"({"id":"c","clicks":[{"item":"a"},{"item":"a\nb"}]})",
       "bad-field clicks.1.item"},
      {"clicks", R"({"id":"c","clicks":[{"item":"a","count":0}]})", "bad-field clicks.0.count"},
      {"clicks", R"({"id":"c","clicks":[{"item":"a","x":0}]})", "unknown-field clicks.0.x"},
      {"clicks", R"({"id":"c","clicks":[{"item":"查询 440524188001010014"}]})",
       "personal-data clicks.0.item"},
      {"clicks", R"({"id":"c","clicks":[{"item":")" + std::string(129, 'a') + R"("}]})",
       "bad-field clicks.0.item"},
      {"use",
       R"({"id":"u","device":"receipt","type":"receipt_paper","amount":0.21,"unit":"metres"})", ""},
      {"use", R"({"id":"u","device":"receipt","type":"a4_paper","amount":0,"unit":"sheets"})",
       "bad-field amount"},
      {"use", R"({"id":"u","device":"receipt","type":"a4_paper","amount":1e9,"unit":"sheets"})",
       "bad-field amount"},
      {"use", R"({"id":"u","device":"receipt","type":"a4_paper","amount":"3","unit":"sheets"})",
       "bad-field amount"},
      {"use", R"({"id":"u","device":"receipt","type":"a4_paper","amount":3,"unit":"rolls"})",
       "bad-field unit"},
      {"use", R"({"id":"u","device":"a/b","type":"a4_paper","amount":3,"unit":"sheets"})",
       "bad-field device"},
      {"results", R"({"device":"card","worked":true})", ""},
      {"results", R"({"device":"card","worked":false,"vendor_code":"-201","detail":"卡未取走"})",
       ""},
      {"results", R"({"device":"card","worked":"no"})", "bad-field worked"},
      {"results", R"({"worked":true})", "missing-field device"},
      {"results",
       R"({"device":"card","worked":false,"detail":"张三 １１０１０５１９４９１２３１００２Ｘ"})",
       "personal-data detail"},
      {"results", R"({"device":"card","worked":false,"detail":")" + std::string(201, 'a') + R"("})",
       "bad-field detail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.body);
    CHECK(verdict(row.path, row.body) == row.verdict);
  }
  CHECK(verdict("sessions", std::string(20, '[') + std::string(20, ']')) == "not-json");
}

TEST_CASE("what is taken passes the collector's check") {
  const auto passes = [](auto read, auto put) {
    REQUIRE_FALSE(read.wrong);
    pb::Envelope envelope;
    auto& batch = *envelope.mutable_batch();
    batch.set_epoch(1);
    batch.set_first(1);
    batch.set_last(1);
    put(*batch.add_item()->mutable_event(), read.value);
    return static_cast<bool>(wire::decode(wire::encode(envelope)));
  };
  const std::string id(64, 'z');
  const auto body = [](const std::string& text) { return read_body(text).value; };
  CHECK(passes(read_session(body(R"({"id":")" + id + R"(","application":")" + id + R"("})")),
               [](pb::Event& e, auto& v) { *e.mutable_session() = v; }));
  CHECK(passes(read_transaction(body(R"({"id":")" + id + R"(","business":")" + id +
                                     R"(","result":"failed","code":")" + id +
                                     R"(","handling_city":"820000","session":")" + id + R"("})")),
               [](pb::Event& e, auto& v) { *e.mutable_transaction() = v; }));
  CHECK(passes(read_clicks(body(clicks_of(clicks_most))),
               [](pb::Event& e, auto& v) { *e.mutable_clicks() = v; }));
  CHECK(passes(read_use(body(R"({"id":"u","device":")" + id +
                             R"(","type":"toner_cyan","amount":100000,"unit":"percent"})")),
               [](pb::Event& e, auto& v) { *e.mutable_consumable_use() = v; }));
}

TEST_CASE("an ID-card number is found however it is written, and other numbers are not") {
  for (const char* text :
       {"11010519491231002X", "11010519491231002x", "440524188001010014", "no 440524188001010014.",
        "id=11010519491231002X;", "110105 19491231 002X", "110105-19491231-002X",
        "证件４４０５２４１８８００１０１００１４号", "440524188001010014-1",
        "1-440524188001010014", "440524188001010014 1", "2026-11010519491231002X-7",
        "1440524188001010014", "4405241880010100140", "99911010519491231002X",
        "20261122440524188001010014", "440524-18800101-0014-1"}) {
    CAPTURE(text);
    CHECK(holds_id_number(text));
  }
  for (const char* text :
       {"", "110105194912310021", "11010519491331002X", "440524188001010015", "1101051949123100",
        "20261122000000000001", "202611221530451234567", "20261122-153045-000017",
        "SB-2026-1122-153045-0001", "13800138000 20261122", "4403002026112200017",
        "0f8fad5b-d9cb-469f-a165-70867728950e", "123456789012345678"}) {
    CAPTURE(text);
    CHECK_FALSE(holds_id_number(text));
  }
}

TEST_CASE("only this kiosk's own name, listed pages and the token open the gate") {
  using Headers = std::map<std::string, std::string>;
  const std::pair<const char*, const char*> good{"authorization", "Bearer secret"};
  struct Row {
    Headers headers;
    const char* verdict;
  };
  const Row rows[] = {
      {{good}, ""},
      {{good, {"host", "localhost:7090"}}, ""},
      {{good, {"host", "[::1]:7090"}}, ""},
      {{good, {"host", "127.0.0.1"}}, ""},
      {{good, {"host", "evil.example.com"}}, "403 wrong-host"},
      {{good, {"host", "127.0.0.1.evil.example.com:7090"}}, "403 wrong-host"},
      {{good, {"host", "localhost.evil.example.com"}}, "403 wrong-host"},
      {{good, {"host", "192.168.1.7:7090"}}, "403 wrong-host"},
      {{good, {"host", "0.0.0.0:7090"}}, "403 wrong-host"},
      {{good, {"host", ""}}, "403 wrong-host"},
      {{good, {"host", "[::1"}}, "403 wrong-host"},
      {{good, {"host", "127.0.0.1, evil.example.com"}}, "403 wrong-host"},
      {{good, {"origin", "http://localhost:8080"}}, ""},
      {{good, {"origin", "https://app.example.cn"}, {"sec-fetch-site", "cross-site"}}, ""},
      {{good, {"origin", "http://localhost:8081"}}, "403 wrong-origin"},
      {{good, {"origin", "http://localhost:8080.evil.com"}}, "403 wrong-origin"},
      {{good, {"origin", "https://app.example.cn/"}}, "403 wrong-origin"},
      {{good, {"origin", "null"}}, "403 wrong-origin"},
      {{good, {"origin", "http://127.0.0.1:7090"}}, "403 wrong-origin"},
      {{good, {"sec-fetch-site", "cross-site"}}, "403 wrong-origin"},
      {{good, {"sec-fetch-site", "same-site"}}, "403 wrong-origin"},
      {{good, {"sec-fetch-site", "none"}}, ""},
      {{}, "401 no-token"},
      {{{"authorization", "secret"}}, "401 no-token"},
      {{{"authorization", "Basic c2VjcmV0"}}, "401 no-token"},
      {{{"authorization", "bearer secret"}}, ""},
      {{{"authorization", "Bearer "}}, "401 no-token"},
      {{{"authorization", "Bearer secre"}}, "401 wrong-token"},
      {{{"authorization", "Bearer secret2"}}, "401 wrong-token"},
      {{{"authorization", "Bearer Secret"}}, "401 wrong-token"},
  };
  for (const auto& row : rows) {
    for (const auto& [name, value] : row.headers) CAPTURE(name + ": " + value);
    CHECK(gate_verdict(row.headers) == row.verdict);
  }
  CHECK(refuse_without_token(asked({{"authorization", "Bearer x"}}), Gate{{}, ""}));
}

TEST_CASE("the rate lets ten seconds' worth through at once and then so many a second") {
  Rate rate{20};
  auto now = mono_from(1'000'000'000);
  int taken = 0;
  for (int i = 0; i < 1'000; ++i) taken += rate.take(1, now) ? 1 : 0;
  CHECK(taken == 200);
  CHECK(rate.wait_s(1) == 1);
  CHECK(rate.wait_s(100) == 5);
  for (int i = 0; i < 1'000; ++i) {
    now += 10ms;
    taken += rate.take(1, now) ? 1 : 0;
  }
  CHECK(taken >= 399);
  CHECK(taken <= 401);
  CHECK_FALSE(rate.take(1, now - 1h));  // a clock that stands gives nothing
}

TEST_CASE("the answer is in the language that is asked for") {
  CHECK(preferred("", Lang::zh_cn) == Lang::zh_cn);
  CHECK(preferred("", Lang::en) == Lang::en);
  CHECK(preferred("fr, de;q=0.5", Lang::zh_cn) == Lang::zh_cn);
  CHECK(preferred("zh-CN,zh;q=0.9,en;q=0.8", Lang::en) == Lang::zh_cn);
  CHECK(preferred("en-US,en;q=0.9,zh;q=0.8", Lang::zh_cn) == Lang::en);
  CHECK(preferred("zh;q=0.2, en;q=0.7", Lang::zh_cn) == Lang::en);
  CHECK(preferred("en;q=0, zh;q=0.1", Lang::en) == Lang::zh_cn);
  CHECK(preferred("en;q=x", Lang::zh_cn) == Lang::zh_cn);
}

TEST_CASE(
    "[assistant] is off unless it listens on loopback, with a mistake that says what is wrong") {
  const auto read = [](const std::string& text) { return parse_config(text, "agent.toml"); };
  const std::string good = "[assistant]\nlisten = \"127.0.0.1:7090\"\ntoken_file = \"/t/token\"\n";
  CHECK_FALSE(read("").assistant.on);
  CHECK(read("").problems.empty());
  const auto on = read(good + "origins = [\"http://localhost:8080\"]\nsession_timeout_s = 60\n");
  CHECK(on.problems.empty());
  CHECK(on.assistant.on);
  CHECK(on.assistant.session_timeout == 60s);
  CHECK(on.assistant.listen.text() == "127.0.0.1:7090");
  CHECK(read("[assistant]\nlisten = \"[::1]:7090\"\ntoken_file = \"/t\"\n").assistant.on);
  CHECK(read("[assistant]\nlisten = \"localhost:7090\"\ntoken_file = \"/t\"\n").assistant.on);
  for (const char* listen :
       {"0.0.0.0:7090", ":7090", "192.168.1.5:7090", "[::]:7090", "kiosk.local:7090", "127.0.0.1:0",
        "127.0.0.1", "localhost.example.com:7090"}) {
    CAPTURE(listen);
    const auto out =
        read(std::string{"[assistant]\nlisten = \""} + listen + "\"\ntoken_file = \"/t\"\n");
    CHECK_FALSE(out.assistant.on);
    REQUIRE(out.problems.size() == 1);
    CHECK(out.problems[0].key == "assistant.listen");
    CHECK(out.problems[0].line == 2);
  }
  for (const char* more : {"origins = [\"*\"]", "origins = [\"null\"]", "origins = [\"http://a/\"]",
                           "origins = [\"a.example.com\"]", "origins = [\"file://\"]"}) {
    CAPTURE(more);
    const auto out = read(good + more + "\n");
    CHECK_FALSE(out.assistant.on);
    REQUIRE(out.problems.size() == 1);
    CHECK(out.problems[0].key == "assistant.origins");
  }
  CHECK_FALSE(read("[assistant]\nlisten = \"127.0.0.1:7090\"\n").assistant.on);
  CHECK_FALSE(
      read("[assistant]\nlisten = \"127.0.0.1:7090\"\ntoken_file = \"token\"\n").assistant.on);
  CHECK(read("[assistant]\ntoken_file = \"/t\"\n").problems.size() == 1);
  CHECK(read(good + "colour = 1\n").problems.size() == 1);
}

TEST_CASE("the token is made once and kept; a file that holds none is left alone") {
  const tests::TempFolder folder;
  const auto file = (folder / "token").string();
  const auto first = token_in(file, "");
  REQUIRE(first);
  CHECK(first->size() == 64);
  const auto again = token_in(file, "");
  REQUIRE(again);
  CHECK(*again == *first);
  const auto key = folder / "key.pem";
  REQUIRE(platform::write_file(key, "-----BEGIN PRIVATE KEY-----\n", true));
  CHECK_FALSE(token_in(key.string(), ""));
  CHECK(*platform::read_file(key) == "-----BEGIN PRIVATE KEY-----\n");
  CHECK_FALSE(token_in((folder / "none").string() + "/deep/token", ""));
  const auto nobody = token_in((folder / "other").string(), "no-such-group-here");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code() == Errc::missing);
}
