// Who may watch and act, what the page is served with, and what it asks the API for.
#include "tests/collector/site.hpp"

using namespace kw;
using namespace kw::collector_test;

TEST_CASE("only pages of the collector itself may watch") {
  Site site;
  const auto own = "127.0.0.1:" + std::to_string(site.at.port);
  CHECK(site.watch({{"Origin", "http://" + own}}).status() == 101);
  CHECK(site.watch({{"Origin", "http://" + own}, {"Sec-Fetch-Site", "same-origin"}}).status() ==
        101);
  CHECK(site.watch({{"Origin", "http://evil.example"}}).status() == 403);
  CHECK(site.watch({{"Origin", "null"}}).status() == 403);
  CHECK(site.watch({{"Origin", "http://127.0.0.1:1"}}).status() == 403);
  CHECK(site.watch({{"Sec-Fetch-Site", "cross-site"}}).status() == 403);
  CHECK(site.watch({{"Host", "evil.example"}, {"Origin", "http://evil.example"}}).status() == 403);
  CHECK(WebSocketClient{site.at.port, "/api/v1/orders"}.status() == 404);
  const auto plain = site.ask("GET", "/api/v1/live");
  CHECK(plain.status == 426);
  CHECK(plain.headers.at("upgrade") == "websocket");
}

TEST_CASE("only pages of the collector itself may act") {
  Site site;
  const auto session = site.open(site.make("K1"), "K1");
  site.report(session, {"printer"}, {"media-empty"});
  const auto orders = site.get("/api/v1/orders?state=open").at("items").as_array();
  REQUIRE(orders.size() == 1);
  const auto path = "/api/v1/orders/" + std::string{orders[0].at("number").as_string()};
  const auto own = "http://127.0.0.1:" + std::to_string(site.at.port);
  for (const std::map<std::string, std::string>& from :
       std::vector<std::map<std::string, std::string>>{{{"origin", "http://evil.example"}},
                                                       {{"origin", "null"}},
                                                       {{"sec-fetch-site", "cross-site"}},
                                                       {{"sec-fetch-site", "same-site"}},
                                                       {{"host", "evil.example"}}}) {
    CHECK(site.ask("POST", path + "/accept", from).status == 403);
  }
  CHECK(site.ask("POST", path + "/accept", {{"content-type", "text/plain"}}, "{}").status == 415);
  CHECK(site.get(path).at("state") == "dispatched");
  CHECK(site.ask("POST", path + "/accept",
                 {{"origin", own},
                  {"sec-fetch-site", "same-origin"},
                  {"content-type", "application/json"}},
                 "{}")
            .status == 200);
  CHECK(site.get(path).at("state") == "accepted");
}

TEST_CASE("the page is served for strict browsers, and again only when it has changed") {
  Site site;
  for (const auto* path : {"/", "/page.css", "/page.js", "/dom.js", "/feed.js", "/words.js"}) {
    const auto file = site.ask("GET", path);
    CHECK(file.status == 200);
    CHECK_FALSE(file.body.empty());
    const auto& policy = file.headers.at("content-security-policy");
    CHECK(policy.find("default-src 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(file.headers.at("x-content-type-options") == "nosniff");
    CHECK(file.headers.at("referrer-policy") == "no-referrer");
    const auto again = site.ask("GET", path, {{"if-none-match", file.headers.at("etag")}});
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(site.ask("GET", path, {{"if-none-match", "\"other\""}}).status == 200);
  }
  CHECK(site.ask("GET", "/index.html").status == 404);
  CHECK(site.ask("GET", "/../collector.db").status == 404);
  CHECK(site.ask("GET", "/", {{"host", "evil.example"}}).status == 403);
}

TEST_CASE("terminals are found by a part of code or name, which stands for itself") {
  Site site;
  for (const auto* code : {"GD-GZ-0001", "GD-SZ-0001", "GD_SZ%0002"}) site.make(code);
  const auto found = [&](const std::string& q) {
    return site.get("/api/v1/terminals?q=" + q).at("items").as_array().size();
  };
  CHECK(found("") == 3);
  CHECK(found("sz") == 2);
  CHECK(found("0001") == 2);
  CHECK(found("%25") == 1);
  CHECK(found("D_S") == 1);
  CHECK(found("!") == 0);
  CHECK(site.get("/api/v1/terminals?q=GD-&limit=1").at("next_cursor") == "GD-GZ-0001");
}

TEST_CASE("what codes of conditions say is told in both languages") {
  Site site;
  const auto told = site.get("/api/v1/conditions");
  for (const auto& row : told.at("items").as_array()) {
    if (row.at("code") != "media-empty") continue;
    CHECK(row.at("zh") == "缺纸");
    CHECK(row.at("en") == "out of paper");
    return;
  }
  FAIL("media-empty is not among them");
}
