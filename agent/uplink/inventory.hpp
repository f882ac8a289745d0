#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/wire/status.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

struct ConfiguredDevice {
  std::string name;
  std::string driver;
  std::string kind;
  std::string port;
  bool enabled = true;
};

/// What does not change while a session lasts.
struct SessionFacts {
  std::string boot_id;
  std::string agent_version;
  std::string hostname;
  std::string os;
  std::vector<ConfiguredDevice> devices;
  std::string configuration_hash;    ///< SHA-256 of the pushed one in force; empty: the kiosk's own
  bool configuration_local = false;  ///< pushed ones are forbidden here
  bool configuration_known = true;   ///< false: the file cannot be read, `devices` says nothing
};

/// The kiosk's parts with what they said of themselves, and the hash that Hello names it by.
pb::Inventory make_inventory(const SessionFacts& facts,
                             const std::map<std::string, wire::Identity>& identities);

}  // namespace kw::agent
