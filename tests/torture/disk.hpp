#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace kw::torture {

/// One thing that SQLite, or the program beside it, has done to the files of a folder.
struct Operation {
  enum class Kind : std::uint8_t { create, write, truncate, sync, remove, rename };
  Kind kind = Kind::write;
  int file = 0;         ///< the file itself, whatever its name; counted from 1
  std::string name;     ///< create, remove, rename: of the entry
  std::string to;       ///< rename: the new name
  std::int64_t at = 0;  ///< write: offset, truncate: size
  std::string bytes;
  bool folder = false;  ///< sync, remove: the folder is synced with it
  bool failed = false;  ///< sync: answered with an error
};

/// What was there before, and everything since.
struct Log {
  std::map<std::string, std::string> before;  ///< content by name
  std::vector<Operation> operations;
};

/// What a program asks a disk for.
enum class Call : std::uint8_t { open, read, write, truncate, sync, size, lock, shm, remove };
inline constexpr std::size_t calls = 9;
std::string_view name(Call call);

/// For controls: a write that is told as done and is not.
inline constexpr int vanishes = SQLITE_DONE;

/// From the `at`th such call on (the first is 1), once or for good.
struct Fault {
  Call call = Call::write;
  std::uint64_t at = 1;
  bool sticky = false;
  int code = SQLITE_IOERR;
  bool half = false;  ///< write: half of it arrives first
};

/// SQLite's own disk with a log and with faults to order. While one lives it is the default for
/// every connection that is opened. It never waits for the real disk: what a sync would have made
/// durable is known from the log. Any thread.
class Disk {
 public:
  Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  /// Begins a log of what happens to the files of `folder`.
  void record(const std::filesystem::path& folder);
  /// How many operations there were so far: the place of what is told between two of them.
  std::size_t position();
  Log stop();

  void order(const Fault& fault);
  /// The fault is over.
  void heal();
  /// How often the ordered fault has struck.
  std::uint64_t struck() const;

  /// From now on every connection runs with this, whatever it asks for ("OFF", "NORMAL"); empty:
  /// with what it asks for.
  void impose_synchronous(std::string_view level);

 private:
  struct File;
  struct Known {
    int file = 0;
    std::uint64_t inode = 0;
  };

  int open(sqlite3_filename name, sqlite3_file* file, int flags, int* out);
  int remove(const char* name, int sync_folder);
  int write(File& file, const void* from, int size, sqlite3_int64 at);
  int truncate(File& file, sqlite3_int64 size);
  int sync(File& file);
  int control(File& file, int code, void* arg);
  /// The fault's code when it strikes this call, SQLITE_OK otherwise.
  int strike(Call call, bool* half = nullptr);
  bool recorded(const char* path) const;
  void note(Operation operation);
  /// What happened in the folder beside SQLite: renamed, removed.
  void look();
  void fill_methods();

  static Disk& of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

  sqlite3_vfs* base_ = nullptr;
  sqlite3_vfs vfs_{};
  sqlite3_io_methods methods_{};

  mutable std::mutex mutex_;
  bool recording_ = false;
  std::filesystem::path folder_;
  Log log_;
  std::map<std::string, Known> names_;  ///< what the recorded folder holds
  int files_ = 0;
  std::optional<Fault> fault_;
  std::uint64_t asked_ = 0;  ///< calls of the fault's kind since it was ordered
  std::uint64_t struck_ = 0;
  std::string imposed_;
};

}  // namespace kw::torture
