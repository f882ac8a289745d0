#pragma once

#include <deque>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/ctl/table.hpp"

namespace kw::agent::ctl {

/// What the live screen shows. Fed with the lines of the verb `follow`; drawn as plain text lines,
/// so that it can be looked at without a terminal.
class WatchScreen {
 public:
  /// One line of the stream.
  void take(const boost::json::object& line);
  /// The agent does not answer (any more): said in the header until it does.
  void lost(std::string why) { lost_ = std::move(why); }

  /// Exactly `rows` lines at most, none wider than the view: header, devices, last events. What
  /// does not fit is left out from the least important: events first, then devices that are well.
  std::vector<std::string> draw(const View& view, std::size_t rows) const;

  /// What is worth a line of its own where there is no screen to redraw.
  std::string plain(const boost::json::object& line, const View& view) const;

 private:
  std::vector<std::string> header(const View& view) const;
  std::vector<std::string> devices(const View& view, std::size_t rows) const;

  boost::json::object status_;
  boost::json::array devices_;
  std::deque<boost::json::object> events_;  ///< newest first
  std::string lost_;
};

}  // namespace kw::agent::ctl
