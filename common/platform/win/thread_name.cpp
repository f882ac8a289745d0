#include "common/platform/thread_name.hpp"

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

/// Not in mingw's import libraries.
void name_this_thread(const char* name) {
  using Describe = HRESULT(WINAPI*)(HANDLE, const wchar_t*);
  static const auto describe = system_function<Describe>(L"kernelbase.dll", "SetThreadDescription");
  if (describe != nullptr) describe(GetCurrentThread(), wide(name).c_str());
}

}  // namespace kw::platform
