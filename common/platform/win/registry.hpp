#pragma once

#include <string>

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

/// A text of the machine's registry; empty when there is none.
inline std::string registry_text(const wchar_t* key, const wchar_t* name) {
  std::wstring text(256, L'\0');
  auto size = static_cast<DWORD>(text.size() * sizeof(wchar_t));
  if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, nullptr, text.data(), &size) !=
      ERROR_SUCCESS) {
    return {};
  }
  return utf8(text.c_str());
}

}  // namespace kw::platform
