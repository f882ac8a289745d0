#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/link/tls.hpp"
#include "common/task.hpp"

namespace kw::torture {

/// What became of the clients of one kind.
struct Slow {
  const char* kind;
  Duration limit;  ///< within which the collector must have ended each, on a busy machine
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;   ///< by the collector
  std::uint64_t late = 0;    ///< ended later than that, or never
  std::uint64_t failed = 0;  ///< did not even get so far as to be slow
  Duration longest{};
};

/// Connects and sends a byte of `bytes` each `every`, or nothing when there are none.
Task<void> trickle(link::Endpoint at, std::string bytes, Duration every, Slow& kind);
/// Shakes hands as a kiosk and sends the upgrade byte by byte.
Task<void> slow_upgrade(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls,
                        Duration every, Slow& kind);
/// Opens a WebSocket and sends its Hello byte by byte.
Task<void> slow_hello(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, Duration every,
                      Slow& kind);
/// A session in order that asks and asks and never reads an answer. `asked`: questions sent.
Task<void> never_read(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, Slow& kind,
                      std::uint64_t& asked);
/// A session in order whose frames come a byte a TLS record, without a pause; `answered` when it
/// was served like any.
Task<void> small_bytes(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls,
                       std::uint64_t& answered);

}  // namespace kw::torture
