// kioskctl events: what happened on this kiosk, and what happens now.
#include <boost/json/serialize.hpp>

#include "agent/ctl/commands.hpp"
#include "agent/ctl/events_messages.hpp"
#include "agent/ctl/events_text.hpp"
#include "agent/ctl/stop_flag.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr auto wait_step = std::chrono::milliseconds{500};

json::object request(const EventsArgs& args) {
  json::object out;
  out["count"] = args.count;
  out["samples"] = args.samples;
  if (!args.device.empty()) out["device"] = args.device;
  return out;
}

void show(const Options& options, const json::object& line, const DriverOf& drivers) {
  if (options.json) {
    auto out = line;
    out.erase("id");
    out.erase("ok");
    fmt::print("{}\n", json::serialize(out));
  } else if (const auto& event = at(line, "event"); event.is_object()) {
    fmt::print("{}\n", event_line(event.get_object(), drivers, options.view));
  } else if (line.contains("missed")) {
    fmt::print("{}\n", message::event_missed.in(options.view.lang));
  }
  std::fflush(stdout);
}

/// The drivers' names word the conditions; without them the codes are shown.
DriverOf known_drivers(const Options& options) {
  const auto devices = platform::ask_control(options.data, "devices", {}, answer_limit);
  return devices ? drivers_of(array_at(*devices, "devices")) : DriverOf{};
}

int follow(const Options& options, const EventsArgs& args) {
  auto session = platform::ControlSession::open(options.data, "follow", request(args), wait_step);
  if (!session) return not_asked(options, session.error());
  const auto drivers = known_drivers(options);
  watch_for_stop();
  while (!stop_flag()) {
    const auto line = session->next();
    if (!line && line.error().code() == Errc::timeout) continue;
    if (!line) return stop_flag() ? well : not_asked(options, line.error());
    if (at(*line, "ok") != true) {
      return complain(options, could_not_ask, text(at(object_at(*line, "error"), "message")));
    }
    show(options, *line, drivers);
  }
  return well;
}

}  // namespace

int run_events(const Options& options, const EventsArgs& args) {
  if (args.follow) return follow(options, args);
  const auto answer = platform::ask_control(options.data, "events", request(args), answer_limit);
  if (!answer) return not_asked(options, answer.error());
  const auto drivers = options.json ? DriverOf{} : known_drivers(options);
  print(options, *answer, events_text(array_at(*answer, "events"), drivers, options.view));
  return well;
}

}  // namespace kw::agent::ctl
