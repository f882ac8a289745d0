#include "common/platform/process.hpp"

#include <array>
#include <csignal>
#include <cstdlib>

#include <shlobj.h>
#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

/// Files have the rights of their folder, which `make_folder` gave to the owners alone.
void keep_files_private() {}

/// Stacks are committed page by page here, and there is one heap.
void keep_memory_small() {}

void print_utf8() { SetConsoleOutputCP(CP_UTF8); }

std::span<const int> stop_signals() {
  // Closing the console window and logging off come as SIGBREAK.
  static constexpr std::array signals{SIGINT, SIGTERM, SIGBREAK};
  return signals;
}

std::filesystem::path default_data() {
  std::array<wchar_t, MAX_PATH> folder{};
  // From the system, not from the environment, which whoever starts us could have changed.
  if (SHGetFolderPathW(nullptr, CSIDL_COMMON_APPDATA, nullptr, SHGFP_TYPE_CURRENT, folder.data()) !=
      S_OK) {
    return L"C:\\ProgramData\\Kioskwatch";
  }
  return std::filesystem::path{folder.data()} / L"Kioskwatch";
}

std::filesystem::path default_config() { return default_data() / L"agent.toml"; }

std::string user_language() {
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  std::array<wchar_t, LOCALE_NAME_MAX_LENGTH> name{};
  const auto language = MAKELCID(GetUserDefaultUILanguage(), SORT_DEFAULT);
  if (LCIDToLocaleName(language, name.data(), static_cast<int>(name.size()), 0) == 0) return {};
  return utf8(name.data());
}

}  // namespace kw::platform
