#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/link/tls.hpp"
#include "common/result.hpp"

namespace kw::collector {

// The subcommands of kiosk-collector; main only reads the command line.

struct RunOptions {
  std::filesystem::path data;
  link::Endpoint agents;
  link::Endpoint people;
};

/// Makes everything that `run` needs. Errc::refused when there is something already.
Result<void> init(const std::filesystem::path& data, const std::vector<std::string>& names,
                  const Clock& clock);

/// Through the control socket of a running collector, else directly. Returns the token's text.
Result<std::string> token_new(const std::filesystem::path& data, const std::string& terminal,
                              const Clock& clock);

/// Serves until SIGINT or SIGTERM. `ready` is called once both ports listen.
Result<void> run(const RunOptions& options, const Clock& clock,
                 const std::function<void(link::Endpoint agents, link::Endpoint people)>& ready);

/// Prints every stored event of a terminal, one JSON object a line.
Result<void> print_events(const std::filesystem::path& data, const std::string& terminal,
                          const Clock& clock);

}  // namespace kw::collector
