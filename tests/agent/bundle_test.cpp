// The support bundle: what is in it, and what never is.
#include "agent/bundle/bundle.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "agent/bundle/mask.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
namespace json = boost::json;

namespace {

Task<Result<json::object>> answer(std::string verb, json::object) {
  if (verb == "devices") co_return Error{Errc::timeout, "nobody there"};
  json::object out;
  out["verb"] = verb;
  out["last_error"] = "connect http://ann:opensesame@proxy:3128: refused";
  co_return out;
}

Task<void> compose_into(BundleSources from, std::string& out) {
  out = co_await compose_bundle(std::move(from));
}

std::string compose(Journal& journal, const Clock& clock, const std::string& configuration) {
  asio::io_context io{1};
  std::string out;
  spawn(io, "bundle", compose_into({answer, journal, clock, configuration}, out));
  io.run();
  return out;
}

}  // namespace

TEST_CASE("what is secret in a configuration is masked, whatever it looks like") {
  struct Row {
    std::string_view in;
    std::string_view out;
  };
  const Row rows[] = {
      {"password = \"a b\"\nport = \"x\"\n", "password = \"***\"\nport = \"x\"\n"},
      {"Snmp_Community='public'", "Snmp_Community=\"***\""},
      {"# password = \"old\"  # don't\nname = \"n\"\npassword = 7\n",
       "# password = \"***\"  # don't\nname = \"n\"\npassword = \"***\"\n"},
      {"settings = { user = \"u\", auth-password = \"p}\", x = 1 }",
       "settings = { user = \"u\", auth-password = \"***\", x = 1 }"},
      {"token = \"\"\"\none\ntwo\"\"\"\nx = 1", "token = \"***\"\nx = 1"},
      {"secrets = [\"a]\", \"b\"]\nx = 1", "secrets = \"***\"\nx = 1"},
      {"proxy = \"http://ann:opensesame@proxy:3128\"", "proxy = \"http://***@proxy:3128\""},
      {"proxy = \"http://ann:open/sesame@proxy:3128\"", "proxy = \"http://***@proxy:3128\""},
      {"name = \"password = x\"", "name = \"password = x\""},
      {"port = \"snmp://h?version=1&community=x@y&a=b\"  # c", "port = \"snmp://***@y&a=b\"  # c"},
      {"port = \"snmp://h?community=xy\"", "port = \"snmp://h?community=***\""},
      {"password = \"never closed\n", "password = \"***\"\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.in);
    CHECK(mask_configuration(row.in) == row.out);
  }
  CHECK(mask_line("url=https://h/a@b and http://u:p@q/x token kw1-abc-def.") ==
        "url=https://h/a@b and http://***@q/x token ***");
  CHECK(mask_line("snmp://h:161?community=s3cret&version=1, snmp://i?version=1&community=t/u") ==
        "snmp://h:161?community=***&version=1, snmp://i?version=1&community=***");
}

TEST_CASE("a line shows nobody's secret, whatever it is called, and nothing else is lost") {
  struct Row {
    std::string_view in;
    std::string_view out;
  };
  const Row rows[] = {
      // SNMP: communities, and passphrases where somebody wrote them into the address.
      {"snmp://h?community=s3cret", "snmp://h?community=***"},
      {"snmp://h?version=3&authpass=s3cret&privpass=s3cret2&level=authPriv",
       "snmp://h?version=3&authpass=***&privpass=***&level=authPriv"},
      {"snmp://h?version=3&authPassphrase=s,3;cret&privPassword=s3cret",
       "snmp://h?version=3&authPassphrase=***&privPassword=***"},
      {"snmp://h?auth-key=0xaffe&PrivKey=0xaffe", "snmp://h?auth-key=***&PrivKey=***"},
      {"snmp://h?version=3&user=kiosk&secrets=/etc/kioskwatch/printer.secrets",
       "snmp://h?version=3&user=kiosk&secrets=/etc/kioskwatch/printer.secrets"},
      // A probed address's query.
      {"http://h/health?x=1&access_token=s3cret", "http://h/health?x=1&access_token=***"},
      {"https://h/?api_key=s3cret#top", "https://h/?api_key=***"},
      // By themselves, with and without quotes.
      {"failed: password=s3cret user=ann", "failed: password=*** user=ann"},
      {"password=\"s3 cret\" user=ann", "password=\"***\" user=ann"},
      {"Community='s3 cret', next", "Community='***', next"},
      {"password=", "password="},
      // In JSON, and in a text inside of it.
      {R"({"password":"s3 \"cret","user":"ann"})", R"({"password":"***","user":"ann"})"},
      {R"({"community": "s3cret"})", R"({"community": "***"})"},
      {R"({"detail":"port \"snmp://h?community=s3cret\": x"})",
       R"({"detail":"port \"snmp://h?community=***\": x"})"},
      {R"({"detail":"{\"password\":\"s3cret\"}"})", R"({"detail":"{\"password\":\"***\"}"})"},
      {R"({"detail":"{\"password\":\"s3\\\"cret\",\"x\":1}"})",
       R"({"detail":"{\"password\":\"***\",\"x\":1}"})"},
      {R"({"password":"s3cret\\","x":1})", R"({"password":"***","x":1})"},
      {R"({"detail":"auth_pass=\"s3 cret\" x"})", R"({"detail":"auth_pass=\"***\" x"})"},
      // No secrets.
      {R"({"passed":true,"key":"device.0.port"})", R"({"passed":true,"key":"device.0.port"})"},
      {R"({"token_file":"/etc/token"} token_file=/etc/token)",
       R"({"token_file":"/etc/token"} token_file=/etc/token)"},
      {"monkey=1 bypassed=2 compass_heading=3", "monkey=1 bypassed=2 compass_heading=3"},
      {"community is 1 to 255 printable ASCII characters",
       "community is 1 to 255 printable ASCII characters"},
      {"a=b&c=d", "a=b&c=d"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.in);
    CHECK(mask_line(row.in) == row.out);
    CHECK(mask_line(mask_line(row.in)) == row.out);
  }
}

TEST_CASE("a bundle holds the kiosk's state, its last events and no secret") {
  Box box;
  box.open(7);
  for (int i = 0; i < 600; ++i) box.outbox->append(Box::note("n", std::to_string(i)), box.now());
  box.outbox->append_state("printer", Box::status({"media-jam"}), box.now());
  pb::Event result;
  result.mutable_command_result()->set_id("c-1");
  result.mutable_command_result()->set_state(pb::CommandResult::REFUSED);
  result.mutable_command_result()->set_body("{\"passed\":false}");
  box.outbox->append(result, box.now());
  Journal journal{std::move(box.outbox), box.clock};
  const auto text = compose(journal, box.clock,
                            "[agent]\nproxy = \"http://ann:opensesame@proxy:3128\"\n"
                            "password = \"hunter2\"\n");
  CHECK(text.find("opensesame") == text.npos);
  CHECK(text.find("hunter2") == text.npos);
  const auto bundle = json::parse(text).as_object();
  CHECK(bundle.at("bundle") == "kioskwatch-agent");
  CHECK(bundle.at("version") == 1);
  CHECK(bundle.at("status").at("verb") == "status");
  CHECK(bundle.at("devices").at("error") == "nobody there");
  CHECK(bundle.at("outbox").at("verb") == "outbox");
  const auto& events = bundle.at("events").as_array();
  REQUIRE(events.size() == 500);
  const auto& last = events.back().as_object();
  CHECK(last.at("class") == "command_result");
  CHECK(last.at("state") == "refused");
  CHECK(last.at("body").at("passed") == false);
  const auto& state = events[498].as_object();
  CHECK(state.at("device") == "printer");
  CHECK(state.at("conditions").at(0).at("code") == "media-jam");
  CHECK(events[497].at("detail") == "599");
  CHECK(events[0].at("seq").to_number<int>() == 103);
}

TEST_CASE("a bundle is bounded whatever the kiosk has to say") {
  Box box;
  box.open(7);
  for (int i = 0; i < 500; ++i) {
    box.outbox->append(Box::note("n", std::string(20'000, '\x01')), box.now());
  }
  Journal journal{std::move(box.outbox), box.clock};
  const auto text = compose(journal, box.clock, std::string(10 * 1024 * 1024, '#'));
  CHECK(text.size() <= bundle_limit);
  CHECK(json::parse(text).at("events").as_array().size() > 1);
}
