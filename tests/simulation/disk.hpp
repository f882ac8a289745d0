#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/rng.hpp"

namespace kw::simulation {

/// What becomes of a machine's files when its process ends.
enum class Loss {
  process,  ///< killed: every write stays
  power,    ///< writes that were not synced may be there, torn or gone
};

/// The disk below one process's folder, for SQLite: real files, seen through a VFS that can be full
/// and that knows what has not been synced. Other files of the folder are not watched.
class Disk {
 public:
  explicit Disk(std::filesystem::path folder);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  const std::filesystem::path& folder() const { return folder_; }

  bool full = false;  ///< files can no longer grow
  /// Says "synced" and has not (sabotage of every disk).
  static inline bool lying = false;

  /// Calls `died` in the middle of the write or sync operation number `operations` from now. What
  /// the process does after that is nobody's business: whoever dies copies the folder first.
  void die_after(std::uint64_t operations, std::function<void()> died);
  void never_die() { countdown_ = 0; }

  /// The files as they stand now, into `to`, which is emptied first.
  void copy_to(const std::filesystem::path& to, Loss loss, Rng& rng) const;

  /// Writes that did not fit.
  std::uint64_t refused() const { return refused_; }

  // For the VFS.
  struct Unsynced {
    std::int64_t offset = 0;
    std::string before;  ///< what stood there
    std::int64_t size_before = 0;
    std::string after;  ///< empty: a truncation to `offset`
  };
  bool refuses(std::int64_t size, std::int64_t end);
  void wrote(const std::string& file, Unsynced what);
  void synced(const std::string& file) {
    if (!lying) unsynced_[file].clear();
  }
  /// One write or sync more.
  void step();
  static Disk* of(const std::string& file);

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::vector<Unsynced>> unsynced_;
  std::uint64_t countdown_ = 0;
  std::uint64_t refused_ = 0;
  std::function<void()> died_;
};

/// Makes the watched VFS SQLite's default. Once.
void install_disk();

}  // namespace kw::simulation
