#include "collector/faults/rules.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;

TEST_CASE("the shipped rules are read without a mistake") {
  const auto rules = Rules::load("/nonexistent/rules.toml");
  REQUIRE(rules);
  CHECK(rules->of("escpos", "media-empty", wire::Severity::fault).level == Level::severe);
  CHECK(rules->of("escpos", "cover-open", wire::Severity::fault).hold == 60s);
  CHECK(rules->of("ipp", "media-jam", wire::Severity::fault).level == Level::severe);
  CHECK(rules->of("ipp", "toner-empty", wire::Severity::fault).level == Level::severe);
  CHECK(rules->of("ipp", "door-open", wire::Severity::fault).hold == 60s);
  CHECK_FALSE(rules->of("ipp", "toner-low", wire::Severity::warning).opens);
  CHECK(rules->of("escpos", "no-such-code", wire::Severity::fault).hold == 10s);
  CHECK_FALSE(rules->of("escpos", "no-such-code", wire::Severity::warning).opens);
  CHECK(rules->silence() == 120s);
}

TEST_CASE("a rules file is laid over the shipped ones") {
  const tests::TempFolder folder;
  std::ofstream{folder / "rules.toml"} << "[defaults]\nhold_s = 0\nclear_s = 0\n"
                                          "[[rule]]\ncode = \"media-jam\"\ndriver = \"ipp\"\n"
                                          "hold_s = 3\n";
  const auto rules = Rules::load(folder / "rules.toml");
  REQUIRE(rules);
  CHECK(rules->of("escpos", "cover-open", wire::Severity::fault).hold == 0s);
  CHECK(rules->of("escpos", "media-jam", wire::Severity::fault).hold == 0s);
  CHECK(rules->of("ipp", "media-jam", wire::Severity::fault).hold == 3s);
  CHECK(rules->silence() == 120s);
}

TEST_CASE("what an own rule does not give stays as shipped") {
  const tests::TempFolder folder;
  std::ofstream{folder / "rules.toml"} << "[[rule]]\ncode = \"cover-open\"\nlevel = \"severe\"\n"
                                          "[[rule]]\ncode = \"new-code\"\n";
  const auto rules = Rules::load(folder / "rules.toml");
  REQUIRE(rules);
  const auto& cover = rules->of("escpos", "cover-open", wire::Severity::fault);
  CHECK(cover.level == Level::severe);
  CHECK(cover.hold == 60s);
  CHECK(cover.clear == 5s);
  CHECK(rules->of("escpos", "new-code", wire::Severity::fault).hold == 10s);
}

TEST_CASE("every mistake in a rules file is told with its line and key") {
  const tests::TempFolder folder;
  std::ofstream{folder / "rules.toml"} << "[defaults]\nhold_s = -1\n[[rule]]\nlevel = \"awful\"\n"
                                          "holds = 3\n";
  const auto rules = Rules::load(folder / "rules.toml");
  REQUIRE_FALSE(rules);
  const auto& text = rules.error().text();
  CHECK(text.find("rules.toml:2: defaults.hold_s") != std::string::npos);
  CHECK(text.find("rule.0.code") != std::string::npos);
  CHECK(text.find("rules.toml:4: rule.0.level") != std::string::npos);
  CHECK(text.find("rules.toml:5: rule.0.holds") != std::string::npos);
}
