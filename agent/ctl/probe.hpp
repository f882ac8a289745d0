#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "common/checked.hpp"
#include "common/clock.hpp"
#include "common/wire/status.hpp"
#include "drivers/driver.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent::ctl {

/// One question to one device, without the agent.
struct Probe {
  const drivers::Card* card;
  drivers::PortAddress address;
  drivers::Settings settings;
  /// Until the port is open, and from then until the device has been recognised: a silent one is
  /// left after that. Its own longer `timeout_ms` counts, where it is set.
  Duration contact = std::chrono::seconds{1};
  Duration deadline = std::chrono::seconds{2};  ///< of the poll that follows
};

/// What came of it.
struct Probed {
  wire::Status status;
  std::string error;  ///< why there was no answer, empty when there was one
  Duration took{};
};

/// Opens the port, recognises the device and polls it once. A device that does not answer has a
/// status too. Wrong: the driver cannot be made with these settings.
Checked<Probed> probe(const Probe& what, const Clock& clock);

/// Whether the device itself spoke, in its driver's protocol. A port that opened says nothing.
bool answered(const Probed& seen);

/// The one object that `kioskctl probe --json` prints.
boost::json::object to_json(const Probe& what, const Probed& seen);

}  // namespace kw::agent::ctl
