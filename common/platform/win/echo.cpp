#include "common/platform/echo.hpp"

#include <array>
#include <memory>
#include <utility>

#include <winsock2.h>
#include <ws2tcpip.h>

// Wants the two above first.
#include <iphlpapi.h>

// Wants the one above first.
#include <icmpapi.h>

#include "common/platform/resolve.hpp"
#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

struct CloseIcmp {
  void operator()(void* handle) const { ::IcmpCloseHandle(handle); }
};

DWORD milliseconds(MonoTime now, MonoTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<DWORD>(std::max<std::int64_t>(left, 1));
}

/// ICMPV6_ECHO_REPLY, which these headers lack: an IPV6_ADDRESS_EX of 26 bytes and what aligns it.
struct Icmp6Reply {
  std::array<std::uint8_t, 28> from;
  ULONG status;
  unsigned round_trip_ms;
};

constexpr std::array<char, 16> payload{"kioskwatch-echo"};

}  // namespace

Result<Duration> echo(const std::string& host, std::uint16_t /*sequence*/, const Clock& clock,
                      MonoTime deadline) {
  auto addresses = resolve(host, 0, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(host);
  auto& found = addresses->front();
  const bool v6 = found.v6;
  const std::unique_ptr<void, CloseIcmp> icmp{v6 ? ::Icmp6CreateFile() : ::IcmpCreateFile()};
  if (icmp.get() == INVALID_HANDLE_VALUE) {
    return Error{Errc::unsupported, "icmp: " + reason_of(GetLastError())};
  }
  // Room for the answer, our payload, an ICMP error and an IO_STATUS_BLOCK (IcmpSendEcho2).
  std::array<std::uint8_t, 512> room{};
  auto bytes = payload;
  const auto began = clock.mono();
  const auto wait = milliseconds(began, deadline);
  DWORD count = 0;
  if (v6) {
    sockaddr_in6 from{};
    from.sin6_family = AF_INET6;
    auto* to = reinterpret_cast<sockaddr_in6*>(found.bytes.data());
    count = ::Icmp6SendEcho2(icmp.get(), nullptr, nullptr, nullptr, &from, to, bytes.data(),
                             static_cast<WORD>(bytes.size()), nullptr, room.data(),
                             static_cast<DWORD>(room.size()), wait);
  } else {
    const auto* to = reinterpret_cast<const sockaddr_in*>(found.bytes.data());
    count = ::IcmpSendEcho(icmp.get(), to->sin_addr.s_addr, bytes.data(),
                           static_cast<WORD>(bytes.size()), nullptr, room.data(),
                           static_cast<DWORD>(room.size()), wait);
  }
  const auto took = clock.mono() - began;
  if (count == 0) return Error{Errc::timeout, host + ": no echo within the deadline"};
  const auto status = v6 ? reinterpret_cast<const Icmp6Reply*>(room.data())->status
                         : reinterpret_cast<const ICMP_ECHO_REPLY*>(room.data())->Status;
  if (status == IP_SUCCESS) return took;
  if (status == IP_REQ_TIMED_OUT) {
    return Error{Errc::timeout, host + ": no echo within the deadline"};
  }
  return Error{Errc::refused, host + ": unreachable, ICMP status " + std::to_string(status)};
}

std::vector<std::string> name_servers() {
  ULONG size = 0;
  std::vector<std::string> out;
  if (::GetNetworkParams(nullptr, &size) != ERROR_BUFFER_OVERFLOW) return out;
  std::vector<std::uint8_t> room(size);
  auto* info = reinterpret_cast<FIXED_INFO*>(room.data());
  if (::GetNetworkParams(info, &size) != NO_ERROR) return out;
  for (const auto* one = &info->DnsServerList; one != nullptr; one = one->Next) {
    if (one->IpAddress.String[0] != '\0') out.emplace_back(one->IpAddress.String);
  }
  return out;
}

}  // namespace kw::platform
