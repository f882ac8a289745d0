#pragma once

#include <string>

#include "common/checked.hpp"
#include "common/link/tls.hpp"

namespace kw::link {

/// An HTTP proxy that opens tunnels (CONNECT, RFC 9110 section 9.3.6), with Basic credentials
/// (RFC 7617) when a user is given. TLS to the collector runs inside: the proxy sees its name only.
struct Proxy {
  Endpoint at;
  std::string user;  ///< empty: no credentials
  std::string password;

  bool operator==(const Proxy& other) const;

  /// "http://proxy:3128", "http://user:password@proxy:3128"; what is not plain in a name or
  /// password is percent-encoded. What is wrong is told without the password.
  static Checked<Proxy> parse(const std::string& text);
  /// "http://proxy:3128": without credentials.
  std::string text() const;
  /// Whether connections to `server` take this proxy. A proxy on another machine cannot reach this
  /// one's own loopback address.
  bool serves(const Endpoint& server) const;
};

}  // namespace kw::link
