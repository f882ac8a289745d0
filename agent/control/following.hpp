#pragma once

#include <boost/json/object.hpp>

#include "agent/control/verbs.hpp"
#include "common/platform/control_server.hpp"

namespace kw::agent {

/// The verb `follow`: what happens from now on, a line each, until the client goes:
/// `{event}`, `{missed: true}` (more came at once than are shown), `{acknowledged:
/// {epoch, upto}}`, and with `args.watch` also `{status}` and `{devices}` when they change, at
/// least every 5 s. `args.count`: begin with so many old events; `args.device`: events of one
/// device alone. What is referred to outlives it.
class Following {
 public:
  Following(Verbs& verbs, Journal& journal, Uplink& uplink, const Clock& clock)
      : verbs_(verbs), journal_(journal), uplink_(uplink), clock_(clock) {}

  Task<Result<void>> run(boost::json::object args, platform::ControlServer::Lines& to);

 private:
  struct Seen;
  Task<bool> tell_events(Seen& seen, platform::ControlServer::Lines& to);
  Task<bool> tell_state(Seen& seen, platform::ControlServer::Lines& to);

  Verbs& verbs_;
  Journal& journal_;
  Uplink& uplink_;
  const Clock& clock_;
};

}  // namespace kw::agent
