#pragma once

#include <optional>

#include "common/result.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// How far a look at a device came before it failed.
enum class Step {
  port,   ///< the port could not be opened
  probe,  ///< the port is open, the device was not recognised
  poll,   ///< the device was recognised before and gave no status now
};

/// What a device that does not answer is reported as: not there, another device, in use by somebody
/// else (never a fault), or silent.
wire::Status absent(Step step, const Error& why);

/// Counts misses: two may be noise, the third in a row is reported.
class Presence {
 public:
  static constexpr int misses_reported = 3;

  void answered();

  /// The status to report from the third miss in a row on; the same one as long as the device fails
  /// in the same way, whatever the error's sentence says.
  std::optional<wire::Status> missed(Step step, const Error& why);

  /// Misses in a row.
  int misses() const { return misses_; }

  /// Ask again soon: a miss is not yet believed.
  bool doubtful() const { return misses_ > 0 && misses_ < misses_reported; }

 private:
  int misses_ = 0;
  std::optional<wire::Status> reported_;
  Step step_ = Step::port;
  Errc code_ = Errc::timeout;
};

}  // namespace kw::agent
