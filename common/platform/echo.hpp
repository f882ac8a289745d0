#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// One ICMP or ICMPv6 echo request to `host`: how long the answer took. Blocks until `deadline` at
/// most. Any thread.
///
/// timeout: no answer, or a name that was not resolved in time; missing: no such name; refused: a
/// router or the host says that it cannot be reached; unsupported: this process may not send echo
/// requests (Linux: neither net.ipv4.ping_group_range nor CAP_NET_RAW allows it).
Result<Duration> echo(const std::string& host, std::uint16_t sequence, const Clock& clock,
                      MonoTime deadline);

/// The addresses of the name servers that this machine is set to ask, in its order; empty when it
/// has none.
std::vector<std::string> name_servers();

}  // namespace kw::platform
