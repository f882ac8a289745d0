#include "agent/config.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::agent;

namespace {

const std::string good = R"([agent]
language = "en"
heartbeat_s = 5
flap_changes = 4
flap_window_s = 60
flap_calm_s = 30

[[device]]
name = "host"
driver = "host"
port = "-"
poll_ms = 1000

[[device]]
name = "printer"
driver = "escpos"
port = "tcp://127.0.0.1:9100"
settle_ms = 500
enabled = false
)";

/// Whether a problem stands on this line and names this key.
bool has(const AgentConfig& config, std::uint32_t line, const std::string& key) {
  for (const auto& problem : config.problems) {
    if (problem.line == line && problem.key == key) return true;
  }
  return false;
}

std::string all(const AgentConfig& config) {
  std::string out;
  for (const auto& problem : config.problems) out += problem.in(Lang::en) + "\n";
  return out;
}

}  // namespace

TEST_CASE("a good configuration has no problems and says what it says") {
  const auto config = parse_config(good, "agent.toml");
  CHECK_MESSAGE(config.problems.empty(), all(config));
  CHECK(config.readable);
  CHECK(config.language == Lang::en);
  CHECK(config.heartbeat == std::chrono::seconds{5});
  CHECK(config.flapping.changes == 4);
  CHECK(config.flapping.window == std::chrono::seconds{60});
  CHECK(config.flapping.calm == std::chrono::seconds{30});
  REQUIRE(config.devices.size() == 2);
  CHECK(config.devices[0].poll == std::chrono::seconds{1});
  CHECK(config.devices[1].settle == std::chrono::milliseconds{500});
  CHECK_FALSE(config.devices[1].enabled);
}

TEST_CASE("every mistake names its line and key") {
  struct Row {
    std::string_view text;
    std::uint32_t line;
    std::string_view key;
  };
  const Row rows[] = {
      {"[agent]\nlanguage = \"fr\"\n", 2, "agent.language"},
      {"[agent]\nheartbeat_s = 0\n", 2, "agent.heartbeat_s"},
      {"[agent]\nheartbeat_s = \"30\"\n", 2, "agent.heartbeat_s"},
      {"[agent]\nflap_changes = 101\n", 2, "agent.flap_changes"},
      {"[agent]\noutbox_mib = 1\n", 2, "agent.outbox_mib"},
      {"[agent]\nsampel_s = 1\n", 2, "agent.sampel_s"},
      {"[agents]\n", 1, "agents"},
      {"[agent]\ncollectors = \"a:1\"\n", 2, "agent.collectors"},
      {"[agent]\n\ncollectors = [\"a:1\", \"b\"]\n", 3, "agent.collectors"},
      {"[agent]\ncollectors = [\"a:0\"]\n", 2, "agent.collectors"},
      {"[agent]\ncollectors = [\"a:1\", 7]\n", 2, "agent.collectors"},
      {"[agent]\nproxy = \"socks://p:1080\"\n", 2, "agent.proxy"},
      {"[agent]\naccept_configuration = \"no\"\n", 2, "agent.accept_configuration"},
      {"[agent]\nconfiguration_trial_s = 0\n", 2, "agent.configuration_trial_s"},
      {"[[device]]\ndriver = \"host\"\nport = \"-\"\n", 1, "device.0.name"},
      {"[[device]]\nname = \"a b\"\ndriver = \"host\"\nport = \"-\"\n", 2, "device.0.name"},
      {"[[device]]\nname = \"a\"\ndriver = \"hots\"\nport = \"-\"\n", 3, "device.0.driver"},
      {"[[device]]\nname = \"a\"\nport = \"-\"\n", 1, "device.0.driver"},
      {"[[device]]\nname = \"a\"\ndriver = \"host\"\n", 1, "device.0.port"},
      {"[[device]]\nname = \"a\"\ndriver = \"escpos\"\nport = \"pigeon://x\"\n", 4,
       "device.0.port"},
      {"[[device]]\nname = \"a\"\ndriver = \"escpos\"\nport = \"-\"\n", 4, "device.0.port"},
      {"[[device]]\nname = \"a\"\ndriver = \"host\"\nport = \"-\"\npoll_ms = 1\n", 5,
       "device.0.poll_ms"},
      {"[[device]]\nname = \"a\"\ndriver = \"host\"\nport = \"-\"\n[device.settings]\nx = 1\n", 6,
       "device.0.settings.x"},
      {"[[device]]\nname = \"a\"\ndriver = \"escpos\"\nport = \"tcp://h:1\"\n[device.settings]\n"
       "timeout_ms = \"soon\"\n",
       6, "device.0.settings.timeout_ms"},
      {"[[device]]\nname = \"a\"\ndriver = \"host\"\nport = \"-\"\n"
       "[[device]]\nname = \"a\"\ndriver = \"host\"\nport = \"-\"\n",
       6, "device.1.name"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto config = parse_config(row.text, "agent.toml");
    CHECK_MESSAGE(has(config, row.line, std::string{row.key}), all(config));
    CHECK(config.readable);
  }
}

TEST_CASE("a setting's mistake names the key, its line and what was wanted, in both languages") {
  const auto wrong = [](const std::string& driver, const std::string& port,
                        const std::string& settings) {
    const auto config =
        parse_config("[[device]]\nname = \"a\"\ndriver = \"" + driver + "\"\nport = \"" + port +
                         "\"\n[device.settings]\n" + settings,
                     "agent.toml");
    CHECK_MESSAGE(config.problems.size() == 1, all(config));
    REQUIRE_FALSE(config.problems.empty());
    return config.problems[0];
  };
  const auto number = wrong("escpos", "tcp://h:1", "timeout_ms = \"abc\"\n");
  CHECK(number.in(Lang::en).find("agent.toml:6: device.0.settings.timeout_ms: bad value; expected "
                                 "an integer from ") == 0);
  CHECK(number.in(Lang::zh_cn).find("值无效；应为：") != std::string::npos);
  CHECK(number.in(Lang::zh_cn).find("的整数") != std::string::npos);
  const auto unknown = wrong("escpos", "tcp://h:1", "\ncolour = 1\n");
  CHECK(unknown.kind == config::Problem::Kind::unknown_key);
  CHECK(unknown.in(Lang::en).find("agent.toml:7: device.0.settings.colour: unknown key; known") ==
        0);
  // What the driver itself finds.
  const auto model = wrong("escpos", "tcp://h:1", "timeout_ms = 400\nmodel = \"nosuch\"\n");
  CHECK(model.in(Lang::en).find("agent.toml:7: device.0.settings.model: bad value: ") == 0);
  const auto target = wrong("network_probe", "-", "method = \"http\"\n\ntarget = \"x\"\n");
  CHECK(target.line == 8);
  CHECK(target.key == "device.0.settings.target");
  // One that is not there is told at the table's header.
  CHECK(wrong("software", "-", "instances_least = 1\n").line == 5);
}

TEST_CASE("a text that is written as a number is a mistake: 5.20 would be read as 5.2") {
  const auto device = [](const std::string& settings) {
    return parse_config(
        "[[device]]\nname = \"a\"\ndriver = \"software\"\nport = \"-\"\n"
        "[device.settings]\nprocess = \"a\"\n" +
            settings,
        "agent.toml");
  };
  for (const auto* text : {"version = 5.20\n", "version = 5\n", "version = true\n"}) {
    const auto config = device(text);
    REQUIRE(config.problems.size() == 1);
    CHECK(config.problems[0].in(Lang::en) ==
          "agent.toml:7: device.0.settings.version: wrong type; expected text in quotes");
    CHECK(config.problems[0].in(Lang::zh_cn).find("应为：文字，写在引号中") != std::string::npos);
    CHECK(config.devices.at(0).mistake);
  }
  const auto good_one = device("version = \"5.20\"\ninstances_least = 1\n");
  CHECK_MESSAGE(good_one.problems.empty(), all(good_one));
  CHECK(good_one.devices.at(0).settings.text("version") == "5.20");
}

TEST_CASE("what a port or a consumable should be is told in Chinese") {
  const auto chinese = [](const std::string& text) {
    const auto config = parse_config(text, "agent.toml");
    std::string out;
    for (const auto& problem : config.problems) out += problem.in(Lang::zh_cn) + "\n";
    return out;
  };
  const std::string device = "[[device]]\nname = \"a\"\ndriver = \"escpos\"\n";
  CHECK(chinese(device + "port = \"-\"\n").find("开头的端口") != std::string::npos);
  CHECK(chinese(device + "port = \"tcp://h:1\"\n[[device.consumable]]\ntype = \"cheese\"\n")
            .find("receipt_paper, ") != std::string::npos);
  CHECK(chinese(device + "port = \"tcp://h:1\"\n[[device.consumable]]\ntype = \"cheese\"\n")
            .find("one of") == std::string::npos);
  CHECK(chinese("[agent]\nheartbeat_s = 0\n").find("1 至 60 的整数") != std::string::npos);
  // What a port's, a driver's and a proxy's own sentences say.
  CHECK(chinese(device + "port = \"tcp://h\"\n") ==
        "agent.toml:4: device.0.port: 值无效：端口 "
        "\"tcp://h\"：缺少端口号；示例：tcp://192.0.2.10:9100\n");
  CHECK(
      chinese(device + "port = \"tcp://h:1\"\n[device.settings]\nmodel = \"nosuch\"\n")
          .find(
              "agent.toml:6: device.0.settings.model: 值无效：model = \"nosuch\"：没有这个型号") ==
      0);
  CHECK(chinese("[agent]\nproxy = \"http://proxy\"\n").find("缺少端口") != std::string::npos);
}

TEST_CASE("collectors, proxy and who may push come from the file, and no secret from a mistake") {
  const auto config = parse_config(
      "[agent]\ncollectors = [\"b.example.org:7443\", \"[::1]:7443\"]\n"
      "proxy = \"http://ann:opensesame@proxy:3128\"\naccept_configuration = false\n",
      "agent.toml");
  CHECK_MESSAGE(config.problems.empty(), all(config));
  REQUIRE(config.collectors.size() == 2);
  CHECK(config.collectors[0].text() == "b.example.org:7443");
  CHECK(config.collectors[1].host == "::1");
  REQUIRE(config.proxy);
  CHECK(config.proxy->password == "opensesame");
  CHECK_FALSE(config.accept_configuration);
  const auto wrong =
      parse_config("[agent]\nproxy = \"http://ann:opensesame@proxy\"\n", "agent.toml");
  CHECK_FALSE(wrong.proxy);
  CHECK(all(wrong).find("the port is missing") != std::string::npos);
  CHECK(all(wrong).find("opensesame") == std::string::npos);
  CHECK(wrong.problems.at(0).in(Lang::zh_cn).find("agent.toml:2: agent.proxy: 值无效") == 0);
}

TEST_CASE("a mistake in one device leaves the others alone") {
  const auto config = parse_config(good +
                                       "\n[[device]]\nname = \"bad\"\ndriver = \"nothing\"\n"
                                       "port = \"-\"\n",
                                   "agent.toml");
  REQUIRE(config.devices.size() == 3);
  CHECK_FALSE(config.devices[0].mistake);
  CHECK_FALSE(config.devices[1].mistake);
  REQUIRE(config.devices[2].mistake);
  CHECK(config.devices[2].mistake->key == "device.2.driver");
}

TEST_CASE("what is not TOML has no devices and says where") {
  const auto config = parse_config("[[device]\nname = 1\n", "agent.toml");
  CHECK_FALSE(config.readable);
  CHECK(config.devices.empty());
  REQUIRE(config.problems.size() == 1);
  CHECK(config.problems[0].line == 1);
}

TEST_CASE("a file that is not there is one problem, not the end") {
  const auto config = load_config("/nowhere/agent.toml");
  CHECK_FALSE(config.readable);
  REQUIRE(config.problems.size() == 1);
  CHECK(config.problems[0].in(Lang::en).find("/nowhere/agent.toml") != std::string::npos);
}

TEST_CASE("a consumable says its figures, and a mistake in it costs the consumable alone") {
  const std::string device =
      "[[device]]\nname = \"a\"\ndriver = \"escpos\"\nport = \"tcp://127.0.0.1:1\"\n"
      "[[device.consumable]]\n";  // line 5; its keys begin on line 6
  const auto config = parse_config(device +
                                       "type = \"receipt_paper\"\nunit = \"metres\"\n"
                                       "capacity = 80\nwarn = 10.5\ncritical = 2\nnear_end = 3\n"
                                       "per_use = 0.2\nenabled = false\n"
                                       "[[device.consumable]]\ntype = \"toner_cyan\"\n",
                                   "agent.toml");
  CHECK_MESSAGE(config.problems.empty(), all(config));
  REQUIRE(config.devices.at(0).consumables.size() == 2);
  const auto& paper = config.devices[0].consumables[0];
  CHECK(paper.unit == "metres");
  CHECK(paper.capacity == 80);
  CHECK(paper.warn == 10.5);
  CHECK(paper.critical == 2);
  CHECK(paper.near_end == 3);
  CHECK(paper.per_use == 0.2);
  CHECK_FALSE(paper.enabled);

  struct Row {
    std::string_view text;
    std::uint32_t line;
    std::string_view key;
  };
  for (const auto& row : {
           Row{"capacity = 80", 5, "type"},
           Row{"type = \"cheese\"", 6, "type"},
           Row{"type = \"toner\"\nunit = \"litres\"", 7, "unit"},
           Row{"type = \"toner\"\ncapacity = -1", 7, "capacity"},
           Row{"type = \"toner\"\ncapacity = \"80\"", 7, "capacity"},
           Row{"type = \"toner\"\ncapacity = 80\nwarn = 90", 8, "warn"},
           Row{"type = \"toner\"\nwarn = 5\ncritical = 6", 8, "critical"},
           Row{"type = \"toner\"\nenabled = 1", 7, "enabled"},
           Row{"type = \"toner\"\nlevel = 5", 7, "level"},
       }) {
    CAPTURE(row.text);
    const auto wrong = parse_config(device + std::string{row.text} + "\n", "agent.toml");
    CHECK_MESSAGE(has(wrong, row.line, "device.0.consumable.0." + std::string{row.key}),
                  all(wrong));
    CHECK(wrong.problems.size() == 1);
    REQUIRE(wrong.devices.size() == 1);
    CHECK_FALSE(wrong.devices[0].mistake);
    CHECK(wrong.devices[0].consumables.empty());
  }
  const auto twice = parse_config(
      device + "type = \"toner\"\n[[device.consumable]]\ntype = \"toner\"\n", "agent.toml");
  CHECK(has(twice, 8, "device.0.consumable.1.type"));
  CHECK(twice.devices[0].consumables.size() == 1);
}

TEST_CASE("a scanner's port is looked at unless it is said to be ours") {
  for (const bool ours : {false, true}) {
    const auto config =
        parse_config(std::string{"[[device]]\nname = \"scanner\"\ndriver = \"scanner\"\n"
                                 "port = \"serial:/dev/ttyACM0\"\nsettings = { port_is_ours = "} +
                         (ours ? "true" : "false") + " }\n",
                     "agent.toml");
    CHECK(config.problems.empty());
    REQUIRE(config.devices.size() == 1);
    CHECK(config.devices[0].address.only_look == !ours);
  }
}
