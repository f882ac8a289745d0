// SQLite's files as the simulation sees them: the system's own VFS with a Disk asked before and
// told after each operation that changes something.
#include <algorithm>
#include <string>

#include <sqlite3.h>

#include "tests/simulation/disk.hpp"

namespace kw::simulation {
namespace {

sqlite3_vfs* system_vfs = nullptr;

struct Watched {
  sqlite3_file base;
  Disk* disk;
  std::string* name;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Watched*>(file) + 1);
}
Watched& watched(sqlite3_file* file) { return *reinterpret_cast<Watched*>(file); }

std::int64_t size_of(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  real(file)->pMethods->xFileSize(real(file), &size);
  return size;
}

std::string bytes_at(sqlite3_file* file, std::int64_t from, std::int64_t upto) {
  std::string out(static_cast<std::size_t>(std::max<std::int64_t>(upto - from, 0)), '\0');
  if (!out.empty()) {
    real(file)->pMethods->xRead(real(file), out.data(), static_cast<int>(out.size()), from);
  }
  return out;
}

int close(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete watched(file).name;
  return code;
}

int read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, bytes, at);
}

int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  auto& w = watched(file);
  if (w.disk == nullptr) return real(file)->pMethods->xWrite(real(file), from, bytes, at);
  const auto size = size_of(file);
  if (w.disk->refuses(size, at + bytes)) return SQLITE_FULL;
  auto before = bytes_at(file, at, std::min<std::int64_t>(at + bytes, size));
  w.disk->wrote(*w.name,
                {at, std::move(before), size,
                 std::string{static_cast<const char*>(from), static_cast<std::size_t>(bytes)}});
  const int code = real(file)->pMethods->xWrite(real(file), from, bytes, at);
  w.disk->step();
  return code;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  auto& w = watched(file);
  if (w.disk != nullptr) {
    const auto was = size_of(file);
    w.disk->wrote(*w.name, {size, bytes_at(file, size, was), was, {}});
  }
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  if (w.disk != nullptr) w.disk->step();
  return code;
}

int sync(sqlite3_file* file, int flags) {
  auto& w = watched(file);
  if (w.disk == nullptr) return real(file)->pMethods->xSync(real(file), flags);
  w.disk->step();  // the power may go before it is done
  w.disk->synced(*w.name);
  return SQLITE_OK;  // the files are in memory: nothing gains by a real one
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control(sqlite3_file* file, int what, void* with) {
  return real(file)->pMethods->xFileControl(real(file), what, with);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int traits(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** to) {
  return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, to);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

constexpr sqlite3_io_methods methods{
    2,        close,       read,      write,   truncate,    sync,   file_size,
    lock,     unlock,      reserved,  control, sector_size, traits, shm_map,
    shm_lock, shm_barrier, shm_unmap, nullptr, nullptr,
};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  auto& w = watched(file);
  w.base.pMethods = nullptr;
  w.disk = name == nullptr ? nullptr : Disk::of(name);
  w.name = new std::string{name == nullptr ? "" : name};
  const int code = system_vfs->xOpen(system_vfs, name, real(file), flags, out);
  if (real(file)->pMethods != nullptr) {
    w.base.pMethods = &methods;
  } else {
    delete w.name;
  }
  return code;
}

int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  if (auto* disk = Disk::of(name)) disk->synced(name);  // what was not synced is gone with it
  return system_vfs->xDelete(system_vfs, name, sync_folder);
}

}  // namespace

void install_disk() {
  system_vfs = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs ours = *system_vfs;
  ours.szOsFile = static_cast<int>(sizeof(Watched)) + system_vfs->szOsFile;
  ours.zName = "simulation";
  ours.pNext = nullptr;
  ours.xOpen = open;
  ours.xDelete = remove;
  sqlite3_vfs_register(&ours, 1);
}

}  // namespace kw::simulation
