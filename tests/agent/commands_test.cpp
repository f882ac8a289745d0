// Commands of the collector: what they may say, and that none runs twice.
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "agent/commands/commander.hpp"
#include "common/identity/keys.hpp"
#include "failing_disk.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
namespace json = boost::json;
using State = pb::CommandResult;
using Begin = Outbox::Begin;

namespace {

State result(const std::string& id, State::State state) {
  State out;
  out.set_id(id);
  out.set_state(state);
  return out;
}

/// The results in the outbox's epoch, as "id state".
std::vector<std::string> results(Box& box, std::uint64_t epoch) {
  std::vector<std::string> out;
  for (const auto& item : box.all(epoch)) {
    if (!item.event().has_command_result()) continue;
    const auto& r = item.event().command_result();
    out.push_back(r.id() + " " + State::State_Name(r.state()));
  }
  return out;
}

/// A commander with a real journal; what its verbs act on is the test's.
struct Rig {
  explicit Rig(std::function<void(Commander::Hands&)> adjust = {}) {
    box.open(7);
    journal.emplace(std::move(box.outbox), box.clock);
    hands.refresh = [this](const std::optional<std::string>& device) -> Result<void> {
      refreshed.push_back(device.value_or("all"));
      if (device == "ghost") return Error{Errc::missing, "no device ghost; configured: printer"};
      return {};
    };
    hands.self_test = [this](std::string device, std::string test, Duration) {
      return tested(std::move(device), std::move(test));
    };
    hands.bundle = [] { return bundle(); };
    hands.upload = [this](link::HttpRequest request, Duration) {
      return upload(std::move(request));
    };
    hands.collector_now = [this] { return std::optional<WallTime>{collector_now}; };
    hands.language = [] { return Lang::en; };
    if (adjust) adjust(hands);
    Commander::Options options;
    options.upload = {.first = 1ms, .cap = 1ms, .spread = 1ms};
    commander.emplace(io.get_executor(), *journal, box.clock, hands, options);
  }

  Task<Result<drivers::SelfTest>> tested(std::string device, std::string test) {
    tests.push_back(device + "/" + test);
    if (device == "dead") co_return Error{Errc::timeout, "did not end within 60000 ms"};
    if (device == "ghost") co_return Error{Errc::missing, "no device ghost"};
    drivers::SelfTest out;
    out.passed = device == "printer";
    out.attempts = {1200us, 3ms};
    out.detail = "cutter";
    co_return out;
  }
  static Task<std::string> bundle() { co_return std::string{"{\"bundle\":1}"}; }
  Task<Result<link::HttpResponse>> upload(link::HttpRequest request) {
    uploads.push_back(request.method + " " + request.target + " " + request.body);
    link::HttpResponse out;
    out.status = statuses.size() < uploads.size() ? 201 : statuses[uploads.size() - 1];
    if (out.status == 0) co_return Error{Errc::disconnected, "gone"};
    out.body = "because";
    co_return out;
  }

  pb::Command command(const std::string& id, const std::string& verb,
                      const std::string& args = {}) {
    pb::Command out;
    out.set_id(id);
    out.set_verb(verb);
    out.set_args(args);
    out.set_expires_wall_us(micros(collector_now + 1h));
    return out;
  }
  void run(const pb::Command& command) {
    commander->received(command);
    io.restart();
    io.run();
  }
  /// All results so far.
  std::vector<State> results() {
    std::vector<State> out;
    std::optional<pb::Batch> batch;
    spawn(io, "read", read(batch));
    io.restart();
    io.run();
    if (!batch) return out;
    for (const auto& item : batch->item()) out.push_back(item.event().command_result());
    return out;
  }
  Task<void> read(std::optional<pb::Batch>& batch) {
    const auto job = [](Outbox& outbox) { return outbox.batch_after(7, 0, Box::wide()); };
    batch = co_await journal->ask(job);
  }
  State last() {
    const auto all = results();
    return all.empty() ? State{} : all.back();
  }

  Box box;
  asio::io_context io{1};
  std::optional<Journal> journal;
  Commander::Hands hands;
  std::optional<Commander> commander;
  WallTime collector_now = wall_from(1'790'000'000'000'000);  // far from the kiosk's own clock
  std::vector<std::string> refreshed;
  std::vector<std::string> tests;
  std::vector<std::string> uploads;
  std::vector<int> statuses;  ///< answers to uploads, 0: none; then 201
};

}  // namespace

TEST_CASE("an order is read, or refused with what is wrong and what there is") {
  const auto all = parse_order("refresh", "", Lang::en);
  REQUIRE(all);
  CHECK_FALSE(std::get<order::Refresh>(*all).device);
  const auto one = parse_order("refresh", R"({"device":"printer"})", Lang::en);
  CHECK(std::get<order::Refresh>(*one).device == "printer");
  const auto test = parse_order("self-test", R"({"device":"p","test":"cut"})", Lang::en);
  CHECK(std::get<order::SelfTest>(*test).test == "cut");
  CHECK(std::holds_alternative<order::LogBundle>(*parse_order("log-bundle", "{}", Lang::en)));
  struct Row {
    std::string verb;
    std::string args;
    std::string_view part;
  };
  const Row rows[] = {
      {"reboot", "{}", "there are: refresh, self-test, log-bundle"},
      {"", "", "there are: refresh"},
      {"refresh", "[]", "JSON object"},
      {"refresh", "{", "JSON object"},
      {"refresh", std::string(60'000, '['), "JSON object"},
      {"refresh", R"({"devise":"p"})", "refresh takes no argument devise; it takes: device"},
      {"refresh", R"({"device":7})", "the argument device must be text"},
      {"refresh", R"({"device":""})", "the argument device must be text and not empty"},
      {"self-test", "{}", "self-test needs the argument device"},
      {"log-bundle", R"({"a":"b"})", "log-bundle takes no argument a; it takes: none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.verb);
    CAPTURE(row.part);
    const auto wrong = parse_order(row.verb, row.args, Lang::en);
    REQUIRE_FALSE(wrong);
    INFO(wrong.error().text());
    CHECK(wrong.error().text().find(row.part) != std::string::npos);
  }
  CHECK(parse_order("reboot", "", Lang::zh_cn).error().text().find("没有命令") == 0);
}

TEST_CASE("a command begins once, over every restart, and one that was cut off is told once") {
  Box box;
  box.open(7);
  CHECK(box.outbox->begin_command("a", box.now()) == Begin::begun);
  CHECK(box.outbox->begin_command("a", box.now()) == Begin::known);
  CHECK(box.outbox->begin_command("b", box.now()) == Begin::begun);
  box.outbox->finish_command(result("a", State::DONE), box.now());
  box.outbox->finish_command(result("a", State::FAILED), box.now());
  CHECK(results(box, 7) == std::vector<std::string>{"a DONE"});
  box.cut();
  box.open(8);
  CHECK(box.outbox->begun_commands() == std::vector<std::string>{"b"});
  CHECK(box.outbox->begin_command("a", box.now()) == Begin::known);
  CHECK(box.outbox->begin_command("b", box.now()) == Begin::known);
  box.outbox->finish_command(result("b", State::INTERRUPTED), box.now());
  CHECK(results(box, 8) == std::vector<std::string>{"b INTERRUPTED"});
  box.cut();
  box.open(9);
  CHECK(box.outbox->begun_commands().empty());
}

TEST_CASE("what is known of commands is bounded by age and number, results that are owed are not") {
  Box box;
  box.open(7);
  box.outbox->begin_command("open", box.now());
  box.outbox->finish_command(result("old", State::DONE), box.now());
  box.clock.advance(31 * 24h);
  box.outbox->finish_command(result("young", State::DONE), box.now());
  box.outbox->prune({box.clock.mono(), box.clock.wall()});
  CHECK(box.outbox->begin_command("old", box.now()) == Begin::begun);
  CHECK(box.outbox->begin_command("young", box.now()) == Begin::known);
  CHECK(box.outbox->begin_command("open", box.now()) == Begin::known);
  for (int i = 0; i < 2'100; ++i) {
    box.outbox->finish_command(result("n" + std::to_string(i), State::DONE), box.now());
    CHECK(box.outbox->begin_command("m" + std::to_string(i), box.now()) != Begin::known);
    box.outbox->finish_command(result("m" + std::to_string(i), State::DONE), box.now());
  }
  CHECK(box.outbox->begin_command("open", box.now()) == Begin::known);
  CHECK(box.outbox->begin_command("m2099", box.now()) == Begin::known);
  box.cut();
  box.open(8);
  CHECK(box.outbox->begin_command("open", box.now()) == Begin::known);
}

TEST_CASE("a disk that takes no note lets no command begin; a result waits for it") {
  FailingDisk disk;
  Box box;
  box.open(7);
  REQUIRE(box.outbox->begin_command("running", box.now()) == Begin::begun);
  FailingDisk::fail_with = SQLITE_IOERR_WRITE;
  FailingDisk::failures = 1'000'000;
  CHECK(box.outbox->begin_command("new", box.now()) == Begin::not_kept);
  box.outbox->finish_command(result("running", State::DONE), box.now());
  FailingDisk::failures = 0;
  CHECK(results(box, 7).empty());
  box.outbox->flush();
  CHECK(results(box, 7) == std::vector<std::string>{"running DONE"});
  CHECK(box.outbox->begin_command("new", box.now()) == Begin::begun);
  box.cut();
  box.open(8);
  CHECK(box.outbox->begun_commands() == std::vector<std::string>{"new"});
}

TEST_CASE("refresh and self-test say how they ended") {
  Rig rig;
  rig.run(rig.command("1", "refresh"));
  CHECK(rig.last().state() == State::DONE);
  rig.run(rig.command("2", "refresh", R"({"device":"ghost"})"));
  CHECK(rig.last().state() == State::REFUSED);
  CHECK(rig.last().detail() == "no device ghost; configured: printer");
  CHECK(rig.refreshed == std::vector<std::string>{"all", "ghost"});

  rig.run(rig.command("3", "self-test", R"({"device":"printer","test":"cut"})"));
  CHECK(rig.last().state() == State::DONE);
  const auto body = json::parse(rig.last().body());
  CHECK(body.at("passed") == true);
  CHECK(body.at("attempts_ms") == json::array{2, 3});
  CHECK(body.at("detail") == "cutter");
  rig.run(rig.command("4", "self-test", R"({"device":"other"})"));
  CHECK(rig.last().state() == State::FAILED);
  CHECK(json::parse(rig.last().body()).at("passed") == false);
  rig.run(rig.command("5", "self-test", R"({"device":"dead"})"));
  CHECK(rig.last().state() == State::FAILED);
  rig.run(rig.command("6", "self-test", R"({"device":"ghost"})"));
  CHECK(rig.last().state() == State::REFUSED);
  rig.run(rig.command("7", "reboot"));
  CHECK(rig.last().state() == State::REFUSED);
  CHECK(rig.last().id() == "7");
}

TEST_CASE("a command that comes again runs no second time, also while it runs") {
  Rig rig;
  const auto command = rig.command("1", "refresh");
  rig.commander->received(command);
  rig.run(command);
  rig.run(command);
  CHECK(rig.refreshed.size() == 1);
  CHECK(rig.results().size() == 1);
  rig.run(rig.command("x", "reboot"));
  rig.run(rig.command("x", "reboot"));
  CHECK(rig.results().size() == 2);
}

TEST_CASE("expiry counts by the collector's clock, whatever this kiosk's says") {
  Rig rig;
  auto command = rig.command("1", "refresh");
  command.set_expires_wall_us(micros(rig.collector_now));
  rig.run(command);
  CHECK(rig.last().state() == State::EXPIRED);
  CHECK(rig.refreshed.empty());
  // Once told it stays so, even if the clocks are set.
  rig.collector_now -= 1h;
  rig.run(command);
  CHECK(rig.results().size() == 1);
}

TEST_CASE("what an agent that ended had begun is interrupted, and is not begun again") {
  Rig rig;
  const auto job = [](Outbox& outbox) { outbox.begin_command("1", {}); };
  rig.journal->post(job);
  rig.commander->start();
  rig.run(rig.command("1", "refresh"));
  REQUIRE(rig.results().size() == 1);
  CHECK(rig.last().state() == State::INTERRUPTED);
  CHECK(rig.refreshed.empty());
}

TEST_CASE(
    "bundles that the collector does not take hold up no other command, and only one is made") {
  int uploads = 0;
  asio::steady_timer* taken = nullptr;
  Rig rig{[&](Commander::Hands& hands) {
    hands.upload = [&](link::HttpRequest, Duration) -> Task<Result<link::HttpResponse>> {
      ++uploads;
      co_await taken->async_wait(as_result);
      co_return link::HttpResponse{.status = 201};
    };
  }};
  asio::steady_timer waits{rig.io, asio::steady_timer::time_point::max()};
  taken = &waits;
  for (int i = 0; i < 6; ++i) {
    rig.commander->received(rig.command("b" + std::to_string(i), "log-bundle"));
  }
  rig.commander->received(rig.command("r", "refresh"));
  const auto until = [&](const std::function<bool()>& done) {
    for (int i = 0; i < 1'000 && !done(); ++i) {
      rig.io.restart();
      rig.io.run_for(5ms);
    }
    return done();
  };
  CHECK(until([&] { return rig.refreshed.size() == 1 && uploads == 1; }));
  waits.expires_at(asio::steady_timer::time_point::min());
  REQUIRE(until([&] { return uploads == 6; }));
  rig.io.restart();
  rig.io.run();
  CHECK(rig.results().size() == 7);
}

TEST_CASE("a bundle is sent until the collector takes it, refuses it, or the command expires") {
  Rig rig;
  rig.statuses = {0, 503, 429};
  rig.run(rig.command("b-1", "log-bundle"));
  CHECK(rig.last().state() == State::DONE);
  REQUIRE(rig.uploads.size() == 4);
  CHECK(rig.uploads[0] == "PUT /kioskwatch/v1/bundles/b-1 {\"bundle\":1}");
  const auto body = json::parse(rig.last().body());
  CHECK(body.at("bytes") == 12);
  CHECK(body.at("sha256") == json::value(identity::sha256_hex("{\"bundle\":1}")));

  Rig refused;
  refused.statuses = {403};
  refused.run(refused.command("b-2", "log-bundle"));
  CHECK(refused.last().state() == State::FAILED);
  CHECK(refused.last().detail().find("HTTP 403") != std::string::npos);
  CHECK(refused.uploads.size() == 1);

  Rig late{[&](Commander::Hands& hands) {
    hands.collector_now = [now = wall_from(1'790'000'000'000'000)]() mutable {
      return std::optional<WallTime>{now += 25min};
    };
  }};
  late.statuses = std::vector<int>(10, 503);
  late.run(late.command("b-3", "log-bundle"));
  CHECK(late.last().state() == State::EXPIRED);
  CHECK(late.last().detail().find("HTTP 503") != std::string::npos);
  CHECK(late.uploads.size() == 2);
}
