#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "common/i18n.hpp"

namespace kw::collector {

/// The subcommands `maintenance`, `command` and `config`: each asks the collector that runs on the
/// data folder.
class RemoteCli {
 public:
  /// Adds them to `app`. `data` outlives this: the option that all subcommands share.
  RemoteCli(CLI::App& app, std::string& data, Lang lang);

  /// After the command line was read: the exit code, or nothing when it named none of ours.
  std::optional<int> run() const;

 private:
  int run_maintenance(bool on) const;
  int run_command() const;
  int run_config(const std::string& verb) const;

  const std::string& data_;
  Lang lang_;
  CLI::App* on_ = nullptr;
  CLI::App* off_ = nullptr;
  CLI::App* command_ = nullptr;
  CLI::App* push_ = nullptr;
  CLI::App* show_ = nullptr;
  CLI::App* clear_ = nullptr;
  std::string terminal_;
  std::string reason_;
  std::string until_;
  std::string verb_;
  std::string device_;
  std::string test_;
  std::string file_;
  long expires_in_s_ = 600;
  bool wait_ = false;
};

}  // namespace kw::collector
