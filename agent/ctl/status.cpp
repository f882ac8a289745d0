// kioskctl status, devices, outbox, drivers: what the agent knows, as it stands.
#include "agent/ctl/commands.hpp"
#include "agent/ctl/drivers_table.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/print.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

/// A fault of a device, a connection that needs a person, a twin with the same identity, a
/// configuration with mistakes, a disk that takes no event: not well.
int verdict(const json::object& status) {
  const auto count = status.at("devices").at("fault").to_number<std::int64_t>();
  const auto& phase = status.at("uplink").at("phase").get_string();
  const bool twin = at(status.at("uplink").as_object(), "quarantined") == true;
  const bool needs_person = phase == "stopped" || phase == "refused" || twin;
  const bool mistakes = !status.at("config").at("problems").get_array().empty();
  const bool disk = status.at("outbox").at("on_disk").get_bool();
  return count > 0 || needs_person || mistakes || !disk ? fault : well;
}

/// One device, and whether it is well.
int show_device(const Options& options, const json::array& devices, const std::string& name) {
  std::string known;
  for (const auto& entry : devices) {
    if (!entry.is_object()) continue;
    const auto& device = entry.get_object();
    if (text(at(device, "name")) != name) {
      known.append(known.empty() ? "" : ", ").append(text(at(device, "name")));
      continue;
    }
    json::object out;
    out["device"] = device;
    print(options, out, device_text(device, options.view));
    return at(device, "health") == "fault" ? fault : well;
  }
  return complain(options, usage,
                  say(options, message::no_such_device, name,
                      known.empty() ? message::none.in(options.view.lang) : known));
}

}  // namespace

int run_status(const Options& options) {
  const auto answer = platform::ask_control(options.data, "status", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  print(options, *answer, status_text(*answer, options.view));
  return verdict(*answer);
}

int run_devices(const Options& options, const DevicesArgs& args) {
  const auto answer = platform::ask_control(options.data, "devices", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  if (!args.device.empty()) return show_device(options, array_at(*answer, "devices"), args.device);
  print(options, *answer, devices_text(*answer, options.view));
  for (const auto& device : answer->at("devices").get_array()) {
    if (device.at("health").get_string() == "fault") return fault;
  }
  return well;
}

int run_outbox(const Options& options) {
  const auto answer = platform::ask_control(options.data, "outbox", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  print(options, *answer, outbox_text(*answer, options.view));
  return well;
}

int run_drivers(const Options& options, bool markdown) {
  if (markdown) {
    fmt::print("{}", drivers_markdown());
    return well;
  }
  print(options, drivers_json(options.view.lang), drivers_text(options.view));
  return well;
}

}  // namespace kw::agent::ctl
