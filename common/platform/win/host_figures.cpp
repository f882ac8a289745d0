#include "common/platform/host_figures.hpp"

#include <array>
#include <memory>

#include <winsock2.h>
#include <ws2ipdef.h>

// These want the two above first.
#include <iphlpapi.h>
#include <netioapi.h>
#include <psapi.h>

#include "common/platform/win/registry.hpp"

namespace kw::platform {
namespace {

std::uint64_t ticks(const FILETIME& time) {
  return std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
}

void read_cpu(HostFigures& out) {
  FILETIME idle{};
  FILETIME kernel{};
  FILETIME user{};
  if (GetSystemTimes(&idle, &kernel, &user) == FALSE) return;
  // The kernel's time has the idle time in it.
  out.cpu = HostFigures::CpuTime{ticks(idle), ticks(kernel) + ticks(user)};
}

struct PageFiles {
  double total = 0;
  double used = 0;
};

BOOL CALLBACK add_page_file(void* to, ENUM_PAGE_FILE_INFORMATION* file, const wchar_t* /*name*/) {
  auto& sum = *static_cast<PageFiles*>(to);
  sum.total += static_cast<double>(file->TotalSize);
  sum.used += static_cast<double>(file->TotalInUse);
  return TRUE;
}

void read_memory(HostFigures& out) {
  MEMORYSTATUSEX memory{};
  memory.dwLength = sizeof memory;
  if (GlobalMemoryStatusEx(&memory) == FALSE) return;
  out.memory_total_bytes = static_cast<double>(memory.ullTotalPhys);
  out.memory_available_bytes = static_cast<double>(memory.ullAvailPhys);
  PageFiles files;
  if (K32EnumPageFilesW(add_page_file, &files) == FALSE || files.total <= 0) return;
  SYSTEM_INFO system{};
  GetSystemInfo(&system);
  const auto page = static_cast<double>(system.dwPageSize);
  out.swap_total_bytes = files.total * page;
  out.swap_free_bytes = (files.total - files.used) * page;
}

void read_disks(HostFigures& out) {
  const auto drives = GetLogicalDrives();
  for (int i = 0; i < 26; ++i) {
    if ((drives >> i & 1) == 0) continue;
    const std::wstring root{static_cast<wchar_t>(L'A' + i), L':', L'\\'};
    // A drive over the network would hold us when its server is gone.
    if (GetDriveTypeW(root.c_str()) != DRIVE_FIXED) continue;
    ULARGE_INTEGER usable{};
    ULARGE_INTEGER total{};
    ULARGE_INTEGER free{};
    if (GetDiskFreeSpaceExW(root.c_str(), &usable, &total, &free) == FALSE) continue;
    const auto used = static_cast<double>(total.QuadPart - free.QuadPart);
    out.disks.push_back({utf8(root), static_cast<double>(total.QuadPart), used,
                         used + static_cast<double>(usable.QuadPart)});
  }
}

struct FreeTable {
  void operator()(MIB_IF_TABLE2* table) const { FreeMibTable(table); }
};

void read_networks(HostFigures& out) {
  MIB_IF_TABLE2* found = nullptr;
  if (GetIfTable2(&found) != NO_ERROR) return;
  const std::unique_ptr<MIB_IF_TABLE2, FreeTable> table{found};
  for (ULONG i = 0; i < table->NumEntries; ++i) {
    const auto& row = table->Table[i];
    // Each driver in an adapter's stack has a row that counts the same bytes again.
    if (row.Type == IF_TYPE_SOFTWARE_LOOPBACK || row.Type == IF_TYPE_TUNNEL ||
        row.InterfaceAndOperStatusFlags.FilterInterface != FALSE ||
        row.OperStatus != IfOperStatusUp) {
      continue;
    }
    out.networks.push_back(
        {utf8(row.Alias), static_cast<double>(row.InOctets), static_cast<double>(row.OutOctets)});
  }
}

void read_time(HostFigures& out) {
  const SystemClock clock;
  const auto up = clock.mono().time_since_epoch();
  out.uptime_seconds = std::chrono::duration<double>(up).count();
  const auto boot = clock.wall() - up;
  out.boot_time_seconds = static_cast<double>(
      std::chrono::round<std::chrono::seconds>(boot.time_since_epoch()).count());
}

}  // namespace

Result<HostFigures> read_host(const std::filesystem::path& /*root*/) {
  HostFigures out;
  constexpr const wchar_t* board = L"HARDWARE\\DESCRIPTION\\System\\BIOS";
  out.vendor = registry_text(board, L"SystemManufacturer");
  out.model = registry_text(board, L"SystemProductName");
  read_cpu(out);
  read_memory(out);
  read_disks(out);
  read_networks(out);
  read_time(out);
  return out;
}

}  // namespace kw::platform
