// The power is cut after every single operation of the agent's outbox on its disk.
#include <doctest/doctest.h>

#include "tests/torture/chance.hpp"
#include "tests/torture/image.hpp"
#include "tests/torture/outbox_run.hpp"
#include "tests/torture/report.hpp"

using namespace kw;
using namespace kw::torture;

namespace {

constexpr std::int64_t usual_ceiling = 2 * 1024 * 1024;
constexpr std::int64_t narrow_ceiling = 512 * 1024;

struct Scene {
  std::function<void(OutboxRun&)> day = usual_day;
  std::int64_t ceiling = usual_ceiling;
  std::string_view synchronous = {};  ///< imposed
  Lies lies = {};
  int variants = 10;
  std::size_t stride = 1;
  std::uint64_t enough_bad = 0;  ///< a control stops there
  std::uint64_t chance = seed(1);
};

agent::Outbox::Options options_in(const std::filesystem::path& folder, std::int64_t ceiling) {
  agent::Outbox::Options out;
  out.folder = folder;
  out.ceiling = ceiling;
  out.reserve = 0;
  return out;
}

Tally cut_everywhere(const Scene& scene) {
  Disk disk;
  tests::TempFolder work;
  Ledger ledger;
  disk.record(work.path());
  if (!scene.synchronous.empty()) disk.impose_synchronous(scene.synchronous);
  {
    OutboxRun run{disk, options_in(work.path(), scene.ceiling), ledger};
    scene.day(run);
  }
  disk.impose_synchronous({});
  const auto log = disk.stop();
  tests::TempFolder after;
  Images images{log, scene.lies, scene.chance};
  Tally tally;
  images.each(
      scene.variants * times(), scene.stride, ledger.owed(), [&](const Image& image, std::size_t point) {
        image.write_to(after.path());
        const auto complaint =
            judge_outbox(options_in(after.path(), scene.ceiling), ledger, point, scene.lies.folder);
        tally.add(complaint);
        if (complaint && scene.enough_bad == 0) {
          MESSAGE("after ", point, " of ", log.operations.size(), " operations, ", image.what, ": ",
                  *complaint);
        }
        return scene.enough_bad == 0 ? tally.bad() < 5 : tally.bad() < scene.enough_bad;
      });
  return tally;
}

}  // namespace

TEST_CASE("outbox: a power cut after any operation loses nothing") {
  Tally usual = cut_everywhere({});
  print("outbox-crash", usual);
  CHECK_MESSAGE(usual.bad() == 0, usual.first);
  CHECK(usual.cuts >= 2'000);
}

TEST_CASE("outbox: nor does one while room is made") {
  Tally narrow =
      cut_everywhere({.day = narrow_day, .ceiling = narrow_ceiling, .variants = 6, .stride = 7});
  print("outbox-crash-narrow", narrow);
  CHECK_MESSAGE(narrow.bad() == 0, narrow.first);
  CHECK(narrow.cuts >= 1'000);
}

TEST_CASE("outbox: nor does one where a new file's folder entry is never synced") {
  Tally folder = cut_everywhere({.lies = {.folder = true}, .variants = 6});
  print("outbox-crash-folder", folder);
  CHECK_MESSAGE(folder.bad() == 0, folder.first);
}

TEST_CASE("control: there, a file made with FULL instead of EXTRA is caught") {
  const auto full = cut_everywhere(
      {.synchronous = "FULL", .lies = {.folder = true}, .variants = 6, .enough_bad = 5});
  print("outbox-control-folder", full);
  CHECK(full.lost >= 5);
}

TEST_CASE("control: the outbox without syncs is caught") {
  const auto off = cut_everywhere({.synchronous = "OFF", .enough_bad = 20});
  print("outbox-control-off", off);
  CHECK(off.bad() >= 20);
}

TEST_CASE("control: the outbox with WAL and NORMAL is caught") {
  const auto normal = cut_everywhere({.synchronous = "NORMAL", .enough_bad = 20});
  print("outbox-control-normal", normal);
  CHECK(normal.lost >= 20);
}

TEST_CASE("control: the outbox on a disk whose syncs lie is caught") {
  const auto lying = cut_everywhere({.lies = {.sync = true}, .enough_bad = 20});
  print("outbox-control-lying", lying);
  CHECK(lying.bad() >= 20);
}
