#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// An address and port as the system's socket calls take them: a sockaddr_in or a sockaddr_in6
/// (RFC 3493, section 3.3), the rest zeros.
struct SocketAddress {
  bool v6 = false;
  std::uint32_t size = 0;  ///< of the bytes that count
  alignas(8) std::array<std::uint8_t, 28> bytes{};

  bool operator==(const SocketAddress&) const = default;
};
using SocketAddresses = std::vector<SocketAddress>;

/// Looks names up in threads of their own: the system's resolver keeps time limits of its own, 10 s
/// to 40 s with the network down, and whoever asks here waits until his deadline. Any thread.
///
/// A name is looked up once at a time, for all who ask for it, whatever their deadlines: a resolver
/// that hangs costs one thread a name. An answer that comes when nobody waits for it any more is
/// the next asker's, so that a resolver slower than every deadline still gets names resolved.
class Resolver {
 public:
  /// The addresses of a name, with port 0. Called by a thread of its own; takes its time.
  using Lookup = std::function<Result<SocketAddresses>(const std::string& name)>;

  /// How long after its asker has given up an answer is still somebody's.
  static constexpr Duration kept = std::chrono::minutes{1};

  explicit Resolver(Lookup lookup);
  /// Does not wait for a lookup that goes on: its thread ends when its resolver does.
  ~Resolver();

  /// The addresses of `host` with `port`, at least one. A numeric address is its own answer, at
  /// once; a name's has come by `deadline`, else Errc::timeout. Errc::missing: no such name.
  Result<SocketAddresses> resolve(const std::string& host, std::uint16_t port, const Clock& clock,
                                  MonoTime deadline);

 private:
  struct Desk;
  std::shared_ptr<Desk> desk_;  ///< shared with the threads, which may outlive the resolver
};

/// As Resolver::resolve, by the system's resolver, for the whole process.
Result<SocketAddresses> resolve(const std::string& host, std::uint16_t port, const Clock& clock,
                                MonoTime deadline);

/// What `text` says, with port 0, if it is a numeric address; asks nobody.
std::optional<SocketAddress> numeric_address(const std::string& text);

/// The system's lookup: hosts file, DNS and whatever else it is set to ask. Errc::missing: no such
/// name; Errc::timeout: nobody could say. May take as long as the system pleases.
Result<SocketAddresses> look_up(const std::string& name);

}  // namespace kw::platform
