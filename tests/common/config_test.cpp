#include "common/config.hpp"

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::config;

namespace {

struct Parsed {
  std::vector<Problem> problems;
  Document document;
};

Parsed parsed(std::string_view text) {
  Parsed out;
  auto document = parse(text, "agent.toml", out.problems);
  REQUIRE(document);
  out.document = std::move(*document);
  return out;
}

}  // namespace

TEST_CASE("a broken file is told with the line of the mistake") {
  std::vector<Problem> problems;
  CHECK_FALSE(parse("a = 1\nb = = 2\n", "agent.toml", problems));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].kind == Problem::Kind::syntax);
  CHECK(problems[0].line == 2);
}

TEST_CASE("a value out of range names file, line, key and what was expected, in both languages") {
  auto p = parsed("[agent]\n\npoll_ms = 5\n");
  Reader root{p.document, p.problems};
  auto agent = root.section("agent");
  CHECK(agent.integer("poll_ms", 5000, 100, 3'600'000) == 5000);
  REQUIRE(p.problems.size() == 1);
  CHECK(p.problems[0].in(Lang::en) ==
        "agent.toml:3: agent.poll_ms: out of range; expected integer from 100 to 3600000");
  CHECK(p.problems[0].in(Lang::zh_cn).find("超出范围") != std::string::npos);
}

TEST_CASE("an unknown key is a mistake that names the known ones") {
  auto p = parsed("[agent]\nlangauge = \"en\"\n");
  Reader root{p.document, p.problems};
  auto agent = root.section("agent");
  agent.text("language", "zh-CN");
  agent.done();
  root.done();
  REQUIRE(p.problems.size() == 1);
  CHECK(p.problems[0].kind == Problem::Kind::unknown_key);
  CHECK(p.problems[0].key == "agent.langauge");
  CHECK(p.problems[0].expected == "language");
}

TEST_CASE("one pass finds every mistake, and each falls back") {
  auto p = parsed("a = \"text\"\nb = 1\nc = [1, \"x\"]\n");
  Reader root{p.document, p.problems};
  CHECK(root.integer("a", 3, 0, 9) == 3);
  CHECK(root.text("b", "fallback") == "fallback");
  CHECK(root.texts("c").empty());
  CHECK(root.required_text("d").empty());
  root.done();
  CHECK(p.problems.size() == 4);
}

TEST_CASE("a letter with an accent outside a text is a mistake like any other") {
  std::vector<Problem> problems;
  CHECK_FALSE(bool(parse("a \xc5\x9b = 1\n", "agent.toml", problems)));  // "ś"
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].kind == Problem::Kind::syntax);
  problems.clear();
  CHECK(
      bool(parse("a = 1 # 25 \xc2\xb0"
                 "C\nb = \"\xc3\xa9\"\n",
                 "agent.toml", problems)));
}

TEST_CASE("what cannot begin a key is a mistake with its line, and ends no program") {
  for (const std::string_view text :
       {"a = 1\n[!]\n", "a = 1\n[[$device]]\n", "a = 1\n[\x19]\n", "a = 1\nb = {?}\n"}) {
    std::vector<Problem> problems;
    CHECK_FALSE(bool(parse(text, "agent.toml", problems)));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].kind == Problem::Kind::syntax);
    CHECK(problems[0].line == 2);
  }
}

TEST_CASE("a date is refused: nothing here is one") {
  std::vector<Problem> problems;
  CHECK_FALSE(parse("d = 2020-01-01T00:00:00Z\n", "agent.toml", problems));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].key == "d");
}

TEST_CASE("settings of a device come as text, whatever their type") {
  auto p = parsed("[settings]\nmodel = \"epson\"\ntimeout_ms = 400\nidentify = false\nx = 1.5\n");
  Reader root{p.document, p.problems};
  const auto settings = root.scalars("settings");
  CHECK(settings.at("model") == "epson");
  CHECK(settings.at("timeout_ms") == "400");
  CHECK(settings.at("identify") == "false");
  CHECK(settings.at("x") == "1.5");
}

TEST_CASE("a file that is not there is missing, not invalid") {
  std::vector<Problem> problems;
  const auto document = load("/nonexistent/agent.toml", problems);
  REQUIRE_FALSE(document);
  CHECK(document.error().code() == Errc::missing);
  CHECK(problems.empty());
}
