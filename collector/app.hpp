#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "collector/gateway/doorkeeper.hpp"
#include "collector/store/identity_book.hpp"
#include "common/clock.hpp"
#include "common/link/tls.hpp"
#include "common/result.hpp"

namespace kw::collector {

// The subcommands of kiosk-collector; main only reads the command line.

struct RunOptions {
  std::filesystem::path data;
  link::Endpoint agents;
  link::Endpoint people;
  Doorkeeper::Limits door;
  std::size_t handshakes = 256;  ///< TLS handshakes at a time; others wait in the system's queue
  Duration stop_within = std::chrono::seconds{10};  ///< for agents to leave when stopping
};

/// Makes everything that `run` needs. Errc::refused when there is something already.
Result<void> init(const std::filesystem::path& data, const std::vector<std::string>& names,
                  const Clock& clock);

/// What people ask of identities (accounts/identity_verbs.hpp): through the control socket of a
/// running collector, else directly on the store. Returns the answer.
Result<boost::json::object> ask_identities(const std::filesystem::path& data,
                                           const std::string& verb, const boost::json::object& args,
                                           const Clock& clock);

/// Kiosks that knocked without a token, newest knock first; read beside a running collector.
Result<std::vector<ProvisioningRow>> provisioning_list(const std::filesystem::path& data,
                                                       const Clock& clock);

/// Lower-case hex SHA-256 of the root certificate, for `kiosk-agent enroll --ca-sha256`.
Result<std::string> ca_fingerprint(const std::filesystem::path& data, const Clock& clock);

/// Drains the running collector: its agents leave once everything is acknowledged and come back
/// after `retry_after`; it lets nobody in until it is started again. Waits for it. With `stop` it
/// then ends. Errc::missing: none runs. Returns how many sessions there were.
Result<std::int64_t> drain(const std::filesystem::path& data, Duration retry_after, bool stop);

/// Serves until SIGINT or SIGTERM. `ready` is called once both ports listen.
Result<void> run(const RunOptions& options, const Clock& clock,
                 const std::function<void(link::Endpoint agents, link::Endpoint people)>& ready);

/// Prints every stored event of a terminal, one JSON object a line.
Result<void> print_events(const std::filesystem::path& data, const std::string& terminal,
                          const Clock& clock);

}  // namespace kw::collector
