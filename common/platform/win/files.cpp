#include "common/platform/files.hpp"

#include <array>
#include <system_error>
#include <utility>

#include <aclapi.h>
#include <windows.h>

#include "common/platform/win/handle.hpp"
#include "common/platform/win/security.hpp"

namespace kw::platform {
namespace {

namespace fs = std::filesystem;

Error failed(const fs::path& path, const char* what, DWORD number) {
  const bool missing = number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND;
  // A folder is denied, too, to who opens it as a file.
  std::error_code none;
  const bool forbidden = number == ERROR_ACCESS_DENIED && !fs::is_directory(path, none);
  const auto code = missing ? Errc::missing : forbidden ? Errc::refused : Errc::storage;
  return Error{code, path.string() + ": " + what + ": " + reason_of(number)};
}

bool write_all(HANDLE file, std::string_view bytes) {
  while (!bytes.empty()) {
    constexpr std::size_t most = 1024 * 1024;
    DWORD written = 0;
    const auto size = static_cast<DWORD>(std::min(bytes.size(), most));
    if (WriteFile(file, bytes.data(), size, &written, nullptr) == FALSE) return false;
    bytes.remove_prefix(written);
  }
  return true;
}

Result<void> write_beside(const fs::path& beside, std::string_view bytes, bool secret) {
  DeleteFileW(beside.c_str());  // what a killed predecessor left is nobody's
  SECURITY_ATTRIBUTES* rights = nullptr;
  auto owners = OwnersOnly::make();
  if (secret) {
    if (!owners) return owners.error();
    rights = owners->attributes();
  }
  const Handle file{CreateFileW(beside.c_str(), GENERIC_WRITE, 0, rights, CREATE_NEW,
                                FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (!file) return failed(beside, "create", GetLastError());
  if (!write_all(file.get(), bytes)) return failed(beside, "write", GetLastError());
  if (FlushFileBuffers(file.get()) == FALSE) return failed(beside, "sync", GetLastError());
  return {};
}

/// A scanner that looks into what was just written keeps it from being renamed for a moment.
bool replace(const fs::path& from, const fs::path& to) {
  constexpr int attempts = 10;
  for (int i = 1;; ++i) {
    if (MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) !=
        FALSE) {
      return true;
    }
    const auto why = GetLastError();
    const bool passing = why == ERROR_SHARING_VIOLATION || why == ERROR_ACCESS_DENIED;
    if (!passing || i == attempts) {
      SetLastError(why);
      return false;
    }
    Sleep(20);
  }
}

}  // namespace

Result<std::string> read_file(const fs::path& path) {
  const Handle file{CreateFileW(path.c_str(), GENERIC_READ,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (!file) return failed(path, "open", GetLastError());
  std::string bytes;
  LARGE_INTEGER size{};
  if (GetFileSizeEx(file.get(), &size) != FALSE && size.QuadPart > 0) {
    bytes.reserve(static_cast<std::size_t>(size.QuadPart));
  }
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    DWORD got = 0;
    if (ReadFile(file.get(), chunk.data(), static_cast<DWORD>(chunk.size()), &got, nullptr) ==
        FALSE) {
      return failed(path, "read", GetLastError());
    }
    if (got == 0) return bytes;
    bytes.append(chunk.data(), got);
  }
}

Result<void> write_file(const fs::path& path, std::string_view bytes, bool secret) {
  auto beside = path;
  beside += ".new";
  auto written = write_beside(beside, bytes, secret);
  if (!written) {
    DeleteFileW(beside.c_str());
    return written;
  }
  // Returns when the new name is on the disk too.
  if (replace(beside, path)) return {};
  const auto why = GetLastError();
  DeleteFileW(beside.c_str());
  return failed(path, "rename", why);
}

Result<void> sync_file(const fs::path& path) {
  // Only a handle that may write can be flushed.
  const Handle file{CreateFileW(path.c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ,
                                nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (!file) return failed(path, "open", GetLastError());
  if (FlushFileBuffers(file.get()) == FALSE) return failed(path, "sync", GetLastError());
  return {};
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
  if (replace(from, to)) return {};
  return failed(from, "rename", GetLastError());
}

Result<void> make_folder(const fs::path& path, bool secret) {
  const auto parent = path.parent_path();
  std::error_code wrong;
  if (!parent.empty()) fs::create_directories(parent, wrong);
  if (wrong) return failed(parent, "create", static_cast<DWORD>(wrong.value()));
  auto owners = OwnersOnly::make();
  if (secret && !owners) return owners.error();
  // Made with its final rights: a secret folder is at no time open to others.
  if (CreateDirectoryW(path.c_str(), secret ? owners->attributes() : nullptr) != FALSE) return {};
  const auto why = GetLastError();
  if (why != ERROR_ALREADY_EXISTS || !fs::is_directory(path, wrong)) {
    return failed(path, "create", why);
  }
  if (!secret) return {};
  auto name = path.wstring();
  const auto refused = SetNamedSecurityInfoW(
      name.data(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
      nullptr, nullptr, owners->list(), nullptr);
  if (refused != ERROR_SUCCESS) return failed(path, "protect", refused);
  return {};
}

}  // namespace kw::platform
