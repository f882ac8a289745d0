#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/agent/outbox_fixture.hpp"
#include "tests/torture/disk.hpp"
#include "tests/torture/ledger.hpp"

namespace kw::torture {

/// An agent's outbox at work, with everything that it promises written down.
class OutboxRun {
 public:
  OutboxRun(Disk& disk, agent::Outbox::Options options, Ledger& ledger);

  void start(std::uint64_t epoch);
  /// The announced end, without the file's.
  void end();
  void stop();
  agent::Outbox& outbox() { return *outbox_; }

  /// Runs `work` as one step. `whole`: all that it writes goes with one commit.
  void step(const std::function<void(agent::Outbox&)>& work, bool whole = true);
  void note(const std::string& code, std::size_t bulk = 0);
  void state(const std::string& device, std::vector<std::string> codes);
  void samples(int count, std::size_t bulk);
  void begin_command(const std::string& id);
  void finish_command(const std::string& id);
  void tell(const std::string& name, int events);
  void supply(const std::string& device, const std::string& body);
  void acknowledge(std::uint64_t epoch, std::uint64_t upto);
  void prune();
  agent::Seen now();

 private:
  Span spanned(const std::function<void()>& work);

  Disk& disk_;
  agent::Outbox::Options options_;
  Ledger& ledger_;
  ManualClock clock_;
  std::unique_ptr<agent::Outbox> outbox_;
  std::vector<std::string> told_;  ///< names that are still remembered
};

/// What an outbox holds, for a ledger.
Ledger::Rows rows_of(agent::Outbox& outbox);

/// The usual day of an agent: a first start, all kinds of writes, acknowledgements, an announced
/// end, a second start.
void usual_day(OutboxRun& run);
/// A folder that has become too narrow for what happens: thinning, dropping, gaps.
void narrow_day(OutboxRun& run);

/// Starts the agent's outbox on what a cut left in `folder` and looks for everything that was
/// promised before `point`. What is wrong, or nothing. `may_complain`: the start may tell of
/// damage, as long as nothing is missing.
std::optional<std::string> judge_outbox(const agent::Outbox::Options& options, const Ledger& ledger,
                                        std::size_t point, bool may_complain = false);

}  // namespace kw::torture
