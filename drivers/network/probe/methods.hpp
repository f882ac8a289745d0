#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/checked.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::drivers::network {

/// What is probed and what is expected of it. Which fields count depends on the method.
struct Target {
  enum class Method { icmp, tcp, dns, http, https, tls };

  Method method = Method::icmp;
  std::string host;                 ///< dns: the name server; empty: the machine's own first one
  std::uint16_t port = 0;           ///< icmp: asked by TCP where no echo request may be sent
  std::string path;                 ///< http(s): from the '/' on
  std::string name;                 ///< dns: what is looked up
  std::vector<std::string> expect;  ///< dns: addresses, sorted; empty: any answer with an address
  int status = 200;                 ///< http(s): the status that is right
  std::string content;              ///< http(s): what the answer's body must contain; may be empty
};

/// "tcp://host:443" and the like, from `method` and `target` of the settings. What is wrong says
/// what was expected.
Checked<Target> read_target(const std::string& method, const std::string& target);

/// What one probe found. The target answered; whether rightly is said by the rest.
struct Probe {
  Duration rtt{};      ///< icmp: the echo; tcp: until connected; others: until the answer was there
  bool right = true;   ///< the answer is the expected one
  std::string answer;  ///< what it was instead: "NXDOMAIN", "HTTP 503"
  std::optional<WallTime> valid_until;  ///< tls, https: the end of the server's certificate
};

/// Probes once. The error is why there was no answer; unsupported: this machine may not probe so.
/// `sequence` counts the probes of one target.
Result<Probe> probe(const Target& target, std::uint16_t sequence, const Clock& clock,
                    MonoTime deadline);

}  // namespace kw::drivers::network
