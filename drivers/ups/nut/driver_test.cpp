#include <doctest/doctest.h>

#include "drivers/ups/nut/text.hpp"
#include "drivers/ups/nut/variables.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;
using Codes = std::vector<std::string>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// upsd by a table of questions and answers.
struct Server {
  Server() {
    port.device = [this](const Bytes& request) {
      const std::string question{request.begin(), request.end()};
      const auto known = answers.find(question);
      if (known != answers.end()) port.arrive(bytes_of(known->second));
    };
    answers["LIST UPS\n"] = "BEGIN LIST UPS\nUPS kioskups \"kiosk UPS (dummy)\"\nEND LIST UPS\n";
    says("OL");
  }

  /// ups.status, beside the variables of an ordinary UPS.
  void says(const std::string& status, const std::string& more = {}) {
    answers["LIST VAR kioskups\n"] =
        "BEGIN LIST VAR kioskups\n"
        "VAR kioskups battery.charge \"97\"\n"
        "VAR kioskups battery.charge.low \"20\"\n"
        "VAR kioskups battery.runtime \"1860\"\n"
        "VAR kioskups device.mfr \"Example\"\n"
        "VAR kioskups device.model \"Kiosk \\\"UPS\\\" 1000\"\n"
        "VAR kioskups device.serial \"U1000A0042\"\n"
        "VAR kioskups input.voltage \"221.4\"\n"
        "VAR kioskups ups.load \"23\"\n"
        "VAR kioskups ups.status \"" +
        status + "\"\n" + more + "END LIST VAR kioskups\n";
  }

  MonoTime within(Duration d) const { return port.now() + d; }

  FakePort port;
  std::map<std::string, std::string> answers;
};

std::unique_ptr<Driver> driver_for(const Given& settings = {}) {
  auto out = make_driver("nut", settings);
  REQUIRE_MESSAGE(bool(out), out.error().text());
  return std::move(*out);
}

wire::Status polled(Server& server, const Given& settings = {}) {
  const auto driver = driver_for(settings);
  const auto opened = driver->open(server.port, server.within(seconds{5}));
  REQUIRE_MESSAGE(bool(opened), opened.error().text());
  auto status = driver->poll(server.within(seconds{5}));
  REQUIRE_MESSAGE(bool(status), status.error().text());
  return std::move(*status);
}

wire::ComponentState component(const wire::Status& status, std::string_view name) {
  for (const auto& c : status.components) {
    if (c.name == name) return c.state;
  }
  FAIL("no component " << name);
  return {};
}

std::optional<double> measured(const wire::Status& status, std::string_view name) {
  for (const auto& m : status.measurements) {
    if (m.name == name) return m.value;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("nut text: words, quotes and backslashes") {
  const auto words = [](std::string_view line) {
    const auto out = nut::words_of(line);
    REQUIRE_MESSAGE(bool(out), out.error().text());
    return *out;
  };
  CHECK(words("VAR su700 ups.model \"SMART-UPS 700\"") ==
        Words{"VAR", "su700", "ups.model", "SMART-UPS 700"});
  CHECK(words(R"(VAR a b "say \"ah\" and \\")") == Words{"VAR", "a", "b", R"(say "ah" and \)"});
  CHECK(words("UPS a \"\"") == Words{"UPS", "a", ""});
  CHECK(words("  a   b ") == Words{"a", "b"});
  CHECK(words("").empty());
  CHECK(words("a \"\xe6\x9c\xba\xe6\x9f\x9c\"")[1] == "机柜");

  // Any control character in a value is dropped; between words it is none of NUT's.
  CHECK(words("VAR u ups.mfr \"\xe5\xb1\xb1\xe7\x89\xb9\t\"") ==
        Words{"VAR", "u", "ups.mfr", "山特"});
  CHECK(words("VAR u a \"b\x1b[0m\\\x07\"") == Words{"VAR", "u", "a", "b[0m"});
  CHECK_FALSE(bool(nut::words_of("a\tb")));
  CHECK_FALSE(bool(nut::words_of(std::string_view{"a \"b\0\"", 6})));

  CHECK_FALSE(bool(nut::words_of("a \"b")));
  CHECK_FALSE(bool(nut::words_of("a \"b\\")));
  CHECK_FALSE(bool(nut::words_of(std::string_view{"a \0 b", 5})));
  CHECK_FALSE(bool(nut::words_of(std::string(3000, 'a'))));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a ";
  CHECK_FALSE(bool(nut::words_of(many)));
}

TEST_CASE("nut text: a listing is whole when its end has come, and nothing else is taken for one") {
  const std::string whole = "BEGIN LIST VAR a\nVAR a b \"c d\"\r\nEND LIST VAR a\n";
  const auto read = [](std::string_view text) { return nut::ListingReader{"VAR a"}.take(text); };
  for (std::size_t n = 0; n < whole.size(); ++n) {
    nut::ListingReader reader{"VAR a"};
    const auto part = reader.take(std::string_view{whole}.substr(0, n));
    REQUIRE(bool(part));
    CHECK_FALSE(bool(*part));
    const auto done = reader.take(std::string_view{whole}.substr(n));
    REQUIRE(bool(done));
    REQUIRE(bool(*done));
    CHECK((*done)->rows == std::vector<Words>{{"VAR", "a", "b", "c d"}});
  }
  const auto refused = read("ERR DATA-STALE\n");
  REQUIRE(bool(refused));
  CHECK((*refused)->error == "DATA-STALE");

  for (const auto& bad : std::vector<std::string>{
           std::string{"SSH-2.0-OpenSSH_9.2\n"}, std::string{"BEGIN LIST VAR b\n"},
           std::string{"END LIST VAR a\n"}, std::string{"OK\n"}, std::string{"\n"},
           whole + "ERR UNKNOWN-COMMAND\n", std::string{"ERR DATA-STALE\nERR DATA-STALE\n"},
           std::string(3000, 'x'), "BEGIN LIST VAR a\n" + std::string(200'000, '\n')}) {
    const auto out = read(bad);
    REQUIRE_FALSE(bool(out));
    CHECK(out.error().code() == Errc::garbled);
  }
}

TEST_CASE("nut: a UPS on the mains") {
  Server server;
  const auto status = polled(server);
  CHECK(wire::health_of(status) == wire::Health::ok);
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.evidence == wire::Evidence::protocol_reply);
  CHECK(status.identity == wire::Identity{"Example", "Kiosk \"UPS\" 1000", "U1000A0042", ""});
  CHECK(component(status, "mains") == wire::ComponentState::on);
  CHECK(component(status, "battery") == wire::ComponentState::ok);
  REQUIRE(status.consumables.size() == 1);
  const auto& battery = status.consumables[0];
  CHECK(battery.type == "battery");
  CHECK(battery.percent == 97.0);
  CHECK(battery.warning_level == 20.0);
  CHECK(battery.state == wire::ConsumableState::full);
  CHECK(battery.source == wire::LevelSource::measured);
  CHECK(measured(status, "battery_runtime_seconds") == 1860);
  CHECK(measured(status, "input_volts") == 221.4);
  CHECK(measured(status, "load_percent") == 23);
  CHECK_FALSE(measured(status, "temperature_celsius"));
}

TEST_CASE("nut: each word of ups.status") {
  Server server;
  const auto said = [&](const std::string& status) {
    server.says(status);
    return polled(server);
  };
  CHECK(codes_of(said("OL CHRG")).empty());
  CHECK(codes_of(said("OL TRIM")).empty());
  auto status = said("OB DISCHRG");
  CHECK(codes_of(status) == Codes{"mains-lost"});
  CHECK(status.conditions[0].vendor_code == "OB");
  CHECK(component(status, "mains") == wire::ComponentState::off);
  CHECK(status.device == wire::DeviceState::online);
  status = said("OB DISCHRG LB");
  CHECK(codes_of(status) == Codes{"mains-lost", "battery-low"});
  CHECK(status.consumables[0].state == wire::ConsumableState::low);
  status = said("OL RB");
  CHECK(codes_of(status) == Codes{"battery-replace"});
  CHECK(component(status, "battery") == wire::ComponentState::fading);
  CHECK(codes_of(said("OL OVER")) == Codes{"ups-overload"});
  CHECK(codes_of(said("OL BYPASS")) == Codes{"ups-bypass"});
  CHECK(codes_of(said("FSD OB LB")) == Codes{"mains-lost", "battery-low", "ups-shutdown"});
  status = said("OFF");
  CHECK(codes_of(status) == Codes{"ups-off"});
  CHECK(status.device == wire::DeviceState::power_off);
  CHECK(component(status, "mains") == wire::ComponentState::unknown);
  CHECK(said("OL CAL").device == wire::DeviceState::device_busy);
  CHECK(wire::health_of(said("WAIT")) == wire::Health::unknown);
  CHECK(wire::health_of(said("")) == wire::Health::unknown);
  CHECK(codes_of(said("OL ECO SOMETHING")).empty());

  server.says("ALARM OL", "VAR kioskups ups.alarm \"Fan failure!\"\n");
  CHECK(condition_of(polled(server), "ups-alarm")->detail == "Fan failure!");
  server.says("ALARM OL", "VAR kioskups ups.alarm \"Output 118% of rating\"\n");
  CHECK(condition_of(polled(server), "ups-alarm")->detail.empty());
}

TEST_CASE("nut: what is no number is no level") {
  Server server;
  const std::string open = "BEGIN LIST VAR kioskups\nVAR kioskups ups.status \"OL\"\n";
  const std::string end = "END LIST VAR kioskups\n";
  for (const std::string charge : {"", "full", "nan", "1e999", "-1", "101", "97 %"}) {
    server.answers["LIST VAR kioskups\n"] =
        open + "VAR kioskups battery.charge \"" + charge + "\"\n" + end;
    const auto status = polled(server);
    CHECK_FALSE(status.consumables[0].percent);
    CHECK(status.consumables[0].source == wire::LevelSource::flag);
    CHECK(status.consumables[0].state == wire::ConsumableState::full);
  }
  // An alarm says nothing of the battery.
  for (const auto& [said, state] : std::vector<std::pair<std::string, wire::ConsumableState>>{
           {"ALARM", wire::ConsumableState::unknown},
           {"OFF", wire::ConsumableState::unknown},
           {"ALARM OL", wire::ConsumableState::full},
           {"ALARM LB", wire::ConsumableState::low}}) {
    CAPTURE(said);
    server.answers["LIST VAR kioskups\n"] =
        "BEGIN LIST VAR kioskups\nVAR kioskups ups.status \"" + said + "\"\n" + end;
    const auto battery = polled(server).consumables.at(0);
    CHECK(battery.state == state);
    const bool told = state != wire::ConsumableState::unknown;
    CHECK(battery.source == (told ? wire::LevelSource::flag : wire::LevelSource::unknown));
  }
}

TEST_CASE("nut: a server that has lost its UPS says so, and that is a status") {
  Server server;
  for (const std::string error : {"DATA-STALE", "DRIVER-NOT-CONNECTED"}) {
    server.answers["LIST VAR kioskups\n"] = "ERR " + error + "\n";
    const auto status = polled(server);
    CHECK(codes_of(status) == Codes{"ups-unreachable"});
    CHECK(status.conditions[0].vendor_code == error);
    CHECK(status.device == wire::DeviceState::offline);
    CHECK(status.consumables.empty());
  }
}

TEST_CASE("nut: which UPS is asked, and what is said when that is not clear") {
  Server server;
  const auto opening = [&](const Given& settings) {
    return driver_for(settings)->open(server.port, server.within(seconds{5}));
  };
  CHECK(bool(opening({})));
  CHECK(bool(opening({{"ups", "kioskups"}})));
  const auto mistake = [&](const Given& settings, wire::Health health) {
    const auto status = polled(server, settings);
    CHECK(codes_of(status) == Codes{"bad-configuration"});
    CHECK(status.conditions[0].action == wire::Action::configuration);
    CHECK(status.evidence == wire::Evidence::protocol_reply);
    CHECK(wire::health_of(status) == health);
    return status.conditions[0].detail;
  };
  using enum wire::Health;
  CHECK(mistake({{"ups", "office"}}, fault) ==
        "the server has no UPS \"office\": set ups to one of kioskups");
  server.answers["LIST UPS\n"] = "BEGIN LIST UPS\nUPS a \"\"\nUPS b \"\"\nEND LIST UPS\n";
  CHECK(mistake({}, unknown) == "the server has several UPSs: set ups to one of a, b");
  CHECK(bool(opening({{"ups", "b"}})));
  server.answers["LIST UPS\n"] = "BEGIN LIST UPS\nEND LIST UPS\n";
  CHECK(mistake({}, fault) == "the server has no UPS: add it to its ups.conf");
  CHECK(mistake({{"ups", "a"}}, fault) == "the server has no UPS: add it to its ups.conf");
  server.answers["LIST UPS\n"] = "ERR ACCESS-DENIED\n";
  CHECK(mistake({}, unknown) ==
        "ACCESS-DENIED: the server lets nobody ask from here: permit this computer in its "
        "configuration");
  server.answers["LIST UPS\n"] = "BEGIN LIST UPS\nUPS a \"\"\nEND LIST UPS\n";
  server.answers["LIST VAR a\n"] = "ERR ACCESS-DENIED\n";
  CHECK(mistake({}, unknown).starts_with("ACCESS-DENIED"));
  server.answers["LIST UPS\n"] = "ERR UNKNOWN-COMMAND\n";
  CHECK(opening({}).error().code() == Errc::refused);
  server.answers["LIST UPS\n"] = "BEGIN LIST UPS\nUPS a;b \"\"\nEND LIST UPS\n";
  CHECK(opening({}).error().code() == Errc::refused);
  server.answers["LIST UPS\n"] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  CHECK(opening({}).error().code() == Errc::refused);
  // On a wrong port a citizen may be heard.
  for (const std::string foreign : {"\x02 123456\n", "123456\n", "ERR 123456\n"}) {
    server.answers["LIST UPS\n"] = foreign;
    const auto opened = opening({});
    CHECK(opened.error().code() == Errc::refused);
    CHECK(opened.error().text().find("123456") == std::string::npos);
  }
  server.answers.clear();
  CHECK(opening({}).error().code() == Errc::timeout);
  CHECK(make_driver("nut", {{"ups", "a\nINSTCMD a load.off"}}).error().code() == Errc::invalid);
}

TEST_CASE("nut: a UPS that its server's configuration loses, regains and renames") {
  Server server;
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(server.port, server.within(seconds{5}))));
  const auto codes = [&] {
    const auto status = driver->poll(server.within(seconds{5}));
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return codes_of(*status);
  };
  CHECK(codes().empty());
  const auto variables = server.answers.extract("LIST VAR kioskups\n").mapped();
  server.answers["LIST VAR kioskups\n"] = "ERR UNKNOWN-UPS\n";
  const auto listed = std::exchange(server.answers["LIST UPS\n"],
                                    "BEGIN LIST UPS\nUPS a \"\"\nUPS b \"\"\nEND LIST UPS\n");
  CHECK(codes() == Codes{"bad-configuration"});
  CHECK(codes() == Codes{"bad-configuration"});
  // The same connection goes on.
  server.answers["LIST UPS\n"] = listed;
  server.answers["LIST VAR kioskups\n"] = variables;
  CHECK(codes().empty());
  server.answers["LIST VAR kioskups\n"] = "ERR UNKNOWN-UPS\n";
  server.answers["LIST UPS\n"] = "BEGIN LIST UPS\nUPS new \"\"\nEND LIST UPS\n";
  server.answers["LIST VAR new\n"] =
      "BEGIN LIST VAR new\nVAR new ups.status \"OB\"\nEND LIST VAR new\n";
  CHECK(codes() == Codes{"mains-lost"});
  // Listed and unknown at once is no answer.
  server.answers["LIST VAR new\n"] = "ERR UNKNOWN-UPS\n";
  CHECK(driver->poll(server.within(seconds{5})).error().code() == Errc::refused);
}

TEST_CASE("nut: a poll asks for the variables and nothing else") {
  Server server;
  const auto driver = driver_for();
  REQUIRE(bool(driver->open(server.port, server.within(seconds{5}))));
  REQUIRE(bool(driver->poll(server.within(seconds{5}))));
  const std::vector<Bytes> expected{bytes_of("LIST UPS\n"), bytes_of("LIST VAR kioskups\n")};
  CHECK(server.port.written() == expected);
}

TEST_CASE("nut: an answer that did not come is not taken for the next, and holds nobody up") {
  Server server;
  const auto driver = driver_for();
  CHECK(driver->poll(server.within(seconds{5})).error().code() == Errc::disconnected);
  REQUIRE(bool(driver->open(server.port, server.within(seconds{5}))));
  const auto answer = server.answers["LIST VAR kioskups\n"];
  server.answers["LIST VAR kioskups\n"] = answer.substr(0, 100);
  const auto deadline = server.within(milliseconds{700});
  CHECK(driver->poll(deadline).error().code() == Errc::timeout);
  CHECK(server.port.now() == deadline);
  server.answers["LIST VAR kioskups\n"] = answer;
  CHECK(driver->poll(server.within(seconds{5})).error().code() == Errc::disconnected);
  REQUIRE(bool(driver->open(server.port, server.within(seconds{5}))));
  CHECK(bool(driver->poll(server.within(seconds{5}))));

  server.answers["LIST VAR kioskups\n"] =
      "BEGIN LIST VAR kioskups\nVAR other ups.status \"OL\"\nEND LIST VAR kioskups\n";
  CHECK(driver->poll(server.within(seconds{5})).error().code() == Errc::garbled);
  server.port.cut();
  CHECK(driver->poll(server.within(seconds{5})).error().code() == Errc::disconnected);
}

}  // namespace kw::drivers
