#include "tests/torture/disk.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <sys/stat.h>

namespace kw::torture {
namespace {

namespace fs = std::filesystem;

std::uint64_t inode_of(const fs::path& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_ino) : 0;
}

std::string content_of(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The shared memory beside a database outlives no power cut and is no file of its own to SQLite.
bool shared_memory(std::string_view name) { return name.ends_with("-shm"); }

Disk* imposing = nullptr;
std::string imposed_level;

/// What an imposed level costs a connection: its own choice comes later and is swallowed.
int impose(sqlite3* db, const char**, const sqlite3_api_routines*) {
  if (imposing == nullptr || imposed_level.empty()) return SQLITE_OK;
  const std::string sql = "PRAGMA synchronous=" + imposed_level;
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  return SQLITE_OK;
}

}  // namespace

/// Laid before the real file in one allocation of SQLite's.
struct Disk::File {
  sqlite3_file base;
  Disk* disk;
  int number;         ///< in the log; 0: not recorded
  bool folder_later;  ///< its first sync takes the folder along, as SQLite does for new journals
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
};

std::string_view name(Call call) {
  constexpr std::array<std::string_view, calls> names{"open", "read", "write", "truncate", "sync",
                                                      "size", "lock", "shm",   "remove"};
  return names[static_cast<std::size_t>(call)];
}

Disk::Disk() {
  base_ = sqlite3_vfs_find(nullptr);
  vfs_ = *base_;
  vfs_.zName = "kw-torture";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
  vfs_.xOpen = [](sqlite3_vfs* v, sqlite3_filename n, sqlite3_file* f, int flags, int* out) {
    return of(v).open(n, f, flags, out);
  };
  vfs_.xDelete = [](sqlite3_vfs* v, const char* n, int sync) { return of(v).remove(n, sync); };
  vfs_.xAccess = [](sqlite3_vfs* v, const char* n, int flags, int* out) {
    return of(v).base_->xAccess(of(v).base_, n, flags, out);
  };
  vfs_.xFullPathname = [](sqlite3_vfs* v, const char* n, int size, char* out) {
    return of(v).base_->xFullPathname(of(v).base_, n, size, out);
  };
  fill_methods();
  sqlite3_vfs_register(&vfs_, 1);
}

Disk::~Disk() {
  impose_synchronous({});
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(base_, 1);
}

void Disk::fill_methods() {
  methods_.iVersion = 2;  // no memory-mapped pages: they would pass us by
  methods_.xClose = [](sqlite3_file* f) {
    return File::of(f).real()->pMethods->xClose(File::of(f).real());
  };
  methods_.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    auto& file = File::of(f);
    if (const int code = file.disk->strike(Call::read)) return code;
    return file.real()->pMethods->xRead(file.real(), to, n, at);
  };
  methods_.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    return File::of(f).disk->write(File::of(f), from, n, at);
  };
  methods_.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    return File::of(f).disk->truncate(File::of(f), size);
  };
  methods_.xSync = [](sqlite3_file* f, int) { return File::of(f).disk->sync(File::of(f)); };
  methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    auto& file = File::of(f);
    if (const int code = file.disk->strike(Call::size)) return code;
    return file.real()->pMethods->xFileSize(file.real(), size);
  };
  methods_.xLock = [](sqlite3_file* f, int level) {
    auto& file = File::of(f);
    if (const int code = file.disk->strike(Call::lock)) return code;
    return file.real()->pMethods->xLock(file.real(), level);
  };
  methods_.xUnlock = [](sqlite3_file* f, int level) {
    return File::of(f).real()->pMethods->xUnlock(File::of(f).real(), level);
  };
  methods_.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return File::of(f).real()->pMethods->xCheckReservedLock(File::of(f).real(), out);
  };
  methods_.xFileControl = [](sqlite3_file* f, int code, void* arg) {
    return File::of(f).disk->control(File::of(f), code, arg);
  };
  methods_.xSectorSize = [](sqlite3_file* f) {
    return File::of(f).real()->pMethods->xSectorSize(File::of(f).real());
  };
  methods_.xDeviceCharacteristics = [](sqlite3_file* f) {
    return File::of(f).real()->pMethods->xDeviceCharacteristics(File::of(f).real());
  };
  methods_.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    auto& file = File::of(f);
    if (const int code = file.disk->strike(Call::shm)) return code;
    return file.real()->pMethods->xShmMap(file.real(), page, size, extend, out);
  };
  methods_.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    auto& file = File::of(f);
    // Letting go cannot fail.
    if ((flags & SQLITE_SHM_UNLOCK) == 0) {
      if (const int code = file.disk->strike(Call::shm)) return code;
    }
    return file.real()->pMethods->xShmLock(file.real(), offset, n, flags);
  };
  methods_.xShmBarrier = [](sqlite3_file* f) {
    File::of(f).real()->pMethods->xShmBarrier(File::of(f).real());
  };
  methods_.xShmUnmap = [](sqlite3_file* f, int remove) {
    return File::of(f).real()->pMethods->xShmUnmap(File::of(f).real(), remove);
  };
}

void Disk::record(const fs::path& folder) {
  const std::lock_guard lock{mutex_};
  recording_ = true;
  folder_ = folder;
  log_ = {};
  names_.clear();
  files_ = 0;
  for (const auto& entry : fs::directory_iterator{folder}) {
    const auto name = entry.path().filename().string();
    if (shared_memory(name)) continue;
    log_.before[name] = content_of(entry.path());
  }
  for (const auto& [name, content] : log_.before) {
    names_[name] = {++files_, inode_of(folder / name)};
  }
}

std::size_t Disk::position() {
  const std::lock_guard lock{mutex_};
  if (recording_) look();
  return log_.operations.size();
}

Log Disk::stop() {
  const std::lock_guard lock{mutex_};
  look();
  recording_ = false;
  return std::exchange(log_, {});
}

void Disk::order(const Fault& fault) {
  const std::lock_guard lock{mutex_};
  fault_ = fault;
  asked_ = 0;
  struck_ = 0;
}

void Disk::heal() {
  const std::lock_guard lock{mutex_};
  fault_.reset();
}

std::uint64_t Disk::struck() const {
  const std::lock_guard lock{mutex_};
  return struck_;
}

void Disk::impose_synchronous(std::string_view level) {
  const std::lock_guard lock{mutex_};
  imposed_ = level;
  imposed_level = level;
  imposing = this;
  const auto entry = reinterpret_cast<void (*)()>(impose);
  if (level.empty()) {
    sqlite3_cancel_auto_extension(entry);
  } else {
    sqlite3_auto_extension(entry);
  }
}

int Disk::strike(Call call, bool* half) {
  const std::lock_guard lock{mutex_};
  if (!fault_ || fault_->call != call) return SQLITE_OK;
  ++asked_;
  if (asked_ < fault_->at || (asked_ > fault_->at && !fault_->sticky)) return SQLITE_OK;
  ++struck_;
  if (half != nullptr) *half = fault_->half;
  return fault_->code;
}

bool Disk::recorded(const char* path) const {
  return recording_ && path != nullptr && fs::path{path}.parent_path() == folder_ &&
         !shared_memory(path);
}

void Disk::note(Operation operation) { log_.operations.push_back(std::move(operation)); }

void Disk::look() {
  std::map<std::string, std::uint64_t> found;
  bool same = true;
  for (const auto& [name, known] : names_) {
    const auto inode = inode_of(folder_ / name);
    if (inode != known.inode) same = false;
  }
  if (same) return;
  for (const auto& entry : fs::directory_iterator{folder_}) {
    const auto name = entry.path().filename().string();
    if (!shared_memory(name)) found[name] = inode_of(entry.path());
  }
  // In the order in which a program would do it: away first, then into its place.
  for (bool moved = true; moved;) {
    moved = false;
    for (auto it = names_.begin(); it != names_.end(); ++it) {
      const auto here = found.find(it->first);
      if (here != found.end() && here->second == it->second.inode) continue;
      const auto known = it->second;
      std::string to;
      for (const auto& [name, inode] : found) {
        if (inode == known.inode && name != it->first) to = name;
      }
      if (!to.empty() && names_.contains(to)) continue;  // its place is taken as yet
      Operation operation;
      operation.file = known.file;
      operation.name = it->first;
      operation.kind = to.empty() ? Operation::Kind::remove : Operation::Kind::rename;
      operation.to = to;
      note(std::move(operation));
      names_.erase(it);
      if (!to.empty()) names_[to] = known;
      moved = true;
      break;
    }
  }
}

int Disk::open(sqlite3_filename name, sqlite3_file* f, int flags, int* out) {
  f->pMethods = nullptr;
  if (const int code = strike(Call::open)) return code == SQLITE_IOERR ? SQLITE_CANTOPEN : code;
  auto& file = File::of(f);
  file.disk = this;
  file.number = 0;
  constexpr int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  file.folder_later = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
  const std::lock_guard lock{mutex_};
  const bool ours = recorded(name);
  if (ours) look();
  const int code = base_->xOpen(base_, name, file.real(), flags, out);
  if (code != SQLITE_OK) return code;
  f->pMethods = &methods_;
  if (!ours) return code;
  const auto entry = fs::path{name}.filename().string();
  const auto known = names_.find(entry);
  if (known != names_.end()) {
    file.number = known->second.file;
    return code;
  }
  file.number = ++files_;
  names_[entry] = {file.number, inode_of(name)};
  note({.kind = Operation::Kind::create, .file = file.number, .name = entry});
  return code;
}

int Disk::remove(const char* name, int sync_folder) {
  if (const int code = strike(Call::remove)) {
    return code == SQLITE_IOERR ? SQLITE_IOERR_DELETE : code;
  }
  const std::lock_guard lock{mutex_};
  const bool ours = recorded(name);
  if (ours) look();
  const int code = base_->xDelete(base_, name, 0);
  if (code != SQLITE_OK || !ours) return code;
  const auto entry = fs::path{name}.filename().string();
  const auto known = names_.find(entry);
  if (known == names_.end()) return code;
  note({.kind = Operation::Kind::remove,
        .file = known->second.file,
        .name = entry,
        .folder = sync_folder != 0});
  names_.erase(known);
  return code;
}

int Disk::write(File& file, const void* from, int size, sqlite3_int64 at) {
  bool half = false;
  const int struck = strike(Call::write, &half);
  if (struck == vanishes) return SQLITE_OK;
  if (struck != SQLITE_OK && !half) return struck;
  if (half) size /= 2;
  const std::lock_guard lock{mutex_};
  if (file.number != 0 && recording_) {
    look();
    note({.kind = Operation::Kind::write,
          .file = file.number,
          .at = at,
          .bytes = {static_cast<const char*>(from), static_cast<std::size_t>(size)}});
  }
  const int code = file.real()->pMethods->xWrite(file.real(), from, size, at);
  return struck != SQLITE_OK ? struck : code;
}

int Disk::truncate(File& file, sqlite3_int64 size) {
  if (const int code = strike(Call::truncate)) return code;
  const std::lock_guard lock{mutex_};
  if (file.number != 0 && recording_) {
    look();
    note({.kind = Operation::Kind::truncate, .file = file.number, .at = size});
  }
  return file.real()->pMethods->xTruncate(file.real(), size);
}

int Disk::sync(File& file) {
  const int struck = strike(Call::sync);
  const std::lock_guard lock{mutex_};
  if (file.number != 0 && recording_) {
    look();
    note({.kind = Operation::Kind::sync,
          .file = file.number,
          .folder = file.folder_later,
          .failed = struck != SQLITE_OK});
    if (struck == SQLITE_OK) file.folder_later = false;
  }
  return struck;
}

int Disk::control(File& file, int code, void* arg) {
  if (code == SQLITE_FCNTL_PRAGMA) {
    const auto* const words = static_cast<char**>(arg);
    const std::lock_guard lock{mutex_};
    const bool level = words[1] != nullptr && sqlite3_stricmp(words[1], "synchronous") == 0;
    if (level && words[2] != nullptr && !imposed_.empty() && imposed_ != words[2]) {
      return SQLITE_OK;  // dealt with: nothing changes
    }
  }
  return file.real()->pMethods->xFileControl(file.real(), code, arg);
}

}  // namespace kw::torture
