#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// A configuration that is tried: it must reach the collector, else the one before comes back.
struct Trial {
  std::string hash;  ///< SHA-256 of the text that is tried; of nothing: the kiosk's own file
  int starts = 0;    ///< of the agent since it is tried
};

/// What the collector was, or is to be, told of a configuration.
struct Judgement {
  std::string hash;
  pb::ConfigurationReport::State state = pb::ConfigurationReport::APPLIED;
  std::string detail;
  std::string version;  ///< of the agent that found so
  std::int64_t wall_us = 0;
};

struct History {
  std::vector<Judgement> rejected;  ///< refused or rolled back, the last ones; not tried again
  std::optional<Judgement> last;
  bool owed = false;  ///< `last` is not in the outbox yet
};

/// The folder DATA/configuration. Every file is replaced at once and durably, and readable by the
/// owner alone: a configuration holds secrets. An empty text stands for the kiosk's own file. Each
/// file carries a check; one that fails is told, and what is safe takes its place.
class ConfigurationFiles {
 public:
  explicit ConfigurationFiles(const std::filesystem::path& data)
      : folder_(data / "configuration") {}

  /// What is in force; when it is damaged, the one before.
  std::string pushed() const;
  /// The last one that was proved; nothing when it is damaged.
  std::string previous() const;
  std::optional<Trial> trial() const;
  History history() const;

  /// Puts `text` in force on trial; `previous`, the last one that is proved, is kept beside it. At
  /// whatever point the power goes, the folder says what to do at the next start, and nothing that
  /// is not proved is in force without a trial.
  Result<void> try_on(const std::string& text, const std::string& previous) const;
  /// Counts a start of the agent on trial.
  Result<void> write_trial(const Trial& trial) const;
  /// `text` is in force without a trial: the one that was tried has proved itself, or the one
  /// before is back.
  Result<void> settle(const std::string& text) const;
  Result<void> write_history(const History& history) const;

 private:
  std::string read(const char* name) const;
  Result<void> write(const char* name, std::string_view bytes) const;

  std::filesystem::path folder_;
};

}  // namespace kw::agent
