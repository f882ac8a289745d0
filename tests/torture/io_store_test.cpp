// Every call of the collector's store to its disk fails, once and for good.
#include <doctest/doctest.h>

#include "tests/support/temp_folder.hpp"
#include "tests/torture/io_faults.hpp"
#include "tests/torture/report.hpp"
#include "tests/torture/store_rows.hpp"
#include "tests/torture/store_run.hpp"

using namespace kw;
using namespace kw::torture;

namespace {

/// A short day; kiosks come again after a failure, as they do in the field.
void day(StoreRun& run) {
  if (!run.open()) return;
  run.connect(1);
  run.send({{0, 7}, {1, 7}, {2, 7}});
  run.send({{0, 7}, {1, 7}});
  run.connect(1);
  run.send({{2, 7}, {0, 7}});
  run.accept_order();
  run.close();
  if (!run.open()) return;
  run.connect(1);
  run.send({{0, 7}, {1, 7}});
}

/// What was acknowledged is there after the fault, and the rest comes in: everything once.
std::optional<std::string> judge(StoreRun& run, const std::filesystem::path& file) {
  auto started = run.open();
  if (!started) return "start: " + started.error().text();
  if (!run.connect(StoreRun::epochs().size())) return "start: no Welcome";
  for (const auto& [stream, acknowledged] : run.acknowledged()) {
    const auto mark = run.marks().find(stream);
    if (mark == run.marks().end() || mark->second < acknowledged) {
      return fmt::format("lost: {}/{} up to {} was acknowledged", stream.first, stream.second,
                         acknowledged);
    }
  }
  if (!run.send_rest(StoreRun::epochs().size())) return "start: it does not go on";
  run.close();
  if (auto wrong = damage(file)) return "wrong: " + *wrong;
  return run.complete();
}

}  // namespace

TEST_CASE("store: whatever call fails, nothing acknowledged is lost and nothing is there twice") {
  Disk disk;
  Tally tally;
  each_fault(disk, 5, [&](const Fault& fault) {
    tests::TempFolder folder;
    const auto file = folder / "collector.db";
    StoreRun run{disk, file};
    disk.order(fault);
    day(run);
    disk.heal();
    // In the same process, when it still runs; and from the files alone.
    if (tally.cuts % 2 == 0) run.close();
    const auto complaint = judge(run, file);
    tally.add(complaint);
    if (complaint) {
      MESSAGE(std::string{name(fault.call)}, " ", fault.at,
              std::string{fault.sticky ? " for good: " : " once: "}, *complaint);
    }
    return tally.bad() < 12;
  });
  print("store-io", tally, "io_cases");
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
  CHECK(tally.cuts >= 500);
}

TEST_CASE("control: writes of the store that vanish are caught") {
  Disk disk;
  Tally tally;
  for (std::uint64_t at = 300; at < 500 && tally.bad() < 1; at += 5) {
    tests::TempFolder folder;
    const auto file = folder / "collector.db";
    StoreRun run{disk, file};
    disk.order({.call = Call::write, .at = at, .code = vanishes});
    day(run);
    disk.heal();
    run.close();
    tally.add(judge(run, file));
  }
  print("store-io-control", tally, "io_cases");
  CHECK(tally.bad() >= 1);
}
