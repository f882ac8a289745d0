#include "collector/store_place.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "collector/store/sqlite/opening.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view put_aside = ".before-restore-";

/// What a store is made of. The file first: should the power go between the two, a file without its
/// log would be taken for the whole.
constexpr const char* parts[] = {"", "-wal", "-journal"};

fs::path beside(fs::path file, std::string_view suffix) {
  file += suffix;
  return file;
}

bool there(const fs::path& file) {
  std::error_code none;
  return fs::exists(file, none);
}

fs::path name_aside(const fs::path& store, const Clock& clock) {
  auto stamp = rfc3339(clock.wall());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-' || c == '.'; });
  auto out = beside(store, fmt::format("{}{}", put_aside, stamp));
  for (int n = 1; there(out); ++n) {
    out = beside(store, fmt::format("{}{}.{}", put_aside, stamp, n));
  }
  return out;
}

/// Takes everything back to `store`, whether it has two names or another one.
Result<void> undo(const fs::path& store, const fs::path& aside) {
  if (aside.empty()) return {};
  for (const char* part : parts) {
    if (!there(beside(aside, part))) continue;
    if (there(beside(store, part))) {
      std::error_code none;
      fs::remove(beside(aside, part), none);
      continue;
    }
    auto moved = platform::rename_file(beside(aside, part), beside(store, part));
    if (!moved) return moved;
  }
  return {};
}

/// A second name for each part, on the disk. Not every volume can.
bool link_all(const fs::path& store, const fs::path& aside) {
  for (const char* part : parts) {
    if (!there(beside(store, part))) continue;
    std::error_code failed;
    fs::create_hard_link(beside(store, part), beside(aside, part), failed);
    if (failed || !platform::sync_file(beside(aside, part))) return false;
  }
  return true;
}

Result<void> move_all(const fs::path& store, const fs::path& aside) {
  for (const char* part : parts) {
    if (!there(beside(store, part))) continue;
    auto moved = platform::rename_file(beside(store, part), beside(aside, part));
    if (!moved) return moved;
  }
  return {};
}

/// The state when even the way back fails.
Placed stranded(const fs::path& aside, const Error& first, const Error& then) {
  return {aside, first.text() + "; " + then.text()};
}

}  // namespace

Result<Placed> place_store(const fs::path& copy, const fs::path& store, const Clock& clock) {
  Placed out;
  if (std::ranges::any_of(parts, [&](const char* part) { return there(beside(store, part)); })) {
    out.aside = name_aside(store, clock);
    if (!link_all(store, out.aside)) {
      auto done = undo(store, out.aside);
      if (done) done = move_all(store, out.aside);
      if (!done) {
        if (auto back = undo(store, out.aside); !back) {
          return stranded(out.aside, done.error(), back.error());
        }
        return std::move(done).error();
      }
    }
  }
  auto placed = platform::rename_file(copy, store);
  if (!placed && there(copy)) {
    if (auto back = undo(store, out.aside); !back) {
      return stranded(out.aside, placed.error(), back.error());
    }
    return std::move(placed).error();
  }
  for (const char* log : {"-wal", "-journal", "-shm"}) {
    std::error_code none;
    fs::remove(beside(store, log), none);
  }
  if (placed) placed = take_off_mark(store);
  if (!placed) out.unfinished = placed.error().text();
  return out;
}

fs::path newest_aside(const fs::path& store) {
  const auto prefix = beside(store.filename(), put_aside).string();
  fs::path out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{store.parent_path(), none}) {
    const auto name = entry.path().filename().string();
    // Only a log has a dash after the time.
    if (!name.starts_with(prefix) || name.find('-', prefix.size()) != std::string::npos) continue;
    if (out.empty() || out.filename().string() < name) out = entry.path();
  }
  return out;
}

}  // namespace kw::collector
