// The live page in a real browser, before real programs: collector, agent, simulated printer.
#include <fstream>
#include <regex>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/db/database.hpp"
#include "common/link/http.hpp"
#include "tests/e2e/browser.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;

namespace {

/// A receipt printer that is told what to have.
class Printer {
 public:
  explicit Printer(const std::filesystem::path& folder) : control_(folder / "control.sock") {
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "scenario.toml"}
        << "[[device]]\nname = \"receipt\"\nprotocol = \"escpos\"\nport = \"tcp://127.0.0.1:0\"\n";
    const auto out = folder / "out";
    process_ = Process{{program("kiosk-devices"), "run", (folder / "scenario.toml").string(),
                        "--control", control_.string()},
                       out};
    const std::regex line{R"re("port":"(tcp:[^"]+)")re"};
    std::smatch found;
    std::string text;
    const bool up = eventually(std::chrono::seconds{30}, [&] {
      std::ifstream in{out};
      text.assign(std::istreambuf_iterator<char>{in}, {});
      return std::regex_search(text, found, line);
    });
    REQUIRE_MESSAGE(up, text);
    port_ = found[1];
  }
  std::string configuration() const {
    return fmt::format(
        "[[device]]\nname = \"receipt\"\ndriver = \"escpos\"\nport = \"{}\"\npoll_ms = 100\n",
        port_);
  }
  void set(const std::string& condition, const std::string& on) const {
    const auto done = run({program("kiosk-devices"), "set", "--control", control_.string(),
                           "receipt", condition, on});
    REQUIRE_MESSAGE(done.code == 0, done.text);
  }

 private:
  std::filesystem::path control_;
  std::string port_;
  Process process_;
};

/// Another program on this machine that has a page of its own open in the same browser.
class OtherSite {
 public:
  explicit OtherSite(std::string page)
      : page_(std::move(page)),
        server_(io_.get_executor(), [this](link::HttpRequest) { return answer(); }) {
    auto bound = server_.listen({"127.0.0.1", 0});
    REQUIRE(bound);
    url = "http://" + bound->text() + "/";
    thread_ = std::thread{[this] { io_.run(); }};
  }
  OtherSite(const OtherSite&) = delete;
  OtherSite& operator=(const OtherSite&) = delete;
  ~OtherSite() {
    asio::post(io_, [this] {
      server_.stop();
      io_.stop();
    });
    thread_.join();
  }
  std::string url;

 private:
  Task<link::HttpResponse> answer() {
    link::HttpResponse out;
    out.headers["content-type"] = "text/html";
    out.body = page_;
    co_return out;
  }

  std::string page_;
  asio::io_context io_{1};
  link::HttpServer server_;
  std::thread thread_;
};

constexpr std::string_view hostile =
    "<script>window.hacked=1</script><img src=x onerror=\"window.hacked=1\">";

/// Terminals of the collector, one of which has a name that means harm.
void name_terminals(const CollectorRig& collector) {
  collector.token("E2E-0001");
  collector.token("E2E-0002<script>");
  auto db = db::Database::open(collector.database(), {});
  REQUIRE(db);
  (*db)->run("UPDATE terminal SET name=$1 WHERE code='E2E-0001'", hostile);
  REQUIRE_FALSE((*db)->failure());
}

}  // namespace

TEST_CASE("a dispatcher watches a fault come, accepts its order and sees it go") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  name_terminals(collector);
  collector.start();
  const Printer printer{folder / "printer"};
  AgentRig agent{folder / "agent", printer.configuration()};
  agent.enroll(collector, "E2E-0001");
  agent.start();

  Browser browser{folder / "browser"};
  const auto page = "http://" + collector.people() + "/";
  browser.open(page + "?lang=en");
  browser.await_text("#live", "Live");
  browser.await_text("#devices", "Receipt printer");
  browser.await_text("#terminals", "Online");
  CHECK(browser.shows("#faults-none", "No open faults."));
  browser.run("window.not_reloaded = true");

  SUBCASE("fault, order, recovery; nothing is loaded again") {
    printer.set("media-empty", "on");
    browser.await_text("#faults", "out of paper");
    browser.await_text("#orders", "Dispatched");
    browser.await_text("#terminals", "Fault");
    browser.await_text("#devices", "out of paper");
    browser.await_text("#counts", "Open orders\n1");
    // The durations run.
    const auto before = browser.text("#faults .lasts");
    CHECK(eventually(std::chrono::seconds{30},
                     [&] { return browser.text("#faults .lasts") != before; }));

    browser.click("#orders button.act:enabled");
    browser.await_text("#orders", "Accepted");
    browser.await_text("#orders button.act:enabled", "Resolve");

    printer.set("media-empty", "off");
    browser.await_text("#faults-none", "No open faults.");
    browser.await_text("#orders-none", "No open orders.");
    browser.await_text("#terminals", "Online");
    CHECK(browser.run("return window.not_reloaded").as_bool());

    // From fault to closed by hand, too, when the work began before it recovered.
    printer.set("cover-open", "on");
    browser.await_text("#orders", "cover open");
    browser.click("#orders button.act:enabled");
    browser.await_text("#orders button.act:enabled", "Resolve");
    browser.click("#orders button.act:enabled");
    browser.await_text("#orders button.act:enabled", "Close");
    browser.click("#orders button.act:enabled");
    browser.await_text("#orders-none", "No open orders.");
    CHECK(browser.shows("#faults", "cover open"));
    CHECK(browser.complaints() == "");
  }

  SUBCASE("names are text, whatever they hold") {
    CHECK(browser.shows("#terminals", std::string{hostile}));
    CHECK(browser.shows("#terminals", "E2E-0002<script>"));
    CHECK(browser.run("return window.hacked ?? null").is_null());
    CHECK(browser.run("return document.querySelectorAll('main script, main img').length") == 0);
    // The policy of the page would stop it even if a script came in.
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; "
        "document.body.append(s)");
    CHECK(browser.run("return window.hacked ?? null").is_null());
  }

  SUBCASE("a page of another site cannot watch and cannot act") {
    printer.set("media-empty", "on");
    browser.await_text("#orders", "Dispatched");
    const std::string order{
        browser.run("return document.querySelector('#orders td').innerText").as_string()};
    const OtherSite other{fmt::format(
        "<p id=done></p><script>const told = [];"
        "const tell = (what) => {{ told.push(what); document.getElementById('done').textContent = "
        "told.sort().join(' '); }};"
        "const socket = new WebSocket('ws://{0}/api/v1/live');"
        "socket.onopen = () => tell('watches'); socket.onerror = () => tell('watch-refused');"
        "fetch('http://{0}/api/v1/orders/{1}/accept', {{method: 'POST', mode: 'no-cors'}})"
        ".then(() => tell('posted'), () => tell('not-posted'));"
        "fetch('http://{0}/api/v1/orders').then(() => tell('reads'), () => tell('read-refused'));"
        "</script>",
        collector.people(), order)};
    browser.open(other.url);
    browser.await_text("#done", "read-refused watch-refused");
    CHECK_FALSE(browser.shows("#done", "watches"));
    browser.open(page + "?lang=en");
    browser.await_text("#orders", "Dispatched");
  }

  SUBCASE("when the collector is gone the page says since when, and goes on by itself") {
    collector.kill();
    browser.await_text("#down", "Not live since ");
    CHECK(std::regex_search(browser.text("#down"), std::regex{R"(since \d\d:\d\d:\d\d:)"}));
    CHECK(browser.shows("#terminals", "E2E-0001"));
    printer.set("media-empty", "on");
    collector.start();
    browser.await_text("#live", "Live");
    browser.await_text("#faults", "out of paper");
    CHECK(browser.text("#down").empty());
    CHECK(browser.run("return window.not_reloaded").as_bool());
  }

  SUBCASE("both languages, the chosen one is remembered; a phone needs no sideways scrolling") {
    constexpr auto no_text =
        "return [...document.querySelectorAll('[data-text]')].filter((node) => !node.textContent "
        "|| node.textContent === node.dataset.text).map((node) => node.dataset.text).join()";
    CHECK(browser.run(no_text) == "");
    browser.click("#language");
    browser.await_text("h1", "实时监控");
    browser.await_text("#terminals", "在线");
    CHECK(browser.run(no_text) == "");
    browser.open(page);
    browser.await_text("#live", "实时");
    CHECK(browser.run("return document.documentElement.lang") == "zh-CN");
    constexpr int phone_width = 390;
    browser.resize(phone_width, 844);
    browser.refresh();
    browser.await_text("#live", "实时");
    browser.await_text("#devices", "凭条打印机");
    CHECK(browser.run("return document.documentElement.scrollWidth") == phone_width);
    CHECK(browser.complaints() == "");
  }
}
