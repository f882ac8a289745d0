#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/platform/port.hpp"

namespace kw::platform {

/// The largest datagram that UDP over IPv4 carries (RFC 768): a buffer of this size cuts none.
inline constexpr std::size_t largest_datagram = 65'507;

/// A port to one UDP peer: each write is one datagram, each read returns one, whole or cut to the
/// buffer. Datagrams of anybody else are not seen. Opening asks nobody: whether somebody listens
/// shows in a read, which is `disconnected` when the peer's machine says that nobody does.
/// Only a name's address is waited for, until `deadline`. Errc::missing: no such name;
/// Errc::timeout: it was not resolved by then; Errc::refused: the system allows no such peer.
/// `clock` outlives the port.
Result<std::unique_ptr<Port>> open_udp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline);

}  // namespace kw::platform
