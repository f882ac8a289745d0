// kioskctl discover: what is attached, as a file that the agent reads.
#include "agent/ctl/commands.hpp"
#include "agent/ctl/discover/ask.hpp"
#include "agent/ctl/messages.hpp"

namespace kw::agent::ctl {

int run_discover(const Options& options, const DiscoverArgs& args) {
  const auto lang = options.view.lang;
  const SystemClock clock;
  const Duration limit = std::chrono::milliseconds{args.limit_ms};
  const auto attached = drivers::list_usb();
  if (!attached) {
    return complain(options, could_not_ask, say(options, message::no_usb, attached.error().text()));
  }
  const auto serial = platform::serial_ports();
  auto found = guess_usb(*attached, serial, lang);
  auto ports = guess_serial(serial, lang);
  for (auto& port : ports) {
    if (args.probe) ask_serial(port, limit, lang, clock);
    found.push_back(std::move(port));
  }
  bool failed = false;
  for (const auto& host : args.hosts) {
    for (auto& one : look_at(host, limit, lang, clock)) {
      // The file may go elsewhere; who runs this is told.
      if (one.failed && !options.json) {
        fmt::print(stderr, "kioskctl: {}: {}\n", one.what, one.note);
      }
      failed = failed || one.failed;
      found.push_back(std::move(one));
    }
  }
  print(options, discovered_json(found, lang), discovered_toml(found, lang));
  return failed ? fault : well;
}

}  // namespace kw::agent::ctl
