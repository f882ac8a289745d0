// The power is cut after every single operation of the collector's store on its disk.
#include <doctest/doctest.h>

#include "tests/support/temp_folder.hpp"
#include "tests/torture/chance.hpp"
#include "tests/torture/image.hpp"
#include "tests/torture/report.hpp"
#include "tests/torture/store_run.hpp"

using namespace kw;
using namespace kw::torture;

namespace {

struct Scene {
  std::string_view synchronous = {};  ///< imposed
  Lies lies = {};
  int variants = 7;
  std::size_t stride = 1;
  std::uint64_t enough_bad = 0;  ///< a control stops there
  std::uint64_t chance = seed(2);
};

Tally cut_everywhere(const Scene& scene) {
  constexpr std::uint64_t goes_on_every = 6;
  Disk disk;
  tests::TempFolder work;
  Ledger ledger;
  disk.record(work.path());
  if (!scene.synchronous.empty()) disk.impose_synchronous(scene.synchronous);
  {
    StoreRun run{disk, work / "collector.db", &ledger};
    usual_day(run, work / "collector.db");
    REQUIRE(run.acknowledged().size() == 6);
  }
  disk.impose_synchronous({});
  const auto log = disk.stop();
  tests::TempFolder after;
  Images images{log, scene.lies, scene.chance};
  Tally tally;
  images.each(scene.variants * times(), scene.stride, ledger.owed(),
              [&](const Image& image, std::size_t point) {
                image.write_to(after.path());
                const auto complaint = judge_store(disk, after / "collector.db", ledger, point,
                                                   tally.cuts % goes_on_every == 0);
                tally.add(complaint);
                if (complaint && scene.enough_bad == 0) {
                  MESSAGE("after ", point, " of ", log.operations.size(), " operations, ",
                          image.what, ": ", *complaint);
                }
                return scene.enough_bad == 0 ? tally.bad() < 5 : tally.bad() < scene.enough_bad;
              });
  return tally;
}

}  // namespace

TEST_CASE("store: a power cut after any operation loses nothing that was acknowledged") {
  const auto usual = cut_everywhere({});
  print("store-crash", usual);
  CHECK_MESSAGE(usual.bad() == 0, usual.first);
  CHECK(usual.cuts >= 2'000);
}

TEST_CASE("store: nor does one where the folder is not synced with a file") {
  const auto folder = cut_everywhere({.lies = {.folder = true}, .variants = 4, .stride = 3});
  print("store-crash-folder", folder);
  CHECK_MESSAGE(folder.bad() == 0, folder.first);
}

TEST_CASE("control: the store without syncs is caught") {
  const auto off = cut_everywhere({.synchronous = "OFF", .enough_bad = 20});
  print("store-control-off", off);
  CHECK(off.bad() >= 20);
}

TEST_CASE("control: the store with WAL and NORMAL is caught") {
  const auto normal = cut_everywhere({.synchronous = "NORMAL", .enough_bad = 20});
  print("store-control-normal", normal);
  CHECK(normal.lost >= 20);
}

TEST_CASE("control: the store on a disk whose syncs lie is caught") {
  const auto lying = cut_everywhere({.lies = {.sync = true}, .enough_bad = 20});
  print("store-control-lying", lying);
  CHECK(lying.bad() >= 20);
}
