#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "agent/consumables/supplies.hpp"
#include "agent/control/answers.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/uplink/uplink.hpp"
#include "common/platform/control_server.hpp"
#include "common/task.hpp"
#include "drivers/driver.hpp"

namespace kw::agent {

/// Everything that kioskctl may ask the agent, verb by verb. What is referred to outlives it. io
/// thread only.
class Verbs {
 public:
  /// `lang`: of whoever asks; nothing: the configured one.
  using SelfTest = std::function<Task<Result<drivers::SelfTest>>(
      std::string device, std::string what, Duration limit, std::optional<Lang> lang)>;

  using Refill = std::function<Result<Supplies::Event>(
      const std::string& device, const std::string& type, std::optional<double> amount,
      std::optional<double> capacity, std::optional<Lang> lang)>;

  /// `configuration`: the text of agent.toml in force.
  Verbs(Answers& answers, Journal& journal, Uplink& uplink, const Clock& clock, SelfTest self_test,
        std::function<std::string()> configuration, Refill refill);

  /// The fields of a good answer; Errc::unsupported for a verb that there is not, Errc::invalid for
  /// arguments that cannot be meant.
  Task<Result<boost::json::object>> answer(std::string verb, boost::json::object args);

  /// The support bundle.
  Task<std::string> bundle();
  /// The verb `bundle`: the support bundle's text in pieces, `{chunk}` each.
  Task<Result<void>> bundle(platform::ControlServer::Lines& to);

  /// As a hint in refusals.
  static constexpr const char* list =
      "status, devices, outbox, events, prove, self-test, refill, follow, bundle";

 private:
  Task<Result<boost::json::object>> events(boost::json::object args);
  Task<Result<boost::json::object>> test(boost::json::object args);
  Result<boost::json::object> refill(const boost::json::object& args);
  boost::json::object process() const;

  Answers& answers_;
  Journal& journal_;
  Uplink& uplink_;
  const Clock& clock_;
  SelfTest self_test_;
  std::function<std::string()> configuration_;
  Refill refill_;
  MonoTime started_;
};

}  // namespace kw::agent
