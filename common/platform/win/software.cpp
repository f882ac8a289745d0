#include "common/platform/software.hpp"

#include <algorithm>
#include <array>
#include <cwctype>
#include <memory>
#include <string_view>
#include <utility>

#include <windows.h>

// Want the one above first.
#include <psapi.h>
#include <tlhelp32.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

namespace fs = std::filesystem;

std::uint64_t ticks(const FILETIME& time) {
  return static_cast<std::uint64_t>(time.dwHighDateTime) << 32 | time.dwLowDateTime;
}

/// FILETIME counts 100 ns.
Duration of_ticks(std::uint64_t count) { return Duration{static_cast<std::int64_t>(count / 10)}; }

std::uint64_t now_ticks() {
  FILETIME now{};
  GetSystemTimeAsFileTime(&now);
  return ticks(now);
}

RunningProcess read_process(const PROCESSENTRY32W& entry, std::uint64_t now) {
  RunningProcess out{.id = entry.th32ProcessID,
                     .program = utf8(entry.szExeFile),
                     .started = 0,
                     .running_for = {},
                     .memory_bytes = {}};
  const Handle process{OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, entry.th32ProcessID)};
  if (!process) return out;
  std::array<wchar_t, 1'024> path{};
  auto size = static_cast<DWORD>(path.size());
  if (QueryFullProcessImageNameW(process.get(), 0, path.data(), &size) != 0) {
    out.program = utf8({path.data(), size});
  }
  FILETIME began{};
  FILETIME ended{};
  FILETIME kernel{};
  FILETIME user{};
  if (GetProcessTimes(process.get(), &began, &ended, &kernel, &user) != 0) {
    out.started = ticks(began);
    out.running_for = of_ticks(now > out.started ? now - out.started : 0);
  }
  PROCESS_MEMORY_COUNTERS memory{};
  if (K32GetProcessMemoryInfo(process.get(), &memory, sizeof memory) != 0) {
    out.memory_bytes = static_cast<double>(memory.WorkingSetSize);
  }
  return out;
}

std::wstring lower(const std::string& text) {
  auto out = wide(text);
  std::ranges::transform(out, out.begin(),
                         [](wchar_t c) { return static_cast<wchar_t>(std::towlower(c)); });
  std::ranges::replace(out, L'/', L'\\');
  return out;
}

std::optional<Duration> age_of_time(const SYSTEMTIME& at) {
  FILETIME file{};
  if (SystemTimeToFileTime(&at, &file) == 0) return std::nullopt;
  const auto now = now_ticks();
  const auto then = ticks(file);
  return of_ticks(now > then ? now - then : 0);
}

/// Of a REG_SZ "2026-11-02 07:15:31", UTC.
std::optional<Duration> age_of_text(const wchar_t* key, const wchar_t* value) {
  std::array<wchar_t, 64> text{};
  auto size = static_cast<DWORD>(sizeof(wchar_t) * (text.size() - 1));
  const auto got = RegGetValueW(HKEY_LOCAL_MACHINE, key, value,
                                RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, nullptr, text.data(), &size);
  if (got != ERROR_SUCCESS) return std::nullopt;
  SYSTEMTIME at{};
  const int fields = swscanf(text.data(), L"%hu-%hu-%hu %hu:%hu:%hu", &at.wYear, &at.wMonth,
                             &at.wDay, &at.wHour, &at.wMinute, &at.wSecond);
  if (fields != 6) return std::nullopt;
  return age_of_time(at);
}

/// Of a REG_BINARY FILETIME.
std::optional<Duration> age_of_filetime(const wchar_t* key, const wchar_t* value) {
  FILETIME at{};
  DWORD size = sizeof at;
  const auto got = RegGetValueW(HKEY_LOCAL_MACHINE, key, value,
                                RRF_RT_REG_BINARY | RRF_SUBKEY_WOW6464KEY, nullptr, &at, &size);
  if (got != ERROR_SUCCESS || size != sizeof at) return std::nullopt;
  const auto now = now_ticks();
  return of_ticks(now > ticks(at) ? now - ticks(at) : 0);
}

}  // namespace

Result<std::vector<RunningProcess>> processes(const fs::path& /*root*/) {
  const Handle snapshot{CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)};
  if (!snapshot) return Error{Errc::missing, "processes: " + reason_of(GetLastError())};
  const auto now = now_ticks();
  std::vector<RunningProcess> out;
  PROCESSENTRY32W entry{};
  entry.dwSize = sizeof entry;
  for (auto more = Process32FirstW(snapshot.get(), &entry); more != 0;
       more = Process32NextW(snapshot.get(), &entry)) {
    out.push_back(read_process(entry, now));
  }
  return out;
}

bool is_program(const RunningProcess& process, const std::string& wanted) {
  const auto program = lower(process.program);
  const auto asked = lower(wanted);
  if (asked.find(L'\\') != std::wstring::npos) return program == asked;
  const auto slash = program.rfind(L'\\');
  const auto name = program.substr(slash == std::wstring::npos ? 0 : slash + 1);
  return name == asked || name == asked + L".exe";
}

std::string version_in(const fs::path& file) {
  DWORD ignored = 0;
  const auto size = GetFileVersionInfoSizeW(file.c_str(), &ignored);
  if (size == 0) return {};
  std::vector<std::uint8_t> room(size);
  if (GetFileVersionInfoW(file.c_str(), 0, size, room.data()) == 0) return {};
  VS_FIXEDFILEINFO* info = nullptr;
  UINT length = 0;
  if (VerQueryValueW(room.data(), L"\\", reinterpret_cast<void**>(&info), &length) == 0) return {};
  if (length < sizeof *info) return {};
  const auto part = [](DWORD word, int shift) { return std::to_string(word >> shift & 0xffffU); };
  return part(info->dwFileVersionMS, 16) + "." + part(info->dwFileVersionMS, 0) + "." +
         part(info->dwFileVersionLS, 16) + "." + part(info->dwFileVersionLS, 0);
}

std::string package_version(const fs::path& /*root*/, const std::string& /*package*/) { return {}; }

Upkeep read_upkeep(const fs::path& /*root*/) {
  Upkeep out;
  out.since_patched = age_of_text(
      L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\Results\\Install",
      L"LastSuccessTime");
  out.since_signatures = age_of_filetime(
      L"SOFTWARE\\Microsoft\\Windows Defender\\Signature Updates", L"AVSignatureApplied");
  if (out.since_signatures) out.antivirus = "Microsoft Defender";
  return out;
}

}  // namespace kw::platform
