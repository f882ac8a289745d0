// kioskctl probe: one device, once, without the agent.
#include "agent/ctl/commands.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/print.hpp"
#include "agent/ctl/probe.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/mistakes.hpp"

namespace kw::agent::ctl {

int run_probe(const Options& options, const ProbeArgs& args) {
  const auto wrong_use = [&](const Text& text, const auto&... what) {
    return complain(options, usage, say(options, text, what...));
  };
  Probe wanted;
  wanted.card = drivers::find(args.driver);
  if (wanted.card == nullptr) {
    std::string known;
    for (const auto& card : drivers::catalogue()) {
      known.append(known.empty() ? "" : ", ").append(card.name);
    }
    return wrong_use(message::no_driver, args.driver, known);
  }
  std::map<std::string, std::string, std::less<>> given;
  for (const auto& assignment : args.set) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      return wrong_use(message::bad_set, assignment);
    }
    given[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  const auto wrong = drivers::mistakes_in(wanted.card->settings, given);
  if (!wrong.empty()) return wrong_use(message::bad_setting, wrong.front().in(options.view.lang));
  std::vector<Error> none;
  wanted.settings = drivers::Settings::read(wanted.card->settings, given, none);
  auto address = drivers::PortAddress::parse(args.port);
  if (!address) return wrong_use(message::bad_port, address.wrong().in(options.view.lang));
  if (!drivers::fits(*wanted.card, address->scheme)) {
    return wrong_use(message::unfit_port, drivers::ports_of(*wanted.card).in(options.view.lang));
  }
  wanted.address = std::move(*address);
  if (args.deadline_ms) {
    wanted.deadline = std::chrono::milliseconds{*args.deadline_ms};
    wanted.contact = wanted.deadline;
  }
  const SystemClock clock;
  const auto seen = probe(wanted, clock);
  if (!seen) return wrong_use(message::bad_setting, seen.wrong().in(options.view.lang));
  const auto object = to_json(wanted, *seen);
  print(options, object, probe_text(object, options.view));
  switch (wire::health_of(seen->status)) {
    case wire::Health::fault:
      return fault;
    case wire::Health::unknown:
      return could_not_ask;
    default:
      return well;
  }
}

}  // namespace kw::agent::ctl
