#include "tests/e2e/browser.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "common/link/http.hpp"

namespace kw::tests {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds patience{30};

Task<void> ask(link::Endpoint at, link::HttpRequest request,
               std::optional<Result<link::HttpResponse>>& answer) {
  answer = co_await link::http_request(std::move(at), nullptr, std::move(request), 2 * patience);
}

}  // namespace

Browser::Browser(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const auto log = folder / "driver.log";
  REQUIRE_MESSAGE(std::filesystem::exists(KW_CHROMEDRIVER),
                  "chromedriver is missing: packaging/test.sh installs chromium-driver");
  driver_ = Process{{KW_CHROMEDRIVER, "--port=0"}, log};
  const std::regex started{R"(started successfully on port (\d+))"};
  std::string said;
  std::smatch found;
  const bool up = eventually(patience, [&] {
    std::ifstream in{log};
    said.assign(std::istreambuf_iterator<char>{in}, {});
    return std::regex_search(said, found, started);
  });
  REQUIRE_MESSAGE(up, said);
  at_ = {"127.0.0.1", static_cast<std::uint16_t>(std::stoi(found[1]))};

  json::array arguments;
  for (const auto* argument :
       {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--window-size=1440,1000"}) {
    arguments.push_back(json::value(argument));
  }
  arguments.push_back(json::value("--user-data-dir=" + (folder / "profile").string()));
  const json::object options{{"args", arguments}};
  const json::object wanted{{"goog:chromeOptions", options},
                            {"goog:loggingPrefs", json::object{{"browser", "ALL"}}}};
  const json::object capabilities{{"alwaysMatch", wanted}};
  const auto session = call("POST", "/session", json::object{{"capabilities", capabilities}});
  session_ = "/session/" + std::string{session.at("sessionId").as_string()};
}

Browser::~Browser() {
  if (!session_.empty()) call("DELETE", session_);
  driver_.stop();
}

json::value Browser::call(const std::string& method, const std::string& path, json::value body) {
  link::HttpRequest request;
  request.method = method;
  request.target = path;
  if (method == "POST") {
    request.headers["content-type"] = "application/json";
    request.body = json::serialize(body);
  }
  asio::io_context io;
  std::optional<Result<link::HttpResponse>> answer;
  spawn(io, "webdriver", ask(at_, std::move(request), answer));
  io.run();
  REQUIRE(answer);
  REQUIRE_MESSAGE(*answer, (*answer ? "" : answer->error().text()));
  CHECK_MESSAGE((*answer)->status == 200, (*answer)->body);
  return json::parse((*answer)->body).at("value");
}

void Browser::open(const std::string& url) {
  call("POST", session_ + "/url", json::object{{"url", url}});
}

void Browser::refresh() { call("POST", session_ + "/refresh", json::object{}); }

void Browser::click(const std::string& selector) {
  const auto element = call("POST", session_ + "/element",
                            json::object{{"using", "css selector"}, {"value", selector}});
  REQUIRE(element.is_object());
  const std::string id{element.as_object().begin()->value().as_string()};
  call("POST", session_ + "/element/" + id + "/click", json::object{});
}

json::value Browser::run(const std::string& script) {
  return call("POST", session_ + "/execute/sync",
              json::object{{"script", script}, {"args", json::array{}}});
}

std::string Browser::text(const std::string& selector) {
  const auto told =
      run("const found = document.querySelector(" + json::serialize(json::value(selector)) +
          "); return found?.checkVisibility() ? found.innerText : ''");
  return std::string{told.as_string()};
}

bool Browser::shows(const std::string& selector, const std::string& part) {
  return text(selector).find(part) != std::string::npos;
}

void Browser::await_text(const std::string& selector, const std::string& part) {
  const bool came = eventually(patience, [&] { return shows(selector, part); });
  REQUIRE_MESSAGE(came, "\"", part, "\" did not come; ", selector, " shows: ", text(selector));
}

void Browser::resize(int width, int height) {
  // The emulated size of a device: a window without a screen is never narrower than 500.
  call("POST", session_ + "/goog/cdp/execute",
       json::object{{"cmd", "Emulation.setDeviceMetricsOverride"},
                    {"params", json::object{{"width", width},
                                            {"height", height},
                                            {"deviceScaleFactor", 1},
                                            {"mobile", true}}}});
}

std::string Browser::complaints() {
  std::string out;
  const auto entries = call("POST", session_ + "/se/log", json::object{{"type", "browser"}});
  for (const auto& entry : entries.as_array()) {
    out += std::string{entry.at("message").as_string()} + "\n";
  }
  return out;
}

}  // namespace kw::tests
