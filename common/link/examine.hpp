#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/link/http.hpp"

/// A connection in its pieces, for whoever must say which of them fails. None of these says
/// anything that would disturb a session of the same kiosk.
namespace kw::link {

/// The server's addresses as text. Errc::missing: there is no such name; Errc::timeout.
Task<Result<std::vector<std::string>>> look_up(Endpoint server, Duration limit);

/// What came of a connection that is hung up at once.
struct Knocked {
  enum class Answer {
    open,
    closed,       ///< refused at once: nothing listens there, or a firewall says no
    silent,       ///< no answer: something drops what we send
    unreachable,  ///< our own system knows no way there
  };
  Answer answer = Answer::silent;
  std::string address;  ///< the one that answered, else the last one tried
  std::string reason;   ///< in the system's words
};

/// Tries the addresses in order until one is open; `limit` for each.
Task<Knocked> knock(std::vector<std::string> addresses, std::uint16_t port, Duration limit);

/// Why a server's certificate was not trusted.
enum class Distrust {
  none,
  authority,  ///< signed by somebody else
  name,       ///< ours, but made out to another name
  other,
};

/// What came of a handshake and one request. `error` is empty when there is a response.
struct Looked {
  PeerCertificate server;  ///< as it was shown, trusted or not; absent when none was shown
  bool tunnelled = true;   ///< false: the proxy opens no way, `error` says why
  bool secured = false;    ///< the handshake is done
  Distrust distrust = Distrust::none;
  std::optional<Error> error;
  HttpResponse response;
};

/// Shakes hands, through the proxy when it serves that server, and asks for "/". Each step may take
/// `limit`.
Task<Looked> look_at(Endpoint server, std::shared_ptr<const ClientTls> tls, Duration limit,
                     std::optional<Proxy> proxy = std::nullopt);

}  // namespace kw::link
