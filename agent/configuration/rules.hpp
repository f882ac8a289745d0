#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.hpp"
#include "agent/configuration/files.hpp"
#include "common/i18n.hpp"

// What is decided about configurations, apart from files, clocks and coroutines.
namespace kw::agent {

/// A configuration as it runs.
struct InForce {
  std::string text;  ///< of agent.toml, secrets included
  std::string hash;  ///< SHA-256 of a pushed one; empty: the kiosk's own file
  std::shared_ptr<const AgentConfig> config;
  bool pushed() const { return !hash.empty(); }
};

enum class AtStart {
  keep,       ///< what is in pushed.toml is in force (nothing: the kiosk's own file)
  try_on,     ///< the same, still on trial
  roll_back,  ///< it had its chance: the one before comes back
};
/// `pushed_hash`: SHA-256 of pushed.toml's text; `rejected`: that one was rolled back before.
AtStart at_start(const std::string& pushed_hash, const std::optional<Trial>& trial, bool rejected);

/// Of a configuration that was refused or rolled back in the same text; what another version of the
/// agent refused may be good for this one. Null: not known.
const Judgement* rejection(const History& history, const std::string& hash,
                           const std::string& version);

/// It may be tried again: it is no longer among the rejected ones.
void forget(History& history, const std::string& hash);

/// Adds what was decided; the list of rejected ones stays bounded.
void remember(History& history, Judgement judgement);

/// Reads what the collector sent. Errc::invalid with every mistake as "agent.toml:12: key: …" in
/// `lang`, or what else is wrong with it; nothing is applied in part.
Result<InForce> read_pushed(const std::string& hash, const std::string& body, Lang lang);

/// The kiosk's own file, whatever it says.
InForce read_own(const std::filesystem::path& file);

/// What an agent on these begins with, trials apart: for programs that look from outside.
InForce read_in_force(const std::filesystem::path& data, const std::filesystem::path& own_file);

/// Whether the kiosk's own file lets pushed ones in. When what it says cannot be read, it does not;
/// when there is none, it does.
bool accepts_pushed(const AgentConfig& own, bool exists);

}  // namespace kw::agent
