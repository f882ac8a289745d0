#include "drivers/settings.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <doctest/doctest.h>

#include "drivers/catalogue.hpp"
#include "drivers/mistakes.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

constexpr std::array table{
    Setting{"loud", SettingType::boolean, "true", {"响", "loud"}},
    Setting{"tries", SettingType::integer, "3", {"次数", "tries"}, 1, 9},
    Setting{"limit", SettingType::number, "0.5", {"上限", "limit"}, 0, 1},
    Setting{"offset", SettingType::integer, "-4", {"偏移", "offset"}},
    Setting{"label", SettingType::text, "", {"标签", "label"}},
};

std::vector<std::string> problems_of(const Given& given) {
  std::vector<Error> problems;
  Settings::read(table, given, problems);
  std::vector<std::string> out;
  for (const auto& p : problems) {
    CHECK(p.code() == Errc::invalid);
    out.push_back(p.text());
  }
  return out;
}

}  // namespace

TEST_CASE("settings: what is not given is the default") {
  std::vector<Error> problems;
  const auto settings = Settings::read(table, {}, problems);
  CHECK(problems.empty());
  CHECK(settings.boolean("loud"));
  CHECK(settings.integer("tries") == 3);
  CHECK(settings.number("limit") == 0.5);
  CHECK(settings.integer("offset") == -4);
  CHECK(settings.text("label").empty());
}

TEST_CASE("settings: what is given is taken") {
  std::vector<Error> problems;
  const auto settings = Settings::read(
      table, {{"loud", "false"}, {"tries", "9"}, {"limit", "1"}, {"label", "南门"}}, problems);
  CHECK(problems.empty());
  CHECK_FALSE(settings.boolean("loud"));
  CHECK(settings.integer("tries") == 9);
  CHECK(settings.number("limit") == 1.0);
  CHECK(settings.text("label") == "南门");
}

TEST_CASE("settings: every mistake is told, with what was expected") {
  const auto problems = problems_of(
      {{"loud", "yes"}, {"tries", "10"}, {"limit", "nan"}, {"offset", "4x"}, {"colour", "red"}});
  const std::vector<std::string> expected{
      "loud = \"yes\": expected true or false", "tries = \"10\": expected an integer from 1 to 9",
      "limit = \"nan\": expected a number from 0 to 1", "offset = \"4x\": expected an integer",
      "colour: unknown setting (known: loud, tries, limit, offset, label)"};
  CHECK(problems == expected);
}

TEST_CASE("settings: a mistake is told in Chinese too") {
  const auto mistakes = mistakes_in(table, {{"tries", "10"}, {"offset", "x"}, {"colour", "red"}});
  REQUIRE(mistakes.size() == 3);
  CHECK(mistakes[0].in(Lang::zh_cn) == "tries = \"10\"：应为：1 至 9 的整数");
  CHECK(mistakes[1].expected.zh == "整数");
  CHECK(mistakes[2].in(Lang::zh_cn) ==
        "colour：没有这个设置（可用：loud, tries, limit, offset, label）");
}

TEST_CASE("settings: what a driver refuses names the setting") {
  CHECK(setting_in(table, "x: limit = 5 lies above tries = 3").compare("limit") == 0);
  CHECK(setting_in(table, "label: \"limit = 3\" is none").compare("label") == 0);
  CHECK(setting_in(table, "loudness: no").empty());
  CHECK(setting_in(table, "nothing of it").empty());
  struct Row {
    std::string_view driver;
    Given given;
    std::string_view name;
  };
  for (const auto& row : {
           Row{"escpos", {{"model", "nosuch"}}, "model"},
           Row{"scanner", {{"model", "nosuch"}}, "model"},
           Row{"scanner", {{"query", "C11ENA1"}}, "query"},
           Row{"sdt", {{"usb_readers", "reader"}}, "usb_readers"},
           Row{"modbus", {{"map", "nosuch"}}, "map"},
           Row{"modbus", {{"map", "/nowhere/board.toml"}}, "map"},
           Row{"network_probe", {{"method", "smoke"}, {"target", "x"}}, "method"},
           Row{"network_probe", {{"method", "http"}, {"target", "x"}}, "target"},
           Row{"network_probe", {{"target", "x"}, {"expect", "y"}}, "expect"},
           Row{"presence", {{"kind", "nosuch"}}, "kind"},
           Row{"nut", {{"ups", "a b"}}, "ups"},
           Row{"host",
               {{"disk_warning_percent", "99"}, {"disk_full_percent", "9"}},
               "disk_warning_percent"},
           Row{"software", {}, "process"},
           Row{"software", {{"files", "a"}}, "files"},
           Row{"software", {{"files", "/a"}, {"sha256", "00"}}, "sha256"},
       }) {
    CAPTURE(row.driver);
    CAPTURE(row.name);
    const auto made = make_driver(row.driver, row.given);
    REQUIRE_FALSE(made);
    CAPTURE(made.error().text());
    CHECK(setting_in(find(row.driver)->settings, made.error().text()).compare(row.name) == 0);
  }
}

namespace {

/// Whether there is a sentence for each, the Chinese one with letters of its own.
bool told_in_both(const Bilingual& text) {
  const bool own = std::ranges::any_of(text.zh, [](char c) { return (c & 0x80) != 0; });
  return own && !text.en.empty() && text.zh != text.en;
}

}  // namespace

TEST_CASE("settings: what a driver refuses is told in both languages") {
  struct Row {
    std::string_view driver;
    Given given;
    std::string_view zh;
  };
  const TempFolder folder;
  const auto map = (folder.path() / "map.toml").string();
  std::ofstream{map} << "[[measurement]]\nname = \"Heat\"\ntable = \"coil\"\naddress = 1\n";
  for (const auto& row : {
           Row{"escpos", {{"model", "nosuch"}}, "model = \"nosuch\"：没有这个型号"},
           Row{"scanner", {{"model", "nosuch"}}, "model = \"nosuch\"：没有这个型号"},
           Row{"scanner", {{"query", "C11ENA1"}}, "query：\"C11ENA1\" 不是查询"},
           Row{"sdt", {{"usb_readers", "reader"}}, "usb_readers：\"reader\" 不是 VID:PID"},
           Row{"modbus", {{"map", "nosuch"}}, "map = \"nosuch\"：没有这个点表"},
           Row{"modbus", {{"map", "/nowhere/board.toml"}}, "：没有这个文件"},
           Row{"modbus", {{"map", map}}, "measurement.0.name: 值无效；应为：小写字母"},
           Row{"network_probe", {{"method", "smoke"}, {"target", "x"}}, "method = \"smoke\"：应为"},
           Row{"network_probe", {{"method", "http"}, {"target", "x"}}, "method http 需要网址"},
           Row{"network_probe", {{"target", "x"}, {"expect", "y"}}, "expect：\"y\" 不是地址"},
           Row{"presence", {{"kind", "nosuch"}}, "kind = \"nosuch\" 不是"},
           Row{"nut", {{"ups", "a b"}}, "ups = \"a b\"：名称只有字母"},
           Row{"host",
               {{"disk_warning_percent", "99"}, {"disk_full_percent", "9"}},
               "disk_warning_percent = 99 大于 disk_full_percent = 9"},
           Row{"software", {}, "process：没有要监视的"},
           Row{"software", {{"files", "a"}}, "files：\"a\" 需要 base_path"},
           Row{"software", {{"files", "/a"}, {"sha256", "00"}}, "sha256：\"00\" 不是 64 位"},
           Row{"software", {{"files", "/a"}, {"sha256", "0;1"}}, "1 个文件有 2 个散列值"},
       }) {
    CAPTURE(row.driver);
    const auto* const card = find(row.driver);
    std::vector<Error> problems;
    const auto settings = Settings::read(card->settings, row.given, problems);
    REQUIRE(problems.empty());
    const auto made = card->make(settings);
    REQUIRE_FALSE(bool(made));
    CHECK_MESSAGE(told_in_both(made.wrong()), made.wrong().zh);
    CHECK_MESSAGE(made.wrong().zh.find(row.zh) != std::string::npos, made.wrong().zh);
    CHECK_FALSE(setting_in(card->settings, made.wrong().zh).empty());
    CHECK(setting_in(card->settings, made.wrong().zh)
              .compare(setting_in(card->settings, made.wrong().en)) == 0);
  }
}

TEST_CASE("catalogue: every card is complete, and found by its name") {
  CHECK(catalogue().size() >= 2);
  for (const auto& card : catalogue()) {
    CAPTURE(card.name);
    CHECK(find(card.name) == &card);
    CHECK_FALSE(card.kind.empty());
    CHECK_FALSE(card.title.zh.empty());
    CHECK_FALSE(card.title.en.empty());
    for (const auto& setting : card.settings) {
      CAPTURE(setting.name);
      CHECK_FALSE(setting.help.zh.empty());
      CHECK_FALSE(setting.help.en.empty());
    }
    for (const auto& condition : card.conditions) {
      CAPTURE(condition.code);
      CHECK(wire::find_condition(condition.code) == nullptr);  // never a standard code anew
      CHECK_FALSE(condition.text.zh.empty());
      CHECK_FALSE(condition.text.en.empty());
    }
    // What has to be set before there is anything to ask is named.
    const auto made = make_driver(card.name);
    const auto named = [&](const Setting& one) {
      return made.error().text().find(one.name) != std::string::npos;
    };
    if (!made) CHECK(made.error().code() == Errc::invalid);
    if (!made) CHECK(std::ranges::any_of(card.settings, named));  // its own defaults fit together
  }
  CHECK(find("fax") == nullptr);
}

}  // namespace kw::drivers
