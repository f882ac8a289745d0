// kioskctl discover: what is attached, as a file that the agent reads.
#include <algorithm>
#include <array>

#include "agent/ctl/commands.hpp"
#include "agent/ctl/discover/guess.hpp"
#include "agent/ctl/discover/messages.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/probe.hpp"
#include "common/platform/port.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

/// Whether the candidate's driver gets an answer at its port.
bool answers(const Candidate& one, Duration limit, const Clock& clock) {
  if (!one.built_in) return false;
  auto address = drivers::PortAddress::parse(one.port);
  if (!address) return false;
  Probe wanted;
  wanted.card = drivers::find(one.driver);
  std::map<std::string, std::string, std::less<>> given;
  for (const auto& [name, value] : one.settings) given[name] = value;
  std::vector<Error> wrong;
  wanted.settings = drivers::Settings::read(wanted.card->settings, given, wrong);
  wanted.address = std::move(*address);
  wanted.contact = limit;
  wanted.deadline = limit;
  const auto seen = probe(wanted, clock);
  return seen && seen->error.empty();
}

/// What answers at a network host: printers are asked in their protocol, which only reads; at the
/// other ports a connection is made and nothing is sent.
void look_at(const std::string& host, Duration limit, Lang lang, const Clock& clock,
             std::vector<Found>& out) {
  for (const unsigned asked : {631U, 161U}) {
    auto found = guess_network(host, asked, lang);
    if (answers(found.candidates.front(), limit, clock)) out.push_back(std::move(found));
  }
  for (const unsigned opened : {9100U, 502U}) {
    const auto connected =
        platform::open_tcp(host, static_cast<std::uint16_t>(opened), clock, clock.mono() + limit);
    if (connected) out.push_back(guess_network(host, opened, lang));
  }
}

/// Asks a serial port in one protocol after the other, and keeps the first that is answered.
void ask_serial(Found& found, Duration limit, Lang lang, const Clock& clock) {
  const auto answered = std::ranges::find_if(
      found.candidates, [&](const Candidate& one) { return answers(one, limit, clock); });
  if (answered == found.candidates.end()) return;
  Candidate one = std::move(*answered);
  one.sure = true;
  one.reason = fmt::format(fmt::runtime(message::why_answered.in(lang)), one.driver);
  found.candidates = {std::move(one)};
}

}  // namespace

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
  for (const auto& host : args.hosts) look_at(host, limit, lang, clock, found);
  print(options, discovered_json(found, lang), discovered_toml(found, lang));
  return well;
}

}  // namespace kw::agent::ctl
