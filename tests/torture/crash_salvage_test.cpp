// The power is cut after every operation of an outbox that replaces its damaged file.
#include <algorithm>
#include <array>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/torture/image.hpp"
#include "tests/torture/outbox_run.hpp"
#include "tests/torture/report.hpp"

using namespace kw;
using namespace kw::agent;
using namespace kw::torture;
namespace fs = std::filesystem;

namespace {

constexpr int notes = 400;

Outbox::Options options_in(const fs::path& folder) {
  Outbox::Options out;
  out.folder = folder;
  out.ceiling = 2 * 1024 * 1024;
  out.reserve = 0;
  return out;
}

std::string text(int number) { return fmt::format("n{}", number); }

/// An outbox of which one page is rubbish.
void make_damaged(const fs::path& folder) {
  const ManualClock clock;
  {
    Outbox outbox{options_in(folder), clock, "boot", 7};
    for (int i = 0; i < notes; ++i) {
      outbox.append(Box::note(text(i), std::string(300, 'd')), {clock.mono(), clock.wall()});
    }
  }
  const auto file = folder / "outbox.db";
  const auto later = static_cast<std::streamoff>(fs::file_size(file) / 4'096 * 2 / 3 * 4'096);
  std::fstream out{file, std::ios::in | std::ios::out | std::ios::binary};
  out.seekp(later);
  out.write(std::string(4'096, '\xa5').data(), 4'096);
}

/// The events of the damaged epoch, and how many numbers stand in gaps.
std::pair<std::set<std::string>, std::uint64_t> kept_in(Outbox& outbox) {
  std::set<std::string> events;
  std::uint64_t missing = 0;
  for (std::uint64_t after = 0; after < notes;) {
    const auto batch = outbox.batch_after(7, after, Box::wide());
    if (!batch || batch->first() != after + 1) break;
    for (const auto& item : batch->item()) {
      if (item.has_gap()) missing += item.gap().count();
      if (item.has_event()) events.insert(item.event().agent().code());
    }
    after = batch->last();
  }
  return {events, missing};
}

}  // namespace

TEST_CASE("outbox: a power cut while a damaged file is replaced loses no more than the damage") {
  Disk disk;
  tests::TempFolder work;
  make_damaged(work.path());
  disk.record(work.path());
  const ManualClock clock;
  std::size_t started = 0;
  std::size_t appended = 0;
  std::set<std::string> survivors;
  {
    Outbox outbox{options_in(work.path()), clock, "boot", 8};
    started = disk.position();
    outbox.append(Box::note("after"), {clock.mono(), clock.wall()});
    appended = disk.position();
    const auto [events, missing] = kept_in(outbox);
    survivors = events;
    REQUIRE(missing > 0);
    REQUIRE(missing < 100);
    REQUIRE(events.size() + missing == notes);
  }
  const auto log = disk.stop();
  REQUIRE(std::ranges::any_of(log.operations, [](const Operation& operation) {
    return operation.kind == Operation::Kind::rename;
  }));
  tests::TempFolder after;
  Images images{log, {}, 3};
  Tally tally;
  images.each(5, 1, {started, appended}, [&](const Image& image, std::size_t point) {
    image.write_to(after.path());
    const auto judged = [&]() -> std::optional<std::string> {
      Outbox outbox{options_in(after.path()), clock, "boot", 9};
      if (!outbox.stats().on_disk) return "start: not on disk";
      const auto [events, missing] = kept_in(outbox);
      if (events.size() + missing != notes) {
        return fmt::format("lost: {} events and {} numbers of gaps", events.size(), missing);
      }
      if (!std::ranges::includes(events, survivors)) return "lost: what had survived";
      bool there = false;
      for (const auto& [epoch, record] : outbox.newest(10'000)) {
        pb::Event event;
        if (epoch == 8 && event.ParseFromString(record.body)) {
          there = there || event.agent().code() == "after";
        }
      }
      if (point >= appended && !there) return "lost: what came after";
      return std::nullopt;
    };
    const auto complaint = judged();
    tally.add(complaint);
    if (complaint) {
      MESSAGE("after ", point, " of ", log.operations.size(), " operations, ", image.what, ": ",
              *complaint);
    }
    return tally.bad() < 5;
  });
  print("outbox-crash-salvage", tally);
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
  CHECK(tally.cuts >= 200);
}
