#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/journeys/process.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::tests {

/// One collector's data folder with its process, on ports that stay the same over restarts.
class CollectorRig {
 public:
  explicit CollectorRig(const std::filesystem::path& folder);

  /// `more`: further arguments of `run`.
  void start(const std::vector<std::string>& more = {});
  void kill() { process_.kill(); }
  int stop() { return process_.stop(); }
  void signal(int number) const { process_.signal(number); }
  int wait() { return process_.wait(); }
  const Process& process() const { return process_; }
  /// kiosk-collector with these arguments on this data folder.
  Output command(std::vector<std::string> arguments) const;

  std::string token(const std::string& terminal) const;
  const std::string& agents() const { return agents_; }
  const std::string& people() const { return people_; }
  const std::filesystem::path& data() const { return data_; }
  std::filesystem::path database() const { return data_ / "collector.db"; }
  std::filesystem::path log() const { return log_; }
  std::size_t stored_events() const;

 private:
  std::filesystem::path data_;
  std::filesystem::path log_;
  std::string agents_ = "127.0.0.1:0";
  std::string people_ = "127.0.0.1:0";
  Process process_;
};

/// Printers behind real TCP ports that keep opening and closing their covers.
class PrintersRig {
 public:
  PrintersRig(const std::filesystem::path& folder, int printers, int change_ms, int seconds);
  void kill() { process_.kill(); }
  /// The `[[device]]` tables for agent.toml.
  const std::string& configuration() const { return configuration_; }

 private:
  Process process_;
  std::string configuration_;
};

class AgentRig {
 public:
  AgentRig(const std::filesystem::path& folder, const std::string& devices);

  /// Puts other text into agent.toml.
  void configure(const std::string& text) const;
  /// Enrols with a collector.
  void enroll(const CollectorRig& collector, const std::string& terminal);
  /// `environment`: "NAME=value" each, what a service manager sets.
  void start(const std::vector<std::string>& environment = {});
  void kill() { process_.kill(); }
  int stop() { return process_.stop(); }
  const Process& process() const { return process_; }

  void signal(int number) const { process_.signal(number); }
  /// `kiosk-agent enroll` with these arguments for this data folder.
  Output enroll_with(std::vector<std::string> arguments) const;
  /// A text out of `kioskctl status --json` by JSON pointer; empty when there is none.
  std::string status(const std::string& pointer) const;

  /// What `kioskctl outbox` tells of events waiting; -1 when the agent does not answer.
  long unacknowledged() const;
  std::filesystem::path data() const { return data_; }
  std::filesystem::path log() const { return log_; }

 private:
  std::filesystem::path data_;
  std::filesystem::path config_;
  std::filesystem::path log_;
  Process process_;
};

/// An event's or a gap's place and content, the same whichever batch it travelled in.
using Ledger = std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, std::string>>;

/// Everything that the outbox still keeps, by epoch in their order. The agent must have stopped.
Ledger kept_in_outbox(const std::filesystem::path& data);
/// Everything in the collector's blocks of the one terminal, in the order of epochs given.
Ledger stored_in_blocks(const std::filesystem::path& database);

/// Each event of the outbox is in the blocks once, in the same order within its epoch, with the
/// same content; every difference is described.
std::vector<std::string> differences(const Ledger& kept, const Ledger& stored);

}  // namespace kw::tests
