#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/poll/reported.hpp"
#include "common/clock.hpp"

namespace kw::agent {

/// What applications reported last of each device. It outlives the poller and, by what `on_change`
/// is given, the agent: an agent that has forgotten it would tell that a device is well again. Any
/// thread.
class Results {
 public:
  /// `kept`: what an earlier run was given by `on_change`, by device; what cannot be read begins
  /// anew. `boot_id`: of this boot; results of another one are as old as the wall clock says.
  Results(const Clock& clock, const std::string& boot_id,
          const std::map<std::string, std::string>& kept);

  /// Called after every result, under a lock: must not wait or call this.
  void on_change(std::function<void(const std::string& device, std::string kept)> told);

  /// Forgets the devices that are not among these.
  void retain(const std::vector<std::string>& devices);

  /// What is known of a device that is judged by these limits from now on.
  Reported begin(const std::string& device, const ResultLimits& limits);

  /// `device`: one that has begun; of another nobody has said how its results count.
  void add(const std::string& device, DeviceResult result);

 private:
  std::string text_of(const Reported::Kept& kept) const;
  std::optional<Reported::Kept> kept_in(const std::string& text) const;

  const Clock& clock_;
  std::string boot_;
  std::mutex mutex_;
  std::map<std::string, Reported::Kept> unjudged_;  ///< from an earlier run, until they begin
  std::map<std::string, Reported> devices_;         ///< those that have begun
  std::function<void(const std::string&, std::string)> told_;
};

}  // namespace kw::agent
