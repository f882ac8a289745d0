#include "tests/journeys/rig.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/outbox/outbox.hpp"
#include "common/db/database.hpp"

namespace kw::tests {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The event without what depends on the batch it is in.
std::string content(const pb::Batch& batch, const pb::Item& item) {
  if (item.has_gap()) return "gap " + item.gap().SerializeAsString();
  pb::Event event = item.event();
  const auto mono = batch.base_mono_us() + event.mono_us();
  const auto wall = batch.base_wall_us() + event.mono_us() + event.wall_shift_us();
  event.clear_mono_us();
  event.clear_wall_shift_us();
  return fmt::format("{} {} ", mono, wall) + event.SerializeAsString();
}

void take(Ledger& out, const pb::Batch& batch) {
  std::uint64_t seq = batch.first();
  for (const auto& item : batch.item()) {
    out.push_back({{batch.epoch(), seq}, content(batch, item)});
    seq += item.has_gap() ? item.gap().count() : 1;
  }
}

}  // namespace

CollectorRig::CollectorRig(const std::filesystem::path& folder)
    : data_(folder), log_(folder.string() + ".log") {
  const auto made = run({program("kiosk-collector"), "init", "--data", data_.string()});
  REQUIRE_MESSAGE(made.code == 0, made.text);
  std::ofstream{data_ / "rules.toml"} << "[defaults]\nhold_s = 0\nclear_s = 0\n";
}

Output CollectorRig::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program("kiosk-collector"));
  arguments.insert(arguments.end(), {"--data", data_.string()});
  return run(arguments);
}

void CollectorRig::start(const std::vector<std::string>& more) {
  const auto before = read(log_).size();
  std::vector<std::string> command{program("kiosk-collector"),
                                   "run",
                                   "--data",
                                   data_.string(),
                                   "--agents",
                                   agents_,
                                   "--people",
                                   people_};
  command.insert(command.end(), more.begin(), more.end());
  process_ = Process{command, log_};
  std::smatch found;
  std::string text;
  const std::regex ready{R"((127\.0\.0\.1:\d+).*http://(127\.0\.0\.1:\d+)/)"};
  const bool up = eventually(std::chrono::seconds{30}, [&] {
    text = read(log_).substr(before);
    return std::regex_search(text, found, ready);
  });
  REQUIRE_MESSAGE(up, text);
  agents_ = found[1];
  people_ = found[2];
}

std::string CollectorRig::token(const std::string& terminal) const {
  const auto made = run({program("kiosk-collector"), "token", "new", "--data", data_.string(),
                         "--terminal", terminal});
  REQUIRE_MESSAGE(made.code == 0, made.text);
  return made.text.substr(0, made.text.find('\n'));
}

std::size_t CollectorRig::stored_events() const {
  auto db = db::Database::open(database(), {.read_only = true});
  REQUIRE(db);
  return static_cast<std::size_t>(
      (*db)
          ->integer("SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM event_block")
          .value_or(0));
}

PrintersRig::PrintersRig(const std::filesystem::path& folder, int printers, int change_ms,
                         int seconds) {
  std::filesystem::create_directories(folder);
  std::ofstream scenario{folder / "scenario.toml"};
  for (int i = 0; i < printers; ++i) {
    scenario << fmt::format(
        "[[device]]\nname = \"printer-{}\"\nprotocol = \"escpos\"\nport = \"tcp://127.0.0.1:0\"\n",
        i);
    bool on = false;
    for (int at = change_ms + i * 7; at < seconds * 1000; at += change_ms) {
      on = !on;
      scenario << fmt::format(
          "[[device.step]]\nafter_ms = {}\ncondition = \"cover-open\"\non = {}\n", at, on);
    }
  }
  scenario.close();
  const auto out = folder / "out";
  process_ = Process{{program("kiosk-devices"), "run", (folder / "scenario.toml").string()}, out};
  const std::regex port{R"re("device":"(printer-\d+)".*"port":"(tcp:[^"]+)")re"};
  std::map<std::string, std::string> ports;
  const bool up = eventually(std::chrono::seconds{30}, [&] {
    const auto text = read(out);
    for (std::sregex_iterator it{text.begin(), text.end(), port}, end; it != end; ++it) {
      ports[(*it)[1]] = (*it)[2];
    }
    return ports.size() == static_cast<std::size_t>(printers);
  });
  REQUIRE(up);
  for (const auto& [name, address] : ports) {
    configuration_ += fmt::format(
        "[[device]]\nname = \"{}\"\ndriver = \"escpos\"\nport = \"{}\"\npoll_ms = 100\n", name,
        address);
  }
}

AgentRig::AgentRig(const std::filesystem::path& folder, const std::string& devices)
    : data_(folder), config_(folder.string() + ".toml"), log_(folder.string() + ".log") {
  std::ofstream{config_} << "[agent]\nlanguage = \"en\"\nreconnect_first_ms = 20\n"
                            "reconnect_cap_s = 1\nreconnect_spread_s = 0\n"
                            "flap_changes = 0\n"
                         << devices;
}

void AgentRig::enroll(const CollectorRig& collector, const std::string& terminal) {
  const auto done = run({program("kiosk-agent"), "enroll", "--data", data_.string(), "--server",
                         "https://" + collector.agents(), "--token", collector.token(terminal)});
  REQUIRE_MESSAGE(done.code == 0, done.text);
}

void AgentRig::configure(const std::string& text) const { std::ofstream{config_} << text; }

void AgentRig::start(const std::vector<std::string>& environment) {
  process_ = Process{
      {program("kiosk-agent"), "run", "--data", data_.string(), "--config", config_.string()},
      log_,
      environment};
}

Output AgentRig::enroll_with(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {program("kiosk-agent"), "enroll", "--data", data_.string()});
  return run(arguments);
}

std::string AgentRig::status(const std::string& pointer) const {
  const auto told = run({program("kioskctl"), "--data", data_.string(), "status", "--json"});
  boost::system::error_code error;
  const auto value = boost::json::parse(told.text, error);
  if (error) return {};
  const auto* found = value.find_pointer(pointer, error);
  if (found == nullptr || !found->is_string()) return {};
  return std::string{found->as_string()};
}

long AgentRig::unacknowledged() const {
  const auto told = run({program("kioskctl"), "--data", data_.string(), "outbox", "--json"});
  boost::system::error_code error;
  const auto value = boost::json::parse(told.text, error);
  if (error) return -1;
  const auto* waiting = value.find_pointer("/outbox/unacknowledged", error);
  return waiting == nullptr ? -1 : waiting->to_number<long>(error);
}

Ledger kept_in_outbox(const std::filesystem::path& data) {
  const SystemClock clock;
  agent::Outbox outbox{{.folder = data}, clock, "reader", 1};
  Ledger out;
  agent::Budget all;
  all.credit = SIZE_MAX;
  all.items = 1000;
  for (const auto& epoch : outbox.view().epochs) {
    if (epoch.epoch == 1) continue;  // the reader's own
    for (std::uint64_t after = epoch.first_kept - 1; after < epoch.last;) {
      const auto batch = outbox.batch_after(epoch.epoch, after, all);
      REQUIRE(batch);
      take(out, *batch);
      after = batch->last();
    }
  }
  return out;
}

Ledger stored_in_blocks(const std::filesystem::path& database) {
  auto db = db::Database::open(database, {.read_only = true});
  REQUIRE(db);
  Ledger out;
  for (const auto row :
       (*db)->rows("SELECT b.body FROM event_block b JOIN epoch e ON e.terminal=b.terminal AND "
                   "e.epoch=b.epoch ORDER BY e.epoch_no, b.rowid")) {
    pb::Batch batch;
    const auto body = row.bytes(0);
    REQUIRE(batch.ParseFromArray(body.data(), static_cast<int>(body.size())));
    take(out, batch);
  }
  REQUIRE_FALSE((*db)->failure());
  return out;
}

std::vector<std::string> differences(const Ledger& kept, const Ledger& stored) {
  std::vector<std::string> out;
  const auto text = [](const auto& key) { return fmt::format("{:x}/{}", key.first, key.second); };
  std::set<std::uint64_t> epochs;
  for (const auto& [key, what] : kept) epochs.insert(key.first);
  Ledger theirs;
  for (const auto& entry : stored) {
    if (epochs.contains(entry.first.first)) theirs.push_back(entry);
  }
  for (std::size_t i = 0; i < std::max(kept.size(), theirs.size()) && out.size() < 20; ++i) {
    if (i >= kept.size()) {
      out.push_back("stored but not kept: " + text(theirs[i].first));
    } else if (i >= theirs.size()) {
      out.push_back("kept but not stored: " + text(kept[i].first));
    } else if (kept[i].first != theirs[i].first) {
      out.push_back("kept " + text(kept[i].first) + ", stored " + text(theirs[i].first));
    } else if (kept[i].second != theirs[i].second) {
      out.push_back("other content: " + text(kept[i].first));
    }
  }
  return out;
}

}  // namespace kw::tests
