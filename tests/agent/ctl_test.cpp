#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "agent/ctl/events_text.hpp"
#include "agent/ctl/link_report.hpp"
#include "agent/ctl/print.hpp"
#include "agent/ctl/probe.hpp"
#include "agent/ctl/spans.hpp"
#include "agent/ctl/table.hpp"
#include "agent/ctl/usage_text.hpp"
#include "agent/ctl/watch_screen.hpp"
#include "agent/ctl/words.hpp"
#include "drivers/catalogue.hpp"
#include "tests/support/ports.hpp"

using namespace kw;
using namespace kw::agent::ctl;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = text.find('\n', from);
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

}  // namespace

TEST_CASE("a wide character takes two columns, a combining one none") {
  CHECK(width("abc") == 3);
  CHECK(width("设备") == 4);
  CHECK(width("e\xcc\x81") == 1);
  CHECK(width("（a）") == 5);
}

TEST_CASE("columns line up whatever the script") {
  Table table{{"设备", "state"}};
  table.row({"host", "ok"});
  table.row({"凭条打印机", "fault"});
  CHECK(table.text({}) ==
        "设备        state\n"
        "host        ok\n"
        "凭条打印机  fault\n");
}

TEST_CASE("control characters from a device never reach the terminal") {
  Table table;
  table.row({"a\x1b[31mb\nc"});
  CHECK(table.text({}) == "a?[31mb?c\n");
}

TEST_CASE("a table gives way to a narrow terminal: cells are cut, the last column goes on below") {
  Table table{{"device", "what"}};
  table.row({"receipt-printer-left-hand", "the paper is out and the cover is open"});
  View narrow;
  narrow.columns = 40;
  for (const auto& line : lines(table.text(narrow))) CHECK(width(line) <= 40);
  CHECK(table.text(narrow).find("…") != std::string::npos);
  CHECK(table.text(narrow).find("open") != std::string::npos);
  narrow.wrap = false;
  CHECK(lines(table.text(narrow)).size() == 2);
}

TEST_CASE("Chinese is cut and broken between characters, never within one") {
  CHECK(shortened("凭条打印机", 7) == "凭条打…");
  CHECK(shortened("凭条打印机", 6) == "凭条…");
  CHECK(shortened("凭条打印机", 10) == "凭条打印机");
  CHECK(shortened("abc", 1) == "…");
  CHECK(wrapped("打印机缺纸", 6) == std::vector<std::string>{"打印机", "缺纸"});
  CHECK(wrapped("paper is out", 8) == std::vector<std::string>{"paper is", "out"});
  CHECK(wrapped("paper is out", 7) == std::vector<std::string>{"paper", "is out"});
  CHECK(wrapped("", 5) == std::vector<std::string>{""});
}

TEST_CASE("colour is written only where the view has it, and takes no columns") {
  Table table;
  table.row({{"fault", Colour::bad}, "x"});
  CHECK(table.text({}) == "fault  x\n");
  View colourful;
  colourful.colour = true;
  CHECK(table.text(colourful) == "\x1b[31;1mfault\x1b[0m  x\n");
}

TEST_CASE("a length of time is said in one unit, in the reader's language") {
  CHECK(span_text(365 * 24h, Lang::en) == "365 days");
  CHECK(span_text(-365 * 24h, Lang::zh_cn) == "365 天");
  CHECK(span_text(47h, Lang::en) == "47 h");
  CHECK(span_text(119min, Lang::en) == "119 min");
  CHECK(span_text(15s, Lang::en) == "15 s");
  CHECK(span_text(1'999ms, Lang::en) == "1999 ms");
  CHECK(span_text(Duration{0}, Lang::zh_cn) == "0 毫秒");
}

TEST_CASE("a time is read back as it was written, another text is not") {
  const auto when = wall_from(1'780'000'000'123'000);
  CHECK(from_rfc3339(rfc3339(when)) == when);
  for (const char* wrong : {"", "2026-11-22", "2026-13-22T06:31:05.123Z",
                            "x026-11-22T06:31:05.123Z", "2026-11-22T06:31:05.123+"}) {
    CHECK_FALSE(from_rfc3339(wrong));
  }
}

TEST_CASE("an event is told in words: conditions by the driver's own table, gaps by their reason") {
  const DriverOf drivers{{"printer", "escpos"}};
  const auto said = [&](const char* text, Lang lang) {
    return event_text(json::parse(text).as_object(), drivers, lang);
  };
  const auto fault = R"({"class":"state","device":"printer","health":"fault",
                         "conditions":[{"code":"media-empty","vendor_code":"","detail":""}]})";
  CHECK(said(fault, Lang::zh_cn).starts_with("故障: "));
  CHECK(said(fault, Lang::zh_cn).find("media-empty") == std::string::npos);
  CHECK(said(R"({"class":"gap","count":12,"reason":"ceiling"})", Lang::en) ==
        "missing: 12 events (ceiling)");
  CHECK(said(R"({"class":"power","kind":"boot","unexpected":true})", Lang::en) ==
        "the system started (the run before ended unexpectedly)");
  CHECK(said(R"({"class":"agent","code":"link-check","detail":""})", Lang::zh_cn) == "链路检查");
  CHECK(said(R"({"class":"agent","code":"never-seen","detail":"why"})", Lang::en) ==
        "never-seen: why");
  CHECK(said(R"({"class":"agent","command":"c1","state":"done","detail":""})", Lang::en) ==
        "command c1 was carried out");
  CHECK(said(R"({"class":"agent","command":"c1","state":"failed",
                 "detail":"health=fault state=noDevice reply_ms=12 conditions=media-jam"})",
             Lang::zh_cn)
            .starts_with("命令 c1 执行失败: 故障，无设备，12 毫秒应答: "));
  CHECK(said(R"({"class":"agent","hash":"ab","state":"rolled-back","detail":"why"})", Lang::en) ==
        "the pushed configuration was rolled back: why");
  CHECK(said(R"({"class":"sample","measurements":{"cpu_used_percent":20.0,"load1":0.25}})",
             Lang::en) == "measured: cpu_used_percent 20, load1 0.25");
  CHECK(said("{}", Lang::en) == "-");
}

TEST_CASE("supplies are told in both languages, the worst first") {
  const auto list = json::parse(R"([
      {"type":"drum","direction":"supply","state":"full","percent":80.0},
      {"type":"toner_cyan","direction":"supply","state":"low","available":2E1,"unit":"percent"},
      {"type":"waste_toner","direction":"bin","state":"full"},
      {"type":"a4_paper","direction":"supply","state":"jammed","available":120.0,"unit":"sheets"}
      ])")
                        .as_array();
  const auto sorted = worst_first(list);
  REQUIRE(sorted.size() == 4);
  CHECK(consumable_text(sorted[0], Lang::en) == "waste toner full");
  CHECK(consumable_text(sorted[1], Lang::zh_cn) == "A4 纸 卡住 120 张");
  CHECK(consumable_text(sorted[2], Lang::en) == "toner (cyan) low 20 %");
  CHECK(consumable_text(sorted[2], Lang::zh_cn) == "墨粉（青） 将尽 20 %");
  CHECK(consumable_text(sorted[3], Lang::en) == "drum full 80 %");
}

TEST_CASE("the last line of link names the faulty collector and the one that is well") {
  const auto check = [](const char* title, Outcome outcome) {
    Check out;
    out.title = title;
    out.outcome = outcome;
    return out;
  };
  LinkReport report;
  report.identity = check("identity", Outcome::ok);
  report.ways = {{{"a", 1}, {check("TCP", Outcome::fail)}},
                 {{"b", 2}, {check("TCP", Outcome::ok)}}};
  report.acknowledged = check("acknowledged", Outcome::ok);
  CHECK(lines(link_text(report, {})).back() ==
        "first fault: TCP (collector a:1); b:2 is well, so this kiosk works");
  report.acknowledged = check("acknowledged", Outcome::fail);
  CHECK(lines(link_text(report, {})).back() == "first fault: TCP (collector a:1)");
}

TEST_CASE("before the first answer the live screen says that it reads, not that all is wrong") {
  View view;
  const auto drawn = WatchScreen{}.draw(view, 24);
  REQUIRE(drawn.size() > 1);
  CHECK(drawn[0].find("not enrolled") == std::string::npos);
  CHECK(drawn[1] == "reading…");
}

namespace {

json::object watched(int devices) {
  json::array list;
  for (int i = 0; i < devices; ++i) {
    json::object device;
    device["name"] = "device-" + std::to_string(i);
    device["health"] = i == devices - 1 ? "fault" : "ok";
    device["conditions"] = json::array{json::object{{"code", "media-jam"}}};
    list.push_back(std::move(device));
  }
  json::object out;
  out["devices"] = std::move(list);
  return out;
}

}  // namespace

TEST_CASE("the live screen fits whatever terminal it has, faults on top") {
  WatchScreen screen;
  screen.take(watched(30));
  screen.take(json::parse(R"({"status":{"terminal":"T-1","uplink":{"phase":"live",
      "connected":true,"server":"c:1"},"outbox":{"unacknowledged":3,"on_disk":true}}})")
                  .as_object());
  for (int i = 0; i < 40; ++i) {
    screen.take(json::parse(R"({"event":{"epoch":"1","seq":1,"class":"power","kind":"boot"}})")
                    .as_object());
  }
  View view;
  for (const std::size_t columns : {20U, 40U, 80U, 200U}) {
    for (const std::size_t rows : {3U, 8U, 24U, 60U}) {
      view.columns = columns;
      const auto drawn = screen.draw(view, rows);
      CHECK(drawn.size() <= rows);
      for (const auto& line : drawn) {
        // Six-column minimums of a five-column table cannot shrink further.
        CHECK(width(line) <= std::max<std::size_t>(columns, 5 * 6 + 4 * 2));
      }
    }
  }
  view.columns = 80;
  const auto drawn = screen.draw(view, 24);
  CHECK(drawn[0].find("T-1") != std::string::npos);
  CHECK(drawn[5].find("device-29") != std::string::npos);
}

TEST_CASE("the live screen says when the agent is lost, and marks what was acknowledged") {
  WatchScreen screen;
  screen.take(json::parse(R"({"event":{"epoch":"a","seq":7,"class":"power","kind":"boot",
                              "acknowledged":false}})")
                  .as_object());
  const auto text = [&] {
    std::string out;
    for (const auto& line : screen.draw({}, 24)) out += line + "\n";
    return out;
  };
  CHECK(text().find("waiting  ") != std::string::npos);
  screen.take(json::parse(R"({"acknowledged":{"epoch":"b","upto":9}})").as_object());
  CHECK(text().find("waiting  ") != std::string::npos);
  screen.take(json::parse(R"({"acknowledged":{"epoch":"a","upto":7}})").as_object());
  CHECK(text().find("yes") != std::string::npos);
  screen.lost("no socket");
  CHECK(text().find("no socket") != std::string::npos);
}

TEST_CASE("a consumable is told with its level, where that comes from and how long it lasts") {
  const auto said = [](const char* text, Lang lang) {
    return supply_text(json::parse(text).get_object(), lang);
  };
  constexpr auto counted =
      R"({"type":"receipt_paper","state":"low","available":8.5,"unit":"metres","capacity":80,)"
      R"("percent":10.6,"source":"counted","days_left":2,"enabled":true})";
  CHECK(said(counted, Lang::en) == "receipt paper low 8.5 m / 80 (counted), about 2 days left");
  CHECK(said(counted, Lang::zh_cn) == "凭条纸 将尽 8.5 米 / 80（按用量计算），约可用 2 天");
  CHECK(said(R"({"type":"toner_cyan","state":"unknown","available":null,"source":"unknown"})",
             Lang::en) == "toner (cyan) unknown");
  CHECK(said(R"({"type":"toner_cyan_2","state":"unknown","available":null,"source":"unknown"})",
             Lang::en) == "toner (cyan) 2 unknown");
  CHECK(said(R"({"type":"toner","state":"ok","available":40.0,"unit":"percent","capacity":100,)"
             R"("source":"measured","enabled":false})",
             Lang::en) == "toner ok 40 % (measured) (disabled)");
  const DriverOf none;
  CHECK(
      event_text(json::parse(R"({"class":"consumable","device":"a","refill":"toner","level":null,)"
                             R"("unit":"","detected":true})")
                     .get_object(),
                 none, Lang::en) == "toner refilled, how much is not known (detected)");
}

TEST_CASE("probe says what to do about each condition, and shows parts, supplies and figures") {
  const auto probed =
      json::parse(R"({"driver":"modbus","health":"fault","device_state":"online",)"
                  R"("media":"notSupported","evidence":"protocolReply","identity":{},)"
                  R"("conditions":[{"code":"door-open","severity":"warning",)"
                  R"("action":"clear","vendor_code":"di0","detail":""},)"
                  R"({"code":"media-jam","severity":"fault","action":"maintenance",)"
                  R"("vendor_code":"","detail":""}],)"
                  R"("components":[{"name":"door","state":"open"},)"
                  R"({"name":"lamp-2","state":"on"}],)"
                  R"("consumables":[{"type":"toner","state":"low","available":5,)"
                  R"("unit":"percent","source":"measured"}],)"
                  R"("measurements":{"temperature_celsius":21.5},"error":null,)"
                  R"("elapsed_ms":12})")
          .get_object();
  View view;
  view.lang = Lang::en;
  const auto english = probe_text(probed, view);
  for (const auto* part : {"what to do", "on-site staff", "an engineer is needed", "door open",
                           "lamp-2 on", "toner low 5 % (measured)", "temperature_celsius 21.5"}) {
    CHECK_MESSAGE(english.find(part) != std::string::npos, part << " is not in\n" << english);
  }
  view.lang = Lang::zh_cn;
  const auto chinese = probe_text(probed, view);
  for (const auto* part : {"处理", "请现场人员处理", "请维修人员处理", "门 打开", "测量值"}) {
    CHECK_MESSAGE(chinese.find(part) != std::string::npos, part << " is not in\n" << chinese);
  }
}

TEST_CASE("a device is never in warning without a reason in the list of devices") {
  const auto device = [](const std::string& more) {
    return json::parse(R"({"name":"laser","driver":"ipp","kind":"laser_printer",)"
                       R"("health":"warning","device_state":"online","conditions":[],)" +
                       more + "}")
        .get_object();
  };
  const auto low =
      device(R"("consumables":[{"type":"toner","state":"low","available":5,"unit":"percent"},)"
             R"({"type":"a4_paper","state":"ok"},{"type":"drum","state":"low","enabled":false},)"
             R"({"type":"retain_bin","direction":"bin","state":"full"}])");
  CHECK(reasons_text(low, Lang::en) == "retain bin full; toner low 5 %");
  CHECK(reasons_text(low, Lang::zh_cn) == "回收箱 满; 墨粉 将尽 5 %");
  json::array devices{low};
  json::object answer;
  answer["devices"] = std::move(devices);
  View view;
  view.lang = Lang::en;
  CHECK(devices_text(answer, view).find("toner low 5 %") != std::string::npos);
  CHECK(reasons_text(device(R"("components":[{"name":"battery","state":"fading"}])"), Lang::en) ==
        "battery fading");
  CHECK(reasons_text(device(R"("consumables":[{"type":"toner","state":"full"}])"), Lang::en) ==
        "-");
}

TEST_CASE("a probe of a target that is not there says why, though one probe judges nothing") {
  const SystemClock clock;
  const auto ask = [&](const std::string& method, const std::string& target) {
    Probe wanted;
    wanted.card = drivers::find("network_probe");
    std::vector<Error> wrong;
    wanted.settings = drivers::Settings::read(wanted.card->settings,
                                              {{"method", method}, {"target", target}}, wrong);
    wanted.address = *drivers::PortAddress::parse("-");
    const auto seen = probe(wanted, clock);
    REQUIRE(seen);
    return to_json(wanted, *seen);
  };
  const auto closed = std::to_string(tests::closed_port());
  const auto refused = ask("http", "http://127.0.0.1:" + closed + "/health?token=abc");
  CHECK(refused.at("health") == "unknown");
  const std::string why{std::string_view{refused.at("error").as_string()}};
  CHECK_MESSAGE(why.find("refused") != std::string::npos, why);
  CHECK(why.find("abc") == std::string::npos);
  View view;
  view.lang = Lang::en;
  CHECK(probe_text(refused, view).find(why) != std::string::npos);
  const tests::MutePort mute;
  CHECK(ask("tcp", "127.0.0.1:" + std::to_string(mute.port())).at("error").is_null());
}

TEST_CASE("a mistake on the command line is told in Chinese too") {
  struct Row {
    const char* said;
    const char* zh;
  };
  for (const auto& row : {
           Row{"DEVICE is required", "缺少 DEVICE"},
           Row{"The following argument was not expected: dance", "多余的参数：dance"},
           Row{"Could not convert: --count = x", "值不合适：--count = x"},
           Row{"--limit-ms: Value 1 not in range 100 to 60000",
               "--limit-ms：1 不在 100 至 60000 之内"},
           Row{"--lang: fr not in {zh-CN,en}", "--lang: fr 不是 {zh-CN,en} 之一"},
           Row{"--data: 1 required DIR missing", "--data 之后缺少值（DIR）"},
           Row{"something new", "something new"},
       }) {
    CHECK(usage_text(row.said, Lang::zh_cn) == row.zh);
    CHECK(usage_text(row.said, Lang::en) == row.said);
  }
}
