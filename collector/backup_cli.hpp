#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "common/clock.hpp"
#include "common/i18n.hpp"

namespace kw::collector {

/// The subcommands `backup` and `restore`.
class BackupCli {
 public:
  /// Adds them to `app`. `data` outlives this: the option that all subcommands share.
  BackupCli(CLI::App& app, std::string& data, Lang lang);

  /// After the command line was read: the exit code, or nothing when it named none of ours. `who`
  /// goes to the records.
  std::optional<int> run(const std::string& who, const Clock& clock) const;

 private:
  int backup(const std::string& who, const Clock& clock) const;
  int verify(const std::string& who, const Clock& clock) const;
  int restore(const std::string& who, const Clock& clock) const;

  const std::string& data_;
  Lang lang_;
  CLI::App* backup_ = nullptr;
  CLI::App* restore_ = nullptr;
  std::string to_;
  std::string file_;
  std::size_t keep_ = 0;
  bool verify_ = false;
  bool json_ = false;
};

}  // namespace kw::collector
