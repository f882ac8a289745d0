#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/ctl/check.hpp"
#include "agent/enroll/identity_files.hpp"
#include "common/clock.hpp"
#include "common/i18n.hpp"
#include "common/link/proxy.hpp"
#include "common/task.hpp"

/// The way from this kiosk to a collector, step by step, so that the first thing wrong can be named
/// and somebody told what to do about it.
namespace kw::agent::ctl {

struct LinkCheck {
  IdentityFiles identity;
  link::Endpoint server;
  std::optional<link::Proxy> proxy;
  Duration limit = std::chrono::seconds{5};  ///< of each step
  Lang lang = Lang::en;
};

/// Whether what enrolment left can be used. `identity` is what `load_identity` gave.
Check identity_step(const Result<IdentityFiles>& identity, Lang lang);

/// What the collector's word for refusing this kiosk's certificate means, and what to do.
const Finding& refusal_finding(const std::string& refusal);

/// dns, tcp, tls, certificate, websocket, in this order; the steps after the first that
/// fails are skipped. With a proxy, dns and tcp are the proxy's. Says no Hello, so the agent's own
/// session is not disturbed. `clock` is the kiosk's: certificates are judged by it and by the
/// collector's time, which tells a wrong clock from an old certificate.
Task<std::vector<Check>> check_link(LinkCheck what, const Clock& clock);

/// Whether the collector stores: what the running agent answered to the verb `prove`.
Check acknowledged_step(const Result<boost::json::object>& proof, Duration took, Lang lang);
/// The same when it was not asked because nothing before it works.
Check acknowledged_skipped(Lang lang);

}  // namespace kw::agent::ctl
