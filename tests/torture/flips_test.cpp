// Single bits, lost ends and zeroed pages in every file that agent and collector keep.
#include <fstream>
#include <random>

#include <doctest/doctest.h>

#include "agent/enroll/identity_files.hpp"
#include "common/platform/files.hpp"
#include "tests/torture/chance.hpp"
#include "tests/torture/image.hpp"
#include "tests/torture/outbox_run.hpp"
#include "tests/torture/report.hpp"
#include "tests/torture/store_rows.hpp"
#include "tests/torture/store_run.hpp"

using namespace kw;
using namespace kw::torture;
namespace fs = std::filesystem;

namespace {

constexpr auto slowest_start = std::chrono::seconds{10};

/// What is in the folder, as kill -9 would leave it.
Image image_of(const fs::path& folder) {
  Image out;
  for (const auto& entry : fs::directory_iterator{folder}) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in{entry.path(), std::ios::binary};
    out.files[entry.path().filename().string()] = {std::istreambuf_iterator<char>{in}, {}};
  }
  return out;
}

/// One flipped bit in one of the files; every tenth time an end that is missing, or a zeroed page.
Image damaged(const Image& whole, std::mt19937_64& random) {
  Image out = whole;
  std::size_t total = 0;
  for (const auto& [name, content] : whole.files) total += content.size();
  auto at = random() % total;
  for (auto& [name, content] : out.files) {
    if (at >= content.size()) {
      at -= content.size();
      continue;
    }
    const auto how = random() % 20;
    if (how == 0) {
      content.resize(at);
      out.what = fmt::format("{} cut at {}", name, at);
    } else if (how == 1) {
      const auto page = at / 4'096 * 4'096;
      const auto length = std::min<std::size_t>(4'096, content.size() - page);
      content.replace(page, length, length, '\0');
      out.what = fmt::format("{} zeroed from {}", name, page);
    } else {
      content[at] = static_cast<char>(content[at] ^ (1 << random() % 8));
      out.what = fmt::format("a bit of {} at {}", name, at);
    }
    break;
  }
  return out;
}

agent::Outbox::Options options_in(const fs::path& folder) {
  agent::Outbox::Options out;
  out.folder = folder;
  out.ceiling = 2 * 1024 * 1024;
  out.reserve = 0;
  return out;
}

using Sent = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;

/// All that would be sent of these epochs, were nothing acknowledged. Times are part of it.
Sent sent_by(agent::Outbox& outbox, const std::vector<std::uint64_t>& epochs,
             std::set<std::pair<std::uint64_t, std::uint64_t>>* gaps = nullptr) {
  Sent out;
  for (const auto& epoch : outbox.view().epochs) {
    if (std::ranges::find(epochs, epoch.epoch) == epochs.end() && gaps == nullptr) continue;
    std::uint64_t after = epoch.first_kept - 1;
    while (const auto batch = outbox.batch_after(epoch.epoch, after, agent::Box::wide())) {
      auto seq = batch->first();
      for (const auto& item : batch->item()) {
        if (item.has_gap()) {
          for (std::uint64_t i = 0;
               gaps != nullptr && i < std::min<std::uint64_t>(item.gap().count(), 1'000); ++i) {
            gaps->insert({epoch.epoch, seq + i});
          }
          seq += item.gap().count();
          continue;
        }
        auto event = item.event();
        const auto mono = batch->base_mono_us() + event.mono_us();
        event.clear_mono_us();
        event.clear_wall_shift_us();
        out[{epoch.epoch, seq++}] = fmt::format("{} {}", mono, event.SerializeAsString());
      }
      if (batch->last() <= after) break;
      after = batch->last();
    }
  }
  return out;
}

/// What the outbox delivers after the damage is what was told, or a gap that says so.
std::optional<std::string> judge(const fs::path& folder, const Sent& truth) {
  const SystemClock clock;
  const auto begun = clock.mono();
  agent::Outbox outbox{options_in(folder), clock, "boot", 99};
  if (clock.mono() - begun > slowest_start) return "start: slower than 10 s";
  if (!outbox.stats().on_disk) return "start: not on disk";
  std::set<std::pair<std::uint64_t, std::uint64_t>> gaps;
  const auto found = sent_by(outbox, {7, 8}, &gaps);
  for (const auto& [at, event] : found) {
    if (at.first == 99) continue;
    const auto told = truth.find(at);
    if (told == truth.end()) {
      return fmt::format("wrong: {}/{} was never told", at.first, at.second);
    }
    if (told->second != event)
      return fmt::format("wrong: other content at {}/{}", at.first, at.second);
  }
  outbox.append(agent::Box::note("goes on"), {clock.mono(), clock.wall()});
  const auto newest = outbox.newest(1);
  pb::Event last;
  if (newest.empty() || !last.ParseFromString(newest.front().second.body) ||
      last.agent().code() != "goes on") {
    return "start: it does not go on";
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("outbox: no flipped bit stops the start or is delivered as something else") {
  const int flips = 600 * times();
  tests::TempFolder work;
  Image whole;
  Image closed;  ///< everything in the one file, where no checksum of SQLite's guards it
  Sent truth;
  {
    Ledger ledger;
    Disk disk;
    OutboxRun run{disk, options_in(work.path()), ledger};
    run.start(7);
    for (int i = 0; i < 30; ++i) run.note("n" + std::to_string(i), 200);
    run.state("printer", {"media-low"});
    run.tell("t1", 2);
    run.samples(40, 100);
    run.stop();
    run.start(8);
    run.acknowledge(7, 12);
    for (int i = 0; i < 20; ++i) run.note("m" + std::to_string(i), 100);
    run.supply("printer", "10");
    whole = image_of(work.path());
    run.end();
    truth = sent_by(run.outbox(), {7, 8});
    checkpoint(work / "outbox.db");
    closed.files["outbox.db"] = image_of(work.path()).files.at("outbox.db");
  }
  REQUIRE(whole.files.contains("outbox.db-wal"));
  REQUIRE(truth.size() > 80);
  std::mt19937_64 random{seed(4)};
  tests::TempFolder after;
  Tally tally;
  for (int i = 0; i < flips; ++i) {
    const auto image = damaged(i % 3 == 0 ? whole : closed, random);
    image.write_to(after.path());
    const auto complaint = judge(after.path(), truth);
    tally.add(complaint);
    if (complaint) MESSAGE(image.what, ": ", *complaint);
  }
  print("outbox-flips", tally, "bit_flips");
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
}

TEST_CASE("identity: a flipped bit is an error or a file that differs, never the program's end") {
  const int flips = 60 * times();
  tests::TempFolder work;
  agent::IdentityFiles identity;
  identity.server = {"collector.example", 8443};
  identity.terminal = "K1";
  identity.own = {std::string(600, 'c'), std::string(240, 'k')};
  identity.ca_pem = std::string(500, 'a');
  REQUIRE(agent::save_identity(work.path(), identity));
  const auto whole = image_of(work / "identity");
  REQUIRE(whole.files.size() == 4);
  std::mt19937_64 random{seed(5)};
  Tally tally;
  for (int i = 0; i < flips; ++i) {
    damaged(whole, random).write_to(work / "identity");
    const auto loaded = agent::load_identity(work.path());
    // Both are answers that the agent reports; the certificate's own check finds what text hides.
    tally.add(!loaded && loaded.error().text().empty()
                  ? std::optional<std::string>{"wrong: no reason"}
                  : std::nullopt);
  }
  print("identity-flips", tally, "bit_flips");
  CHECK(tally.bad() == 0);
}

TEST_CASE("store: a damaged database is refused or found, and never serves other events") {
  const int flips = 160 * times();
  Disk disk;
  tests::TempFolder work;
  const auto file = work / "collector.db";
  Image whole;
  std::vector<std::vector<std::pair<std::uint64_t, std::string>>> truth;
  {
    StoreRun run{disk, file};
    REQUIRE(run.open());
    REQUIRE(run.send_rest(1));
    run.close();  // everything in the one file
    whole = image_of(work.path());
    for (int kiosk = 0; kiosk < StoreRun::kiosks; ++kiosk) {
      truth.push_back(*stored_events(file, fmt::format("K{}", kiosk), 7));
    }
  }
  std::mt19937_64 random{seed(6)};
  tests::TempFolder after;
  const auto damaged_file = after / "collector.db";
  Tally tally;
  int refused = 0;
  int found = 0;
  for (int i = 0; i < flips; ++i) {
    const auto image = damaged(whole, random);
    image.write_to(after.path());
    const auto judged = [&]() -> std::optional<std::string> {
      auto store = collector::SqliteStore::open(damaged_file);
      if (!store) {
        ++refused;
        if (store.error().text().empty()) return "wrong: refused without a reason";
        return std::nullopt;
      }
      store->reset();
      for (int kiosk = 0; kiosk < StoreRun::kiosks; ++kiosk) {
        const auto events = stored_events(damaged_file, fmt::format("K{}", kiosk), 7);
        if (!events) {
          ++found;
          continue;
        }
        const auto& right = truth[static_cast<std::size_t>(kiosk)];
        // A log that ends early is a store of a moment ago: its marks are older too, and the kiosks
        // send again.
        const bool older = events->size() <= right.size() &&
                           std::equal(events->begin(), events->end(), right.begin());
        if (!older) return fmt::format("wrong: other events of K{}", kiosk);
      }
      return std::nullopt;
    };
    const auto complaint = judged();
    tally.add(complaint);
    if (complaint) MESSAGE(image.what, ": ", *complaint);
  }
  print("store-flips", tally, "bit_flips");
  MESSAGE("refused at the start: ", refused, ", found when read: ", found);
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
}
