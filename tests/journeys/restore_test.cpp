// A collector that lost its last hours: a backup put back, by the command or by hand, and the
// kiosks send again what came after it. Real programs throughout; the ledger is what the agents
// still keep.
#include <algorithm>
#include <fstream>
#include <map>
#include <regex>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "collector/model/values.hpp"
#include "collector/orders/transitions.hpp"
#include "common/db/database.hpp"
#include "common/platform/files.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

/// Simulated printers that do what they are told.
class Desk {
 public:
  Desk(const fs::path& folder, const std::vector<std::string>& names)
      : control_(folder / "control") {
    fs::create_directories(folder);
    std::ofstream scenario{folder / "scenario.toml"};
    for (const auto& name : names) {
      scenario << fmt::format(
          "[[device]]\nname = \"{}\"\nprotocol = \"escpos\"\nport = \"tcp://127.0.0.1:0\"\n", name);
    }
    scenario.close();
    const auto out = folder / "out";
    process_ = Process{{program("kiosk-devices"), "run", (folder / "scenario.toml").string(),
                        "--control", control_.string()},
                       out};
    const std::regex where{R"re("device":"([a-z]+)".*"port":"(tcp:[^"]+)")re"};
    std::map<std::string, std::string> ports;
    REQUIRE(eventually(30s, [&] {
      const auto text = platform::read_file(out);
      if (!text) return false;
      for (std::sregex_iterator it{text->begin(), text->end(), where}, end; it != end; ++it) {
        ports[(*it)[1]] = (*it)[2];
      }
      return ports.size() == names.size();
    }));
    for (const auto& [name, port] : ports) {
      configuration_ += fmt::format(
          "[[device]]\nname = \"{}\"\ndriver = \"escpos\"\nport = \"{}\"\npoll_ms = 100\n", name,
          port);
    }
  }
  void cover(const std::string& device, bool open) const {
    const auto done = run({program("kiosk-devices"), "set", "--control", control_.string(), device,
                           "cover-open", open ? "on" : "off"});
    REQUIRE_MESSAGE(done.code == 0, done.text);
  }
  const std::string& configuration() const { return configuration_; }

 private:
  fs::path control_;
  std::string configuration_;
  Process process_;
};

std::int64_t asked(const fs::path& file, const std::string& sql) {
  auto db = db::Database::open(file, {.read_only = true});
  REQUIRE(db);
  const auto out = (*db)->integer(sql).value_or(-1);
  REQUIRE_FALSE((*db)->failure());
  return out;
}

struct Orders {
  int all = 0;
  int standing = 0;
  bool operator==(const Orders&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Orders& o) {
  return out << o.standing << " of " << o.all << " standing";
}

Orders orders_of(const CollectorRig& collector, const std::string& device) {
  auto db = db::Database::open(collector.database(), {.read_only = true});
  REQUIRE(db);
  Orders out;
  for (const auto row : (*db)->rows("SELECT state FROM work_order WHERE subject=$1", device)) {
    ++out.all;
    if (!kw::collector::ended(static_cast<kw::collector::OrderState>(row.integer(0))))
      ++out.standing;
  }
  return out;
}

bool orders_become(const CollectorRig& collector, const std::string& device, const Orders& wanted) {
  return eventually(30s, [&] { return orders_of(collector, device) == wanted; });
}

/// What the console shows of a device: its health.
std::string health_of(const CollectorRig& collector, const std::string& device) {
  const auto n =
      asked(collector.database(), "SELECT health FROM device WHERE device='" + device + "'");
  return std::string{wire::name(static_cast<wire::Health>(n))};
}

json::value printed(const Output& told) {
  json::error_code wrong;
  auto out = json::parse(told.text.substr(0, told.text.find('\n')), wrong);
  REQUIRE_MESSAGE(!wrong, told.text);
  return out;
}

void check_same(const AgentRig& agent, const CollectorRig& collector, std::size_t at_least) {
  const auto kept = kept_in_outbox(agent.data());
  const auto wrong = differences(kept, stored_in_blocks(collector.database()));
  for (const auto& line : wrong) MESSAGE(line);
  CHECK(wrong.empty());
  CHECK(kept.size() >= at_least);
}

/// Backed up and tried like any backup: no number is missing, none there twice, nothing dangles.
void check_sound(const CollectorRig& collector, const fs::path& as) {
  REQUIRE(collector.command({"backup", "--to", as.string()}).code == 0);
  const auto tried = collector.command({"restore", "--verify", as.string(), "--json"});
  CHECK_MESSAGE(tried.code == 0, tried.text);
}

std::int64_t audited(const CollectorRig& collector, const std::string& action) {
  return asked(collector.database(),
               "SELECT count(*) FROM audit WHERE action='" + action + "' AND result='ok'");
}

}  // namespace

TEST_CASE("a collector back from an old backup has everything once and dispatches nothing healed") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig hall{folder / "hall", 2, 150, 300};
  PrintersRig street{folder / "street", 1, 150, 300};
  Desk desk{folder / "desk", {"early", "between", "late", "lasting"}};
  AgentRig first{folder / "first", hall.configuration() + desk.configuration()};
  AgentRig second{folder / "second", street.configuration()};
  first.enroll(collector, "K1");
  second.enroll(collector, "K2");
  first.start();
  second.start();
  desk.cover("early", true);
  desk.cover("lasting", true);
  REQUIRE(orders_become(collector, "early", {1, 1}));
  REQUIRE(orders_become(collector, "lasting", {1, 1}));
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 60; }));

  const auto backup = folder / "old.db";
  const auto made = collector.command({"backup", "--to", backup.string(), "--json"});
  REQUIRE_MESSAGE(made.code == 0, made.text);
  const auto at_backup = asked(backup, "SELECT sum(last_seq-first_seq+1) FROM event_block");
  CHECK(printed(made).at("events").as_int64() == at_backup);
  CHECK(audited(collector, "store.backup") == 1);

  desk.cover("early", false);
  desk.cover("between", true);
  desk.cover("late", true);
  REQUIRE(orders_become(collector, "early", {1, 0}));
  REQUIRE(orders_become(collector, "between", {1, 1}));
  REQUIRE(orders_become(collector, "late", {1, 1}));
  desk.cover("between", false);
  REQUIRE(orders_become(collector, "between", {1, 0}));
  REQUIRE(eventually(
      30s, [&] { return static_cast<std::int64_t>(collector.stored_events()) > at_backup + 60; }));
  collector.kill();
  const auto before = collector.stored_events();

  SUBCASE("by the command") {
    const auto restored = collector.command({"restore", backup.string(), "--json"});
    REQUIRE_MESSAGE(restored.code == 0, restored.text);
    CHECK(fs::exists(std::string{printed(restored).at("aside").as_string()}));
    CHECK(printed(restored).at("not_carried").as_string().empty());
  }
  SUBCASE("copied over the store by hand, whose log is still there") {
    const auto log = collector.database().string() + "-wal";
    REQUIRE(fs::file_size(log) > 0);
    fs::copy_file(backup, collector.database(), fs::copy_options::overwrite_existing);
  }
  SUBCASE("copied over the store by hand, twice, and cut off at its first start") {
    for (int i = 0; i < 2; ++i) {
      fs::copy_file(backup, collector.database(), fs::copy_options::overwrite_existing);
      collector.start();
      collector.kill();
    }
  }
  const bool by_command = audited(collector, "store.restore") == 1;
  collector.start();
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > before + 20; }));
  // Nothing more happens but what is still on its way.
  hall.kill();
  street.kill();
  for (auto* agent : {&first, &second}) {
    REQUIRE(eventually(60s, [&] { return agent->unacknowledged() == 0; }));
  }
  if (!by_command) CHECK(audited(collector, "store.copied-back") >= 1);

  CHECK(orders_of(collector, "early") == Orders{1, 0});
  CHECK(orders_of(collector, "between") == Orders{0, 0});
  CHECK(orders_of(collector, "late") == Orders{1, 1});
  CHECK(orders_of(collector, "lasting") == Orders{1, 1});
  // What came and went meanwhile is history, told late.
  CHECK(asked(collector.database(),
              "SELECT count(*) FROM fault WHERE subject='between' AND learned_late=1 AND "
              "cleared_at IS NOT NULL AND order_id=''") == 1);
  CHECK(health_of(collector, "early") == "ok");
  CHECK(health_of(collector, "between") == "ok");
  CHECK(health_of(collector, "late") == "fault");
  CHECK(health_of(collector, "lasting") == "fault");

  check_sound(collector, folder / "afterwards.db");
  first.stop();
  second.stop();
  CHECK(collector.stop() == 0);
  check_same(first, collector, 60);
  check_same(second, collector, 40);
}

TEST_CASE("what an agent no longer keeps is a gap with a name after a restore") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig hall{folder / "hall", 1, 150, 200};
  AgentRig agent{folder / "agent", hall.configuration()};
  agent.enroll(collector, "K1");
  const auto backup = folder / "old.db";
  REQUIRE(collector.command({"backup", "--to", backup.string()}).code == 0);
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 30; }));
  hall.kill();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  collector.stop();
  // Seven days later: the first ten are gone.
  {
    auto db = db::Database::open(agent.data() / "outbox.db", {.create = false});
    REQUIRE(db);
    (*db)->run("DELETE FROM record WHERE seq <= 10");
    REQUIRE_FALSE((*db)->failure());
  }
  REQUIRE(collector.command({"restore", backup.string()}).code == 0);
  collector.start();
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 30; }));
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  const auto events = collector.command({"events", "--terminal", "K1"});
  const auto gap = printed(events);
  CHECK(gap.at("seq").as_int64() == 1);
  CHECK(gap.at("gap").at("count").as_int64() == 10);
  CHECK(gap.at("gap").at("reason").as_string() == "not-kept");
  check_sound(collector, folder / "afterwards.db");
  agent.stop();
  collector.stop();
  const auto kept = kept_in_outbox(agent.data());
  auto stored = stored_in_blocks(collector.database());
  std::erase_if(stored, [](const auto& entry) { return entry.second.starts_with("gap"); });
  const auto wrong = differences(kept, stored);
  for (const auto& line : wrong) MESSAGE(line);
  CHECK(wrong.empty());
}

TEST_CASE("who was let in or put out after the backup stays so when it is put back") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig hall{folder / "hall", 1, 150, 200};
  AgentRig old{folder / "old", hall.configuration()};
  AgentRig thief{folder / "thief", hall.configuration()};
  old.enroll(collector, "K1");
  thief.enroll(collector, "K2");
  const auto backup = folder / "old.db";
  REQUIRE(collector.command({"backup", "--to", backup.string()}).code == 0);
  REQUIRE(collector.command({"revoke", "--terminal", "K2", "--reason", "stolen"}).code == 0);
  AgentRig fresh{folder / "fresh", hall.configuration()};
  fresh.enroll(collector, "K3");
  collector.stop();
  const auto restored = collector.command({"restore", backup.string(), "--json"});
  REQUIRE_MESSAGE(restored.code == 0, restored.text);
  CHECK(printed(restored).at("carried").at("terminals").as_int64() == 1);
  collector.start();
  fresh.start();
  thief.start();
  old.start();
  REQUIRE(eventually(30s, [&] { return fresh.status("/uplink/phase") == "live"; }));
  REQUIRE(eventually(30s, [&] { return old.status("/uplink/phase") == "live"; }));
  REQUIRE(eventually(30s, [&] { return !thief.status("/uplink/refusal").empty(); }));
  CHECK(thief.status("/uplink/refusal").find("revoked") != std::string::npos);
  CHECK(audited(collector, "certificate.revoke") == 1);
}

TEST_CASE("a backup is refused where one is, and tried without touching anything") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig hall{folder / "hall", 2, 150, 200};
  AgentRig agent{folder / "agent", hall.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  const auto good = folder / "good.db";
  REQUIRE(collector.command({"backup", "--to", good.string()}).code == 0);
  const auto bytes = *platform::read_file(good);
  const auto again = collector.command({"backup", "--to", good.string()});
  CHECK(again.code == 1);
  CHECK(again.text.find("exists already") != std::string::npos);
  CHECK(collector.command({"backup", "--to", (folder / "no/such/folder/b.db").string()}).code == 1);

  const auto while_running = collector.command({"restore", good.string()});
  CHECK(while_running.code == 1);
  CHECK(while_running.text.find("stop it first") != std::string::npos);

  const auto live = collector.command({"restore", "--verify", collector.database().string()});
  CHECK(live.code == 1);
  CHECK_MESSAGE(live.text.find("is the database itself") != std::string::npos, live.text);

  const auto tried = collector.command({"restore", "--verify", good.string(), "--json"});
  CHECK_MESSAGE(tried.code == 0, tried.text);
  CHECK(printed(tried).at("recorded").as_bool());
  CHECK(*platform::read_file(good) == bytes);
  CHECK(audited(collector, "store.verify") == 1);
  // Away from any store, as on the host that keeps the backups.
  const auto elsewhere = run({program("kiosk-collector"), "restore", "--verify", good.string(),
                              "--data", (folder / "nowhere").string()});
  CHECK_MESSAGE(elsewhere.code == 0, elsewhere.text);

  const auto bad = folder / "bad.db";
  const auto refused = [&](const std::string& content, std::string_view says) {
    std::ofstream{bad, std::ios::binary} << content;
    const auto told = collector.command({"restore", "--verify", bad.string()});
    CHECK(told.code == 1);
    CHECK_MESSAGE(told.text.find(says) != std::string::npos, told.text);
    CHECK(*platform::read_file(bad) == content);
  };
  refused(bytes.substr(0, bytes.size() / 2), "malformed");
  refused(std::string(100'000, 'x'), "not a");
  refused("", "not a collector's store");
  const auto changed = [&](const std::string& sql) {
    std::ofstream{bad, std::ios::binary} << bytes;
    auto db = db::Database::open(bad, {.create = false, .plain = true});
    REQUIRE(db);
    (*db)->run(sql);
    REQUIRE_FALSE((*db)->forgive());
    db->reset();
    return *platform::read_file(bad);
  };
  {
    std::ofstream{bad, std::ios::binary} << bytes;
    auto db = db::Database::open(bad, {.create = false, .plain = true});
    REQUIRE(db);
    auto body = *(*db)->text("SELECT body FROM event_block WHERE first_seq=1");
    body[body.size() / 2] = static_cast<char>(body[body.size() / 2] ^ 1);
    (*db)->run("UPDATE event_block SET body=$1 WHERE first_seq=1", db::blob(body));
    REQUIRE_FALSE((*db)->forgive());
    db->reset();
    refused(*platform::read_file(bad), "checksum");
  }
  refused(changed("DELETE FROM event_block WHERE first_seq=(SELECT min(first_seq) FROM event_block "
                  "WHERE first_seq>1)"),
          "comes before");
  refused(changed("UPDATE epoch SET seq=seq+1"), "marked up to");
  refused(changed("INSERT INTO schema_migration (number, name, checksum, program) VALUES (99, 'x', "
                  "'x', '9.8.7')"),
          "version 9.8.7");
  {
    // A single bit, found by the checksum beside the backup.
    auto flipped = bytes;
    flipped[flipped.size() - 100] = static_cast<char>(flipped[flipped.size() - 100] ^ 4);
    fs::copy_file(good.string() + ".sha256", bad.string() + ".sha256");
    std::ofstream{bad, std::ios::binary} << flipped;
    const auto told = collector.command({"restore", "--verify", bad.string()});
    CHECK(told.code == 1);
  }
  // All of that beside a collector that goes on as if nothing were.
  const auto events = collector.stored_events();
  CHECK(eventually(30s, [&] { return collector.stored_events() > events + 10; }));
  CHECK(collector.stop() == 0);
  const auto not_put_back = collector.command({"restore", bad.string()});
  CHECK(not_put_back.code == 1);
  CHECK(not_put_back.text.find("nothing was changed") != std::string::npos);
  CHECK(collector.stored_events() >= events);
}

TEST_CASE("a damaged store is refused at the start, with what to do, and restored") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig hall{folder / "hall", 1, 150, 200};
  AgentRig agent{folder / "agent", hall.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  const auto backup = folder / "good.db";
  REQUIRE(collector.command({"backup", "--to", backup.string()}).code == 0);
  collector.stop();
  {
    std::fstream file{collector.database(), std::ios::binary | std::ios::in | std::ios::out};
    constexpr std::streamoff page = 4'096;
    file.seekp(20 * page);
    file << std::string(8 * page, '\0');
  }
  const SystemClock clock;
  const auto begun = clock.mono();
  const auto refused =
      collector.command({"run", "--agents", "127.0.0.1:0", "--people", "127.0.0.1:0"});
  CHECK(refused.code == 1);
  CHECK(clock.mono() - begun < 10s);
  CHECK_MESSAGE(refused.text.find("collector.db") != std::string::npos, refused.text);
  CHECK_MESSAGE(refused.text.find("kiosk-collector restore") != std::string::npos, refused.text);
  // A backup of it would be none.
  CHECK(collector.command({"backup", "--to", (folder / "bad.db").string()}).code == 1);
  CHECK_FALSE(fs::exists(folder / "bad.db"));

  const auto restored = collector.command({"restore", backup.string()});
  CHECK_MESSAGE(restored.code == 0, restored.text);
  CHECK_MESSAGE(restored.text.find("enrol again") != std::string::npos, restored.text);
  collector.start();
  const auto before = collector.stored_events();
  CHECK(eventually(30s, [&] { return collector.stored_events() > before + 10; }));
  hall.kill();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  collector.stop();
  check_same(agent, collector, 20);
}
