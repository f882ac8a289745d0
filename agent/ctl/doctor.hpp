#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/config.hpp"
#include "agent/ctl/check.hpp"
#include "agent/ctl/command.hpp"
#include "agent/enroll/identity_files.hpp"
#include "common/platform/host_checks.hpp"

namespace kw::agent::ctl {

/// Everything that doctor looked at, before anybody judges it.
struct DoctorFacts {
  struct Port {
    const DeviceConfig* device = nullptr;
    platform::PortFacts local;           ///< of a device file
    std::optional<Result<void>> opened;  ///< tried only while no agent runs
  };

  std::filesystem::path data;
  std::filesystem::path config_file;
  std::string pushed_hash;  ///< of the configuration in force; empty: it is config_file
  AgentConfig config;
  Result<boost::json::object> status{Error{Errc::missing, {}}};   ///< the agent's own
  Result<boost::json::object> devices{Error{Errc::missing, {}}};  ///< the agent's own
  Result<IdentityFiles> identity{Error{Errc::missing, {}}};
  Result<std::int64_t> free_bytes{0};  ///< of the data folder's file system
  std::optional<platform::Rights> folder;
  std::optional<platform::Rights> key;
  std::optional<bool> synchronised;
  WallTime now{};
  std::vector<Port> ports;
};

/// Looks. Opens ports only when no agent runs, since a device may not bear a second visitor.
DoctorFacts examine_host(const Options& options, const Clock& clock);

/// Agent, its use of memory and CPU, configuration, identity, disk, clock, rights, ports. Pure.
std::vector<Check> judge_host(const DoctorFacts& facts, Lang lang);

boost::json::object doctor_json(const std::vector<Check>& checks);
std::string doctor_text(const std::vector<Check>& checks, const View& view);

}  // namespace kw::agent::ctl
