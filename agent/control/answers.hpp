#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/config.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/board.hpp"
#include "agent/uplink/uplink.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// What the agent says of itself to kioskctl: the verbs status, devices, outbox. io thread only.
class Answers {
 public:
  /// `configuration`: where the configuration in force comes from, as `status` shows it.
  Answers(std::shared_ptr<const AgentConfig> config, Journal& journal, const Board& board,
          const Uplink& uplink, const Clock& clock, WallTime started,
          std::function<boost::json::object()> configuration);

  /// Another configuration is in force.
  void use(std::shared_ptr<const AgentConfig> config) { config_ = std::move(config); }

  /// Where `status` has the data assistant's part from.
  void assistant(std::function<boost::json::object()> status) { assistant_ = std::move(status); }

  Task<Result<boost::json::object>> answer(std::string verb, boost::json::object args);

 private:
  boost::json::object uplink() const;
  boost::json::value certificate() const;
  boost::json::array problems() const;
  boost::json::object device(const DeviceConfig& configured, const OutboxView& view,
                             const std::map<std::string, Look>& looks) const;
  boost::json::array devices(const OutboxView& view) const;
  static boost::json::object outbox(const OutboxStats& stats, const OutboxView& view);

  std::shared_ptr<const AgentConfig> config_;
  Journal& journal_;
  const Board& board_;
  const Uplink& uplink_;
  const Clock& clock_;
  WallTime started_;
  std::function<boost::json::object()> configuration_;
  std::function<boost::json::object()> assistant_;
};

}  // namespace kw::agent
