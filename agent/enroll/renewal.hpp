#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/enroll/identity_files.hpp"
#include "common/clock.hpp"
#include "common/link/link.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// When the certificate of this kiosk is renewed. Pure.
///
/// Due at two thirds of its life, and up to a tenth of its life later, so that kiosks enrolled on
/// one day do not renew in one moment. What fails is tried again, more and more rarely, also after
/// its end: the collector renews an expired certificate too.
class RenewalPlan {
 public:
  /// `drawn`: 0 to 1.
  RenewalPlan(WallTime not_before, WallTime not_after, double drawn);

  WallTime due() const { return due_; }
  WallTime not_after() const { return not_after_; }
  bool is_due(WallTime now) const { return now >= due_; }
  /// The pause after a failure, `drawn` 0 to 1: from a minute, doubled each time, up to six hours;
  /// once the end is near, no more than an hour.
  Duration after_failure(WallTime now, double drawn);

 private:
  WallTime not_after_;
  WallTime due_;
  int failures_ = 0;
};

/// How the collector is reached for it.
struct RenewalVia {
  link::Endpoint server;
  std::optional<link::Proxy> proxy;
  bool ignore_dates = false;  ///< before first contact only
};

/// Asks for a new certificate for a new key by the present one, and saves both in place of it; the
/// old ones stay beside it as identity.old. Nothing is changed unless all of it succeeds, nor when
/// somebody enrolled this kiosk anew meanwhile (Errc::busy). `said` gets the collector's refusal.
Task<Result<IdentityFiles>> renew(std::filesystem::path data, IdentityFiles present, RenewalVia via,
                                  std::optional<link::Refusal>& said);

}  // namespace kw::agent
