#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/ctl/command.hpp"
#include "agent/ctl/link_check.hpp"

namespace kw::agent::ctl {

/// All steps to all of a kiosk's collectors.
struct LinkReport {
  struct Way {
    link::Endpoint server;
    std::vector<Check> steps;
  };
  Check identity;
  std::vector<Way> ways;
  Check acknowledged;

  /// Whether one of the ways has no failing step.
  bool passable() const;
  /// Null when all is well.
  const Check* first_failed() const;
};

/// Reads the identity in the data folder and walks every way. Blocks; each step at most `limit`.
LinkReport examine_link(const Options& options, Duration limit, const Clock& clock);

boost::json::object to_json(const LinkReport& report);
std::string link_text(const LinkReport& report, const View& view);

}  // namespace kw::agent::ctl
