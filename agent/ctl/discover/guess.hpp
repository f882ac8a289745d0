#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "common/i18n.hpp"
#include "common/platform/serial_ports.hpp"
#include "drivers/ports/usb_list.hpp"

// kioskctl discover: from what is attached to what may stand in agent.toml. Pure, apart from the
// catalogue of drivers.
namespace kw::agent::ctl {

/// A way to watch one attached thing.
struct Candidate {
  std::string driver;
  std::string port;
  std::vector<std::pair<std::string, std::string>> settings;
  std::string name;    ///< what the device may be called: "touch-screen"
  std::string reason;  ///< why this is thought, in the user's language
  /// Whether it is told apart from everything else by what is known; else it is a possibility.
  bool sure = false;
  bool built_in = false;  ///< this build has such a driver on such a port
};

/// One thing that is attached, with every way to watch it, the best first.
struct Found {
  std::string what;  ///< "USB 0eef:0001", "serial port /dev/ttyS0", "network 192.0.2.10:631"
  std::string text;  ///< what it calls itself; empty: nothing
  std::string note;  ///< why there is no candidate; empty when there is one
  /// It was named by the user, and nothing is there.
  bool failed = false;
  std::vector<Candidate> candidates;
};

/// Hubs are left out; what is no kiosk device stays with a note.
std::vector<Found> guess_usb(const std::vector<drivers::UsbAttached>& attached,
                             const std::vector<platform::SerialPortFacts>& serial, Lang lang);

std::vector<Found> guess_serial(const std::vector<platform::SerialPortFacts>& serial, Lang lang);

/// A TCP or UDP port of `host` that answered.
Found guess_network(const std::string& host, unsigned port, Lang lang);

/// What a candidate is asked with: its own settings, and that its port is ours. A driver that leaves
/// the port to others would find it well without a word from it.
std::vector<std::pair<std::string, std::string>> asked_with(const Candidate& one);

/// The command that asks whether it is the candidate, as a shell takes it.
std::string probe_command(const Candidate& one);

/// Whether the build has that driver, and it goes over the port's scheme.
bool is_built_in(const std::string& driver, const std::string& port);

/// agent.toml: a table a thing of which a candidate is sure and built in, everything else as
/// comments. Names are unique.
std::string discovered_toml(const std::vector<Found>& found, Lang lang);

/// `{devices: [...], toml: "..."}`
boost::json::object discovered_json(const std::vector<Found>& found, Lang lang);

}  // namespace kw::agent::ctl
