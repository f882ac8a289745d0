#include "common/platform/resolve.hpp"

#include <cstddef>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace kw::platform {
namespace {

static_assert(offsetof(sockaddr_in, sin_port) == 2 && offsetof(sockaddr_in6, sin6_port) == 2);
static_assert(sizeof(sockaddr_in6) == sizeof(SocketAddress::bytes));

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<SocketAddresses> ask(const std::string& name, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once for every type
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int bad = ::getaddrinfo(name.c_str(), nullptr, &hints, &found); bad != 0) {
    const bool no_such_name = bad == EAI_NONAME || bad == EAI_NODATA;
    return Error{no_such_name ? Errc::missing : Errc::timeout, ::gai_strerror(bad)};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list{found};
  SocketAddresses out;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    auto& address = out.emplace_back();
    address.v6 = one->ai_family == AF_INET6;
    address.size = one->ai_addrlen;
    std::memcpy(address.bytes.data(), one->ai_addr, one->ai_addrlen);
  }
  return out;
}

}  // namespace

std::optional<SocketAddress> numeric_address(const std::string& text) {
  const auto found = ask(text, AI_NUMERICHOST);
  if (!found || found->empty()) return std::nullopt;
  return found->front();
}

Result<SocketAddresses> look_up(const std::string& name) { return ask(name, 0); }

}  // namespace kw::platform
