#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/link/tls.hpp"
#include "tests/fleet/kiosk.hpp"
#include "tests/fleet/ledger.hpp"
#include "tests/fleet/roster.hpp"
#include "tests/journeys/process.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::torture {

/// The harness itself cannot go on: says why and ends with 2.
[[noreturn]] void give_up(const std::string& why);

/// Memory that a process has to itself, KiB; -1 when it is gone.
long pss_kib(pid_t pid);

/// A real collector with enrolled kiosks, on free ports.
class Target {
 public:
  Target(const std::string& prefix, int kiosks);

  /// False: it did not start within 30 s.
  bool up() const { return up_; }
  const link::Endpoint& agents() const { return agents_; }
  const link::Endpoint& people() const { return people_; }
  /// What one of the kiosks shakes hands with.
  std::shared_ptr<const link::ClientTls> tls(std::size_t kiosk) const;
  /// A kiosk that keeps to the rules.
  fleet::Kiosk::Options honest(std::size_t kiosk, std::uint64_t seed) const;
  const Clock& clock() const { return clock_; }
  pid_t pid() const { return collector_.pid(); }
  int stop() { return collector_.stop(); }
  /// What the collector has said so far.
  std::string said() const;
  /// The kiosk's word against the store; what is not acknowledged counts as lost.
  fleet::Verdict verdict(const fleet::Kiosk& kiosk) const;

 private:
  tests::TempFolder folder_;
  SystemClock clock_;
  fleet::Roster roster_;
  link::Endpoint agents_;
  link::Endpoint people_;
  bool up_ = false;
  tests::Process collector_;
};

}  // namespace kw::torture
