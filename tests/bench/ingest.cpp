// What a durable, judged event costs the collector (goal P3): kiosk-collector itself, fed over
// mutual TLS in frames of 50 events by many sessions, against SQLite alone with a row and a unique
// key an event, in one run.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/accounts/authority_files.hpp"
#include "collector/app.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "common/db/database.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"
#include "common/link/link.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"
#include "common/platform/signals.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/support/temp_folder.hpp"

namespace {

using namespace kw;
namespace fs = std::filesystem;

constexpr double goal_us = 4.0;
constexpr int events_per_frame = 50;
constexpr int states_per_frame = 5;  // the rest are samples of a host
constexpr int frames_in_flight = 4;

struct Size {
  int terminals = 100;
  int frames = 200;  // a terminal
  int rounds = 3;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_ingest: %s\n", why.c_str());
  std::exit(2);
}

template <class T>
T need(Result<T> result) {
  if (!result) give_up(result.error().text());
  return std::move(*result);
}

void need(const Result<void>& result) {
  if (!result) give_up(result.error().text());
}

struct Cost {
  double seconds = 0;
  double cpu_seconds = 0;
};

double cpu_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  text.erase(0, text.rfind(')') + 2);
  std::istringstream fields{text};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double now_s(const Clock& clock) { return static_cast<double>(micros(clock.mono())) / 1e6; }

// ---- the collector and its kiosks

struct Kiosk {
  std::string code;
  link::Credentials own;
};

std::vector<Kiosk> prepare(const fs::path& data, int terminals, const Clock& clock) {
  need(collector::init(data, {}, clock));
  const auto authority = need(collector::AuthorityFiles::load(data, clock));
  auto store = need(collector::SqliteStore::open(data / "collector.db"));
  std::vector<Kiosk> out;
  need(store->transact([&] {
    for (int i = 0; i < terminals; ++i) {
      Kiosk kiosk{"K" + std::to_string(i), {}};
      kiosk.own.key_pem = need(identity::make_key());
      const auto csr = need(identity::make_csr(kiosk.own.key_pem, kiosk.code));
      const auto issued =
          need(identity::sign_kiosk(authority.issuer(), csr, kiosk.code, clock.wall()));
      kiosk.own.chain_pem = issued.certificate_pem + authority.issuer_pem();
      const auto key = store->make_terminal(kiosk.code, clock.wall());
      store->put_certificate(
          {.serial = issued.serial, .terminal = key, .terminal_code = kiosk.code}, issued.not_after,
          clock.wall());
      out.push_back(std::move(kiosk));
    }
  }));
  return out;
}

/// One kiosk that sends its frames as fast as acks allow and ends when the last is acknowledged.
class Sender {
 public:
  Sender(const Clock& clock, int frames) : clock_(clock), frames_(frames) {
    wire::Status ok;
    ok.device = wire::DeviceState::online;
    ok.evidence = wire::Evidence::protocol_reply;
    ok_ = wire::to_wire("receipt", ok);
    ok.conditions.push_back(wire::condition(*wire::find_condition("cover-open"), "EOT2=16"));
    open_ = wire::to_wire("receipt", ok);
  }

  Task<void> run(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, bool& failed) {
    auto link = co_await link::dial(at, tls);
    if (!link) give_up(link.error().text());
    link_ = std::move(*link);
    failed = true;
    co_await hello();
    while (acked_ < total()) {
      bool sending = true;
      while (sending) sending = co_await send_next();
      auto frame = co_await link_->receive();
      if (!frame) co_return;
      take(*frame);
    }
    failed = false;
    link_->cut();
  }

 private:
  std::uint64_t total() const { return static_cast<std::uint64_t>(frames_) * events_per_frame; }

  Task<void> hello() {
    pb::Envelope envelope;
    auto& hello = *envelope.mutable_hello();
    hello.set_min_version(1);
    hello.set_max_version(1);
    hello.set_boot_id("bench");
    hello.set_mono_us(micros(clock_.mono()));
    hello.set_wall_us(micros(clock_.wall()));
    auto& epoch = *hello.add_epoch();
    epoch.set_epoch(epoch_);
    epoch.set_boot_id("bench");
    epoch.set_last(total());
    auto sent = co_await link_->send(wire::encode(envelope));
    auto welcome = co_await link_->receive();
    if (welcome) take(*welcome);
    envelope.Clear();
    auto& snapshot = *envelope.mutable_snapshot();
    snapshot.set_as_of_epoch(epoch_);
    auto& device = *snapshot.add_configured();
    device.set_device("receipt");
    device.set_driver("escpos");
    device.set_kind("receipt_printer");
    sent = co_await link_->send(wire::encode(envelope));
  }

  std::string frame(std::uint64_t first) const {
    pb::Envelope envelope;
    auto& batch = *envelope.mutable_batch();
    batch.set_epoch(epoch_);
    batch.set_first(first);
    batch.set_last(first + events_per_frame - 1);
    batch.set_base_mono_us(micros(clock_.mono()));
    batch.set_base_wall_us(micros(clock_.wall()));
    for (int i = 0; i < events_per_frame; ++i) {
      auto& event = *batch.add_item()->mutable_event();
      event.set_mono_us(i);
      if (i % (events_per_frame / states_per_frame) == 0) {
        *event.mutable_state() = (i / (events_per_frame / states_per_frame)) % 2 == 0 ? open_ : ok_;
      } else {
        auto& sample = *event.mutable_sample();
        sample.set_device("receipt");
        auto& measurement = *sample.add_measurement();
        measurement.set_name("cpu_used_percent");
        measurement.set_value(12.5);
      }
    }
    return wire::encode(envelope);
  }

  Task<bool> send_next() {
    if (sent_ >= total() || sent_ - acked_ >= frames_in_flight * events_per_frame) co_return false;
    auto bytes = frame(sent_ + 1);
    if (bytes.size() > credit_) co_return false;
    credit_ -= bytes.size();
    sent_ += events_per_frame;
    auto sent = co_await link_->send(std::move(bytes));
    co_return static_cast<bool>(sent);
  }

  void take(const std::string& bytes) {
    const auto envelope = wire::decode(bytes);
    if (!envelope) return;
    if (envelope->has_welcome()) credit_ += envelope->welcome().credit();
    if (envelope->has_credit()) credit_ += envelope->credit().bytes();
    if (envelope->has_ack()) {
      acked_ = envelope->ack().upto();
      credit_ += envelope->ack().credit();
    }
    if (envelope->has_bye()) give_up("the collector said " + envelope->bye().reason());
  }

  const Clock& clock_;
  int frames_;
  std::uint64_t epoch_ = identity::random_u64() | 1;
  std::uint64_t sent_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t credit_ = 0;
  pb::Status ok_;
  pb::Status open_;
  std::unique_ptr<link::Link> link_;
};

pid_t start_collector(const std::string& program, const fs::path& data, link::Endpoint& agents) {
  const auto out = data / "out";
  const pid_t pid = fork();
  if (pid == 0) {
    const int fd = open(out.c_str(), O_CREAT | O_WRONLY, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    const auto folder = data.string();
    execl(program.c_str(), program.c_str(), "run", "--data", folder.c_str(), "--agents",
          "127.0.0.1:0", "--people", "127.0.0.1:0", nullptr);
    _exit(127);
  }
  const std::regex ready{R"((127\.0\.0\.1:\d+).*http)"};
  for (int i = 0; i < 1'000; ++i) {
    const auto text = platform::read_file(out);
    std::smatch found;
    if (text && std::regex_search(*text, found, ready)) {
      agents = need(link::Endpoint::parse(found[1]));
      return pid;
    }
    usleep(10'000);
  }
  give_up("kiosk-collector did not start");
}

Cost measure_collector(const std::string& program, const fs::path& data, const Size& size,
                       const Clock& clock) {
  const auto kiosks = prepare(data, size.terminals, clock);
  const auto authority = need(collector::AuthorityFiles::load(data, clock));
  link::Endpoint agents;
  const pid_t pid = start_collector(program, data, agents);
  asio::io_context io{1};
  std::vector<std::unique_ptr<Sender>> senders;
  bool failed = false;
  const double cpu_before = cpu_of(pid);
  const double before = now_s(clock);
  for (const auto& kiosk : kiosks) {
    auto tls = need(link::ClientTls::make({.own = kiosk.own, .trust_pem = authority.trust_pem()}));
    senders.push_back(std::make_unique<Sender>(clock, size.frames));
    spawn(io, "sender", senders.back()->run(agents, tls, failed));
  }
  io.run();
  const Cost cost{now_s(clock) - before, cpu_of(pid) - cpu_before};
  kill(pid, SIGTERM);
  waitpid(pid, nullptr, 0);
  // What was acknowledged must be there: a bench that loses is none.
  auto db = need(db::Database::open(data / "collector.db", {.read_only = true}));
  const auto stored =
      db->integer("SELECT sum(last_seq - first_seq + 1) FROM event_block").value_or(0);
  if (stored != std::int64_t{size.terminals} * size.frames * events_per_frame) {
    give_up("stored " + std::to_string(stored) + " events only");
  }
  return cost;
}

// ---- SQLite alone

Cost measure_sqlite(const fs::path& folder, const Size& size, const Clock& clock) {
  db::Database::Options options;
  options.wal_autocheckpoint_pages = 16'000;
  auto db = need(db::Database::open(folder / "raw.db", options));
  db->script(
      "CREATE TABLE event (terminal BIGINT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, body "
      "BLOB NOT NULL, UNIQUE (terminal, seq))");
  const std::string body(24, 'x');
  const double cpu_before = own_cpu();
  const double before = now_s(clock);
  // Groups of 1,000, a terminal's 50 together, as the writer's groups are.
  constexpr int frames_per_group = 20;
  int in_group = 0;
  std::optional<db::Transaction> transaction;
  for (int f = 0; f < size.frames; ++f) {
    for (int t = 0; t < size.terminals; ++t) {
      if (!transaction) transaction.emplace(*db);
      for (int i = 0; i < events_per_frame; ++i) {
        db->run("INSERT INTO event VALUES ($1, $2, $3, $4)", t, f * events_per_frame + i,
                micros(clock.wall()), db::blob(body));
      }
      if (++in_group < frames_per_group) continue;
      need(transaction->commit());
      transaction.reset();
      in_group = 0;
    }
  }
  if (transaction) need(transaction->commit());
  return {now_s(clock) - before, own_cpu() - cpu_before};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  log::start(log::Level::error, log::Format::text);
  Size size;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} != "--quick") {
      std::fprintf(stderr, "usage: bench_ingest [--quick]\n");
      return 64;
    }
    size = {40, 100, 1};
  }
  const auto program = (fs::canonical("/proc/self/exe").parent_path() / "kiosk-collector").string();
  const SystemClock clock;
  const double events = static_cast<double>(size.terminals) * size.frames * events_per_frame;
  std::vector<double> ours;
  std::vector<double> raw;
  for (int round = 0; round < size.rounds; ++round) {
    const tests::TempFolder folder;
    const auto a = measure_collector(program, folder / "collector", size, clock);
    const auto b = measure_sqlite(folder.path(), size, clock);
    std::printf(
        "%.0f events of %d terminals in frames of %d: collector %.0f/s, %.2f us server CPU each "
        "(TLS, handshakes, protobuf, judged, committed); SQLite alone %.0f/s, %.2f us CPU each\n",
        events, size.terminals, events_per_frame, events / a.seconds, a.cpu_seconds / events * 1e6,
        events / b.seconds, b.cpu_seconds / events * 1e6);
    std::fflush(stdout);
    ours.push_back(a.cpu_seconds / events * 1e6);
    raw.push_back(b.cpu_seconds / events * 1e6);
  }
  const double measured = median(ours);
  const double reference = median(raw);
  std::printf(
      "{\"bench\":\"ingest\",\"goal\":\"P3\",\"measured\":%.2f,\"reference\":%.2f,\"ratio\":%.2f,"
      "\"met\":%s}\n",
      measured, reference, measured / reference, measured <= goal_us ? "true" : "false");
  return 0;
}
