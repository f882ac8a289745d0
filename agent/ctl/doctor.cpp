// kioskctl doctor: what is wrong with this host, and what to do.
#include "agent/ctl/doctor.hpp"

#include <algorithm>
#include <system_error>

#include <boost/json/array.hpp>

#include "agent/configuration/rules.hpp"
#include "agent/ctl/commands.hpp"
#include "agent/ctl/doctor_messages.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr auto open_limit = std::chrono::seconds{2};

Result<std::int64_t> free_in(const std::filesystem::path& folder) {
  std::error_code ec;
  const auto space = std::filesystem::space(folder, ec);
  if (ec) return Error{Errc::storage, ec.message()};
  return static_cast<std::int64_t>(space.available);
}

Result<void> opens(const drivers::PortAddress& address, const Clock& clock) {
  const auto port = drivers::open_port(address, clock, clock.mono() + open_limit);
  if (!port) return port.error();
  return {};
}

std::ptrdiff_t count(const std::vector<Check>& checks, Outcome outcome) {
  return std::ranges::count(checks, outcome, &Check::outcome);
}

}  // namespace

DoctorFacts examine_host(const Options& options, const Clock& clock) {
  DoctorFacts out;
  out.data = options.data;
  out.status = platform::ask_control(options.data, "status", {}, answer_limit);
  out.config_file = own_config(options, out.status ? *out.status : json::object{});
  const auto in_force = read_in_force(options.data, out.config_file);
  out.pushed_hash = in_force.hash;
  out.config = *in_force.config;
  if (out.status) out.devices = platform::ask_control(options.data, "devices", {}, answer_limit);
  out.identity = load_identity(options.data);
  out.free_bytes = free_in(options.data);
  out.folder = platform::rights_of(options.data);
  out.key = platform::rights_of(options.data / "identity" / "key.pem");
  out.synchronised = platform::clock_synchronised();
  out.now = clock.wall();
  const auto user = out.folder ? out.folder->owner : std::string{};
  for (const auto& device : out.config.devices) {
    DoctorFacts::Port port{&device, {}, {}};
    const bool usable = device.enabled && !device.mistake;
    if (usable && device.address.scheme == "serial") {
      port.local = platform::port_facts(device.address.host, user);
    }
    // What another program holds all day is not opened to try it.
    const bool ours = usable && !device.address.only_look;
    const bool alone = !out.status && out.status.error().code() == Errc::missing;
    if (ours && alone && device.address.scheme != "-" && port.local.holders.empty()) {
      port.opened = opens(device.address, clock);
    }
    out.ports.push_back(std::move(port));
  }
  return out;
}

json::object doctor_json(const std::vector<Check>& checks) {
  json::object out;
  out["ok"] = first_failed(checks) == nullptr;
  out["faults"] = count(checks, Outcome::fail);
  out["warnings"] = count(checks, Outcome::warn);
  json::array list;
  for (const auto& check : checks) list.push_back(to_json(check, "check"));
  out["checks"] = std::move(list);
  return out;
}

std::string doctor_text(const std::vector<Check>& checks, const View& view) {
  Table table;
  for (const auto& check : checks) put_row(table, check, view.lang);
  const auto faults = count(checks, Outcome::fail);
  const auto warnings = count(checks, Outcome::warn);
  const bool fine = faults + warnings == 0;
  const auto last = fine ? std::string{message::doctor_well.in(view.lang)}
                         : fmt::format(fmt::runtime(message::doctor_faults.in(view.lang)), faults,
                                       plural(faults), warnings, plural(warnings));
  const auto colour = faults > 0 ? Colour::bad : fine ? Colour::good : Colour::warning;
  return table.text(view) + "\n" + painted(last, colour, view) + "\n";
}

int run_doctor(const Options& options) {
  const SystemClock clock;
  const auto facts = examine_host(options, clock);
  const auto checks = judge_host(facts, options.view.lang);
  print(options, doctor_json(checks), doctor_text(checks, options.view));
  return first_failed(checks) == nullptr ? well : fault;
}

}  // namespace kw::agent::ctl
