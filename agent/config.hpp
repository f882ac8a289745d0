#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/consumables/rules.hpp"
#include "agent/debounce/flapping.hpp"
#include "agent/local_api/settings.hpp"
#include "agent/result_limits.hpp"
#include "common/clock.hpp"
#include "common/config.hpp"
#include "common/i18n.hpp"
#include "common/link/proxy.hpp"
#include "drivers/driver.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent {

/// One `[[device]]` of agent.toml.
struct DeviceConfig {
  std::string name;                     ///< device id on the wire
  std::string driver;                   ///< as written
  const drivers::Card* card = nullptr;  ///< null when there is no such driver
  std::string port;                     ///< as written; devices with the same text share a worker
  drivers::PortAddress address;
  drivers::Settings settings;
  Duration poll = std::chrono::seconds{5};
  Duration settle{0};           ///< chatter shorter than this is not reported
  bool hold_port = false;       ///< keep the port open between polls
  bool poll_in_session = true;  ///< false: left alone while a citizen is being served
  bool enabled = true;
  ResultLimits results;  ///< how applications' results count
  std::vector<SupplyRules> consumables;
  std::optional<config::Problem> mistake;  ///< the first one: the device is reported, not polled
};

/// agent.toml, complete whatever it says: a mistake degrades what it touches and nothing else.
struct AgentConfig {
  Lang language = Lang::zh_cn;
  Duration heartbeat = std::chrono::seconds{30};
  Duration reply_limit = std::chrono::seconds{30};  ///< a wanted reply later than this: gone
  Duration sample = std::chrono::seconds{30};
  Duration poll_deadline = std::chrono::seconds{2};
  Flapping::Limits flapping;
  Duration reconnect_first = std::chrono::seconds{1};
  Duration reconnect_cap = std::chrono::minutes{5};
  Duration reconnect_spread = std::chrono::minutes{1};
  std::int64_t outbox_bytes = 256LL * 1024 * 1024;
  /// Collectors in order of preference; the one from enrolment comes last unless it is among them.
  std::vector<link::Endpoint> collectors;
  std::optional<link::Proxy> proxy;  ///< between this kiosk and its collectors
  bool accept_configuration = true;  ///< counts in the kiosk's own file only
  Duration trial =
      std::chrono::minutes{2};        ///< a pushed one must have reached the collector by then
  std::vector<DeviceConfig> devices;  ///< those with a usable name, in the file's order
  AssistantSettings assistant;        ///< `[assistant]`
  std::vector<config::Problem> problems;
  bool readable = true;  ///< false: no file, or not TOML; then there are no devices
};

/// Never fails: see `problems` and each device's `mistake`.
AgentConfig load_config(const std::filesystem::path& file);
AgentConfig parse_config(std::string_view text, const std::string& file);

}  // namespace kw::agent
