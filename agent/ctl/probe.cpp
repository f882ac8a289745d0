#include "agent/ctl/probe.hpp"

#include <algorithm>

#include "agent/debounce/presence.hpp"
#include "common/wire/status_json.hpp"
#include "drivers/unanswered.hpp"

namespace kw::agent::ctl {

namespace {

Duration contact_of(const Probe& what) {
  const bool own = std::ranges::find(what.card->settings, "timeout_ms", &drivers::Setting::name) !=
                   what.card->settings.end();
  if (!own) return what.contact;
  const std::chrono::milliseconds one_reply{what.settings.integer("timeout_ms")};
  return std::min(std::max<Duration>(what.contact, one_reply), what.deadline);
}

}  // namespace

Checked<Probed> probe(const Probe& what, const Clock& clock) {
  auto driver = what.card->make(what.settings);
  if (!driver) return driver.wrong();
  const auto started = clock.mono();
  const auto contact = contact_of(what);
  Probed out;
  const auto missed = [&](Step step, const Error& why) {
    out.status = absent(step, why);
    out.error = why.text();
    out.took = clock.mono() - started;
    return out;
  };
  auto address = what.address;
  address.only_look = !(*driver)->polls_port();
  auto port = drivers::open_port(address, clock, started + contact);
  if (!port) return missed(Step::port, port.error());
  const auto opened = (*driver)->open(**port, clock.mono() + contact);
  if (!opened) {
    (*driver)->close();
    return missed(Step::probe, opened.error());
  }
  auto status = (*driver)->poll(clock.mono() + what.deadline);
  const auto* facet = dynamic_cast<const drivers::Unanswered*>(driver->get());
  auto unanswered = facet == nullptr ? std::string{} : facet->unanswered();
  (*driver)->close();
  if (!status) return missed(Step::poll, status.error());
  out.status = std::move(*status);
  out.error = std::move(unanswered);
  out.took = clock.mono() - started;
  return out;
}

bool answered(const Probed& seen) {
  return seen.error.empty() && seen.status.evidence == wire::Evidence::protocol_reply;
}

boost::json::object to_json(const Probe& what, const Probed& seen) {
  auto out = wire::to_json(seen.status);
  out["driver"] = what.card->name;
  out["kind"] = drivers::kind_of(*what.card, what.settings).name;
  out["measurements"] = wire::measurements_json(seen.status.measurements);
  out["error"] = seen.error.empty() ? boost::json::value(nullptr) : boost::json::value(seen.error);
  out["elapsed_ms"] = seen.took.count() / 1'000;
  return out;
}

}  // namespace kw::agent::ctl
