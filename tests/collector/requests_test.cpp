#include "collector/remote/requests.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;

namespace {

boost::json::object object(std::string_view text) { return boost::json::parse(text).as_object(); }

}  // namespace

TEST_CASE("a command is read, with its defaults") {
  const auto plain = CommandRequest::read(object(R"({"verb":"refresh"})"));
  REQUIRE(plain);
  CHECK(plain->args == "{}");
  CHECK(plain->expires_in == 10min);
  const auto full = CommandRequest::read(
      object(R"({"verb":"self-test","args":{"device":"id-1","test":"read"},"expires_in_s":30})"));
  REQUIRE(full);
  CHECK(full->args == R"({"device":"id-1","test":"read"})");
  CHECK(full->expires_in == 30s);
}

TEST_CASE("a command with a mistake says what was expected") {
  const std::string kilobyte(1'024, 'x');
  const std::pair<std::string, std::string_view> lines[] = {
      {R"({})", "verb: one of"},
      {R"({"verb":"format"})", "refresh, self-test, log-bundle"},
      {R"({"verb":7})", "verb: a text"},
      {R"({"verb":"refresh","arg":{}})", "unknown member arg"},
      {R"({"verb":"refresh","args":[]})", "args: a JSON object"},
      {R"({"verb":"refresh","args":{"device":"two words"}})", "args.device: a device id"},
      {R"({"verb":"self-test"})", "args.device: which device"},
      {R"({"verb":"self-test","args":{"device":"a","test":1}})", "args.test: a text"},
      {R"({"verb":"refresh","expires_in_s":0})", "expires_in_s"},
      {R"({"verb":"refresh","expires_in_s":1.5})", "expires_in_s"},
      {R"({"verb":"refresh","expires_in_s":"soon"})", "expires_in_s"},
      {R"({"verb":"refresh","expires_in_s":604801})", "604800"},
      {R"({"verb":"refresh","args":{"x":")" + kilobyte + R"("}})", "at most 1024 bytes"},
  };
  for (const auto& [text, says] : lines) {
    const auto read = CommandRequest::read(object(text));
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == Errc::invalid);
    CHECK_MESSAGE(read.error().text().find(says) != std::string::npos, read.error().text());
  }
}

TEST_CASE("a maintenance needs a reason to begin; its end is a time to come") {
  const auto on = MaintenanceRequest::read(
      object(R"({"on":true,"reason":"paper feed","until":"2026-11-22T18:30:00+08:00"})"));
  REQUIRE(on);
  CHECK(on->until == time_from("2026-11-22T10:30:00Z"));
  CHECK(MaintenanceRequest::read(object(R"({"on":false})")));
  const std::pair<std::string_view, std::string_view> lines[] = {
      {R"({})", "on: true or false"},
      {R"({"on":"yes"})", "on: true or false"},
      {R"({"on":true})", "reason"},
      {R"({"on":true,"reason":"x","until":"tomorrow"})", "until"},
      {R"({"on":false,"until":"2026-11-22T10:30:00Z"})", "until"},
      {R"({"on":true,"reason":"x","for":"ever"})", "unknown member for"},
  };
  for (const auto& [text, says] : lines) {
    const auto read = MaintenanceRequest::read(object(text));
    REQUIRE_FALSE(read);
    CHECK_MESSAGE(read.error().text().find(says) != std::string::npos, read.error().text());
  }
}

TEST_CASE("times are read as RFC 3339 has them") {
  CHECK(time_from("1970-01-01T00:00:00Z") == wall_from(0));
  CHECK(time_from("1970-01-01T08:00:01.5+08:00") == wall_from(1'000'000));
  CHECK(time_from("1969-12-31T19:00:00-05:00") == wall_from(0));
  for (const auto* bad :
       {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+0800",
        "1970-01-01T00:00:00+8:000", "x970-01-01T00:00:00Z", "1970-01-01T00:00:00Zjunk"}) {
    CAPTURE(bad);
    CHECK_FALSE(time_from(bad));
  }
}

TEST_CASE("a configuration is refused at once for what can be seen here, with the line") {
  CHECK(check_configuration("[agent]\nlanguage = \"en\"\n"));
  CHECK(check_configuration("# 说明\n"));
  const auto says = [](const std::string& text) {
    const auto checked = check_configuration(text);
    REQUIRE_FALSE(checked);
    return checked.error().text();
  };
  CHECK(says("[agent]\nlanguage = \n").find("agent.toml:2") != std::string::npos);
  CHECK(says("a = 1\na = 2\n").find("agent.toml:2") != std::string::npos);
  CHECK(says("").find("DELETE") != std::string::npos);
  CHECK(says(std::string(48 * 1024 + 1, '\n')).find("49152") != std::string::npos);
  CHECK(says("name = \"\xff\xfe\"\n").find("agent.toml:1") != std::string::npos);
  CHECK(says(std::string("a = 1\n\0b = 2\n", 13)).find("agent.toml") != std::string::npos);
}
