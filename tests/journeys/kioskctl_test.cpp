// kioskctl as a technician runs it: the programs themselves, a real agent, a collector that works
// and one that takes everything and stores nothing.
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/enroll/identity_files.hpp"
#include "common/db/database.hpp"
#include "common/link/http_date.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/files.hpp"
#include "common/wire/codec.hpp"
#include "tests/journeys/rig.hpp"
#include "tests/link/fixture.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

struct Answer {
  int code;
  json::value body;
  const json::value& at(const char* pointer) const {
    static const json::value none;
    json::error_code wrong;
    const auto* found = body.find_pointer(pointer, wrong);
    return found == nullptr ? none : *found;
  }
};

std::vector<std::string> command(const AgentRig& agent, std::vector<std::string> words) {
  std::vector<std::string> out{program("kioskctl"),
                               "--data",
                               agent.data().string(),
                               "--config",
                               agent.data().string() + ".toml",
                               "--lang",
                               "en"};
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

Answer ask(const AgentRig& agent, std::vector<std::string> words) {
  words.emplace_back("--json");
  const auto told = run(command(agent, std::move(words)));
  json::error_code wrong;
  auto body = json::parse(told.text, wrong);
  CHECK_MESSAGE(!wrong, told.text);
  return {told.code, std::move(body)};
}

bool connected(const AgentRig& agent) {
  return eventually(30s, [&] {
    const auto status = run(command(agent, {"status", "--json"}));
    return status.text.find("\"phase\":\"live\"") != std::string::npos;
  });
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Welcomes every kiosk, takes every frame, acknowledges nothing.
class Swallower final : public link::Host {
 public:
  Swallower() {
    link::ServerTls::Options options;
    options.own = link_test::ours().good_server();
    options.client_trust_pem = link_test::ours().trust();
    listener_ = std::make_unique<link::Listener>(io_.get_executor(),
                                                 link_test::server_tls(options, clock_), *this);
    at = *listener_->listen({"127.0.0.1", 0});
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~Swallower() override {
    asio::post(io_, [this] {
      listener_->stop();
      io_.stop();
    });
    thread_.join();
  }

  std::optional<link::Refusal> admit(const link::PeerCertificate& peer) override {
    if (!revoked || !peer.present) return std::nullopt;
    return link::Refusal{"revoked", "certificate " + peer.serial + " is revoked", {}};
  }
  Task<link::HttpResponse> answer(link::HttpRequest, link::PeerCertificate) override {
    link::HttpResponse out;
    out.status = 404;
    out.headers["date"] = link::http_date(clock_.wall());
    co_return out;
  }
  Task<void> serve(std::unique_ptr<link::Link> link) override {
    for (;;) {
      auto frame = co_await link->receive();
      if (!frame) co_return;
      const auto envelope = wire::decode(*frame);
      if (!envelope || !envelope->has_hello()) continue;
      pb::Envelope out;
      auto& welcome = *out.mutable_welcome();
      welcome.set_version(1);
      welcome.set_credit(64 * 1024);
      welcome.set_server_wall_us(micros(clock_.wall()));
      auto bytes = wire::encode(out);
      const auto sent = co_await link->send(std::move(bytes));
      if (!sent) co_return;
    }
  }

  link::Endpoint at;
  std::atomic<bool> revoked{false};

 private:
  SystemClock clock_;
  asio::io_context io_{1};
  std::unique_ptr<link::Listener> listener_;
  std::thread thread_;
};

/// A terminal that a program can be run on, and what was drawn on it.
class Terminal {
 public:
  Terminal(unsigned short columns, unsigned short rows)
      : fd_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    REQUIRE(grantpt(fd_) == 0);
    REQUIRE(unlockpt(fd_) == 0);
    path = ptsname(fd_);
    held_ = open(path.c_str(), O_RDWR | O_NOCTTY);
    const winsize size{rows, columns, 0, 0};
    REQUIRE(ioctl(fd_, TIOCSWINSZ, &size) == 0);
  }
  ~Terminal() {
    close(held_);
    close(fd_);
  }
  const std::string& drawn() {
    char block[4'096];
    for (ssize_t n = 0; (n = read(fd_, block, sizeof block)) > 0;) {
      drawn_.append(block, static_cast<std::size_t>(n));
    }
    return drawn_;
  }
  std::string path;

 private:
  int fd_;
  int held_ = -1;
  std::string drawn_;
};

}  // namespace

TEST_CASE("kioskctl link is well with a real collector and tells which end is missing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  AgentRig agent{folder / "agent", ""};
  const auto stranger = ask(agent, {"link"});
  CHECK(stranger.code == 1);
  CHECK(stranger.at("/code") == "not-enrolled");
  agent.enroll(collector, "T-1");
  const auto idle = ask(agent, {"link"});
  CHECK(idle.at("/failed") == "acknowledged");
  CHECK(idle.at("/code") == "agent-not-running");
  agent.start();
  REQUIRE(connected(agent));
  const auto good = ask(agent, {"link"});
  CHECK_MESSAGE(good.code == 0, json::serialize(good.body));
  CHECK(good.at("/ok") == true);
  CHECK(good.at("/servers/0/steps/3/step") == "certificate");
  CHECK(good.at("/servers/0/steps/3/state") == "ok");
  // The real collector tells its time: without it the dates could be judged by one clock only.
  CHECK(std::string{good.at("/servers/0/steps/3/detail").as_string()}.find("clock off by") !=
        std::string::npos);
  CHECK(good.at("/acknowledged/state") == "ok");
  // The check's own connection disturbed nobody: the session is still the first one.
  CHECK(ask(agent, {"status"}).at("/uplink/phase") == "live");
  REQUIRE(collector.stop() == 0);
  {
    auto db = db::Database::open(collector.database(), {});
    REQUIRE(db);
    (*db)->run("UPDATE certificate SET revoked_at = 1");
    REQUIRE_FALSE((*db)->failure());
  }
  collector.start();
  const auto revoked = ask(agent, {"link"});
  CHECK(revoked.at("/failed") == "websocket");
  CHECK(revoked.at("/code") == "revoked");
  collector.kill();
  const auto gone = ask(agent, {"link"});
  CHECK(gone.code == 1);
  CHECK(gone.at("/failed") == "tcp");
  CHECK(gone.at("/code") == "port-closed");
  CHECK(gone.at("/acknowledged/state") == "skipped");
}

TEST_CASE("kioskctl link tells a collector that accepts but does not store, and one that revoked") {
  const TempFolder folder;
  Swallower swallower;
  AgentRig agent{folder / "agent", ""};
  REQUIRE(platform::make_folder(agent.data(), true));
  REQUIRE(
      agent::save_identity(agent.data(), {swallower.at, "SZ-0001", link_test::ours().good_kiosk(),
                                          link_test::ours().root.certificate_pem}));
  agent.start();
  REQUIRE(eventually(30s, [&] { return ask(agent, {"status"}).at("/uplink/connected") == true; }));
  const auto lost = ask(agent, {"link"});
  CHECK(lost.code == 1);
  CHECK(lost.at("/servers/0/ok") == true);
  CHECK(lost.at("/failed") == "acknowledged");
  CHECK(lost.at("/code") == "not-stored");
  swallower.revoked = true;
  const auto revoked = ask(agent, {"link"});
  CHECK(revoked.at("/failed") == "websocket");
  CHECK(revoked.at("/code") == "revoked");
}

TEST_CASE("kioskctl events follows what happens until it is told to stop") {
  const TempFolder folder;
  AgentRig agent{folder / "agent", ""};
  agent.start();
  REQUIRE(eventually(30s, [&] { return run(command(agent, {"status"})).code == 0; }));
  const auto old = ask(agent, {"events", "--count", "5"});
  CHECK(old.code == 0);
  REQUIRE(old.at("/events").is_array());
  CHECK(old.at("/events/0/class") == "power");
  CHECK(old.at("/events/0/acknowledged") == false);
  Process follower{command(agent, {"events", "--follow", "--count", "0", "--json"}),
                   folder / "follow"};
  // Something new: the note of a link check, which is written whether or not anybody listens.
  REQUIRE(eventually(20s, [&] {
    const auto proof = platform::ask_control(agent.data(), "prove", {}, 100ms);
    return content(folder / "follow").find("link-check") != std::string::npos;
  }));
  follower.signal(SIGINT);
  CHECK(follower.wait() == 0);
  const auto text = content(folder / "follow");
  json::error_code wrong;
  const auto first = json::parse(text.substr(0, text.find('\n')), wrong);
  CHECK_FALSE(wrong);
  CHECK(first.at("event").at("code") == "link-check");
}

TEST_CASE("kioskctl watch draws on a terminal, fits it and gives it back") {
  const TempFolder folder;
  AgentRig agent{folder / "agent",
                 "[[device]]\nname = \"host\"\ndriver = \"host\"\nport = \"-\"\npoll_ms = 200\n"};
  agent.start();
  REQUIRE(eventually(30s, [&] { return run(command(agent, {"devices"})).code == 0; }));
  Terminal terminal{60, 12};
  Process watch{command(agent, {"watch"}), terminal.path};
  CHECK(eventually(20s, [&] { return terminal.drawn().find("host") != std::string::npos; }));
  CHECK(terminal.drawn().find("\x1b[?1049h") == 0);
  CHECK(terminal.drawn().find("\x1b[13;1H") == std::string::npos);
  watch.signal(SIGINT);
  CHECK(watch.wait() == 0);
  CHECK(terminal.drawn().ends_with("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"));
  // Where there is no terminal it says the same in plain lines.
  Process plain{command(agent, {"watch"}), folder / "plain"};
  CHECK(eventually(20s, [&] { return !content(folder / "plain").empty(); }));
  plain.signal(SIGINT);
  CHECK(plain.wait() == 0);
  CHECK(content(folder / "plain").find('\x1b') == std::string::npos);
}

TEST_CASE("kioskctl test has the agent try a device and says what came of it") {
  const TempFolder folder;
  PrintersRig printers{folder / "printers", 1, 3'600'000, 1};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.start();
  REQUIRE(eventually(30s, [&] { return ask(agent, {"devices"}).at("/devices/0/health") == "ok"; }));
  const auto passed = ask(agent, {"test", "printer-0"});
  CHECK_MESSAGE(passed.code == 0, json::serialize(passed.body));
  CHECK(passed.at("/self_test/passed") == true);
  CHECK(run(command(agent, {"test", "printer-0"})).text.find("passed") != std::string::npos);
  const auto mistyped = ask(agent, {"test", "printer-9"});
  CHECK(mistyped.code == 2);
  CHECK(mistyped.at("/ok") == false);
  CHECK(mistyped.at("/error/message").as_string().find("printer-0") != std::string::npos);
  // Whatever language the agent is set to, who asks is answered in his.
  CHECK(mistyped.at("/error/message").as_string().find("no device") == 0);
  const std::vector<std::string> chinese{program("kioskctl"), "--data", agent.data().string(),
                                         "--lang", "zh-CN"};
  const auto in_chinese = [&](std::vector<std::string> words) {
    words.insert(words.begin(), chinese.begin(), chinese.end());
    return run(std::move(words)).text;
  };
  CHECK(in_chinese({"test", "printer-9"}).find("没有设备“printer-9”") != std::string::npos);
  CHECK(in_chinese({"refill", "printer-9"}).find("没有设备“printer-9”") != std::string::npos);
  printers.kill();
  const auto dead = ask(agent, {"test", "printer-0"});
  CHECK(dead.code == 1);
}

TEST_CASE("kioskctl bundle holds all parts with the agent, and says what is missing without") {
  const TempFolder folder;
  AgentRig agent{folder / "agent", "# password = \"s3cret\"\n"};
  agent.start();
  REQUIRE(eventually(30s, [&] { return run(command(agent, {"status"})).code == 0; }));
  const auto file = (folder / "bundle.json").string();
  const auto made = ask(agent, {"bundle", "-o", file});
  CHECK_MESSAGE(made.code == 0, json::serialize(made.body));
  const auto whole = json::parse(content(file));
  for (const char* part :
       {"status", "devices", "outbox", "configuration", "log", "events", "doctor", "link"}) {
    CHECK_MESSAGE(whole.as_object().contains(part), part);
  }
  CHECK(content(file).find("s3cret") == std::string::npos);
  agent.stop();
  const auto rest = ask(agent, {"bundle", "-o", file});
  CHECK(rest.code == 1);
  const auto partly = json::parse(content(file));
  CHECK(partly.at("missing").as_array().size() == 5);
  CHECK(partly.at("doctor").at("ok") == false);
  CHECK(partly.at("configuration").as_string().find("reconnect_first_ms") != std::string::npos);
}

TEST_CASE("every mistake is one JSON object when JSON was asked for, with its exit code") {
  const TempFolder folder;
  const AgentRig agent{folder / "agent", ""};
  for (const std::vector<std::string>& words : {std::vector<std::string>{"dance"},
                                                {"events", "--count", "x"},
                                                {"test"},
                                                {"probe", "nothing", "-"},
                                                {"link", "--limit-ms", "1"}}) {
    const auto wrong = ask(agent, words);
    CHECK(wrong.code == 2);
    CHECK(wrong.at("/ok") == false);
    CHECK(wrong.at("/error/code") == "usage");
  }
  for (const char* verb : {"status", "devices", "outbox", "events", "watch"}) {
    const auto absent = ask(agent, {verb});
    CHECK(absent.code == 3);
    CHECK(absent.at("/error/code") == "not_running");
    CHECK_FALSE(absent.at("/error/hint").as_string().empty());
  }
  // JSON has no word for it, so it must not get as far as the agent.
  const auto amount = ask(agent, {"refill", "a", "toner", "--amount", "nan"});
  CHECK(amount.code == 2);
  const auto nowhere = ask(agent, {"discover", "--limit-ms", "3000", "nosuch.invalid"});
  CHECK(nowhere.code == 1);
  const auto& found = nowhere.at("/devices").as_array();
  REQUIRE_FALSE(found.empty());
  CHECK(found.back().at("failed") == true);
  const auto unsaid =
      run({program("kioskctl"), "--data", agent.data().string(), "--lang", "zh-CN", "test"});
  CHECK(unsaid.text.find("命令行有误：缺少 DEVICE") != std::string::npos);
  // Whatever finds the mistake: the setting's table, the port, the driver itself.
  for (const auto& [words, told] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"escpos", "tcp://h:1", "--set", "timeout_ms=x"}, "timeout_ms = \"x\"：应为：50 至"},
           {{"escpos", "tcp://h"}, "端口有误：端口 \"tcp://h\"：缺少端口号；示例："},
           {{"escpos", "tcp://h:1", "--set", "model=x"}, "model = \"x\"：没有这个型号（可用："}}) {
    std::vector<std::string> probe{program("kioskctl"), "--lang", "zh-CN", "probe"};
    probe.insert(probe.end(), words.begin(), words.end());
    const auto wrong = run(probe);
    CHECK(wrong.code == 2);
    CHECK_MESSAGE(wrong.text.find(told) != std::string::npos, wrong.text);
  }
  const auto host = ask(agent, {"doctor"});
  CHECK(host.code == 1);
  CHECK(host.at("/checks/0/code") == "agent-not-running");
  const auto chinese =
      run({program("kioskctl"), "--data", agent.data().string(), "--lang", "zh-CN", "status"});
  CHECK(chinese.text.find("未运行") != std::string::npos);
}
