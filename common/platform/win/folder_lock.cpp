#include "common/platform/folder_lock.hpp"

#include <string>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::filesystem::path& folder) {
  const auto file = folder / "lock";
  // Shared with nobody for as long as it is open.
  Handle handle{CreateFileW(file.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_ALWAYS,
                            FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (!handle) {
    const auto why = GetLastError();
    if (why == ERROR_SHARING_VIOLATION) {
      return Error{Errc::busy, folder.string() + " is in use by another process"};
    }
    return Error{Errc::storage, "cannot open " + file.string() + ": " + reason_of(why)};
  }
  return std::unique_ptr<FolderLock>{
      new FolderLock{reinterpret_cast<std::intptr_t>(handle.release())}};
}

FolderLock::~FolderLock() { CloseHandle(reinterpret_cast<HANDLE>(handle_)); }

}  // namespace kw::platform
