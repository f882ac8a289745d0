// kioskctl: what an engineer at the kiosk asks the agent and the devices.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/ctl/messages.hpp"
#include "agent/ctl/print.hpp"
#include "agent/ctl/probe.hpp"
#include "common/log.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/process.hpp"
#include "common/platform/signals.hpp"
#include "drivers/catalogue.hpp"

namespace {

using namespace kw;
using namespace kw::agent::ctl;
namespace json = boost::json;

enum Exit { well = 0, fault = 1, usage = 2, not_running = 3, could_not_ask = 4 };

constexpr auto answer_limit = std::chrono::seconds{10};

struct Options {
  std::filesystem::path data = platform::default_data();
  bool json = false;
  std::string lang_tag;
  Lang lang = Lang::en;
  std::string driver;
  std::string port;
  std::vector<std::string> set;
  std::int64_t deadline_ms = 2'000;
};

int complain(const Options& options, Exit code, const Text& text, const std::string& what,
             const std::string& more = {}) {
  const auto line = fmt::format(fmt::runtime(text.in(options.lang)), what, more);
  if (options.json) {
    constexpr const char* names[] = {"ok", "fault", "usage", "not_running", "could_not_ask"};
    json::object error;
    error["code"] = names[code];
    error["message"] = line;
    json::object out;
    out["error"] = std::move(error);
    fmt::print("{}\n", json::serialize(out));
  } else {
    fmt::print(stderr, "kioskctl: {}\n", line);
  }
  return code;
}

void print(const Options& options, const json::object& object, const std::string& text) {
  if (options.json) {
    fmt::print("{}\n", json::serialize(object));
  } else {
    fmt::print("{}", text);
  }
}

int not_asked(const Options& options, const Error& why) {
  switch (why.code()) {
    case Errc::missing:
      return complain(options, not_running, message::not_running, options.data.string());
    case Errc::refused:
      return complain(options, could_not_ask, message::not_allowed, why.text());
    default:
      return complain(options, could_not_ask, message::no_answer, why.text());
  }
}

/// A fault of a device, a connection that needs a person, a configuration with mistakes, a disk
/// that takes no event: not well.
int verdict(const json::object& status) {
  const auto count = status.at("devices").at("fault").to_number<std::int64_t>();
  const auto& phase = status.at("uplink").at("phase").get_string();
  const bool needs_person = phase == "stopped" || phase == "refused";
  const bool mistakes = !status.at("config").at("problems").get_array().empty();
  const bool disk = status.at("outbox").at("on_disk").get_bool();
  return count > 0 || needs_person || mistakes || !disk ? fault : well;
}

int show_status(const Options& options) {
  const auto answer = platform::ask_control(options.data, "status", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  print(options, *answer, status_text(*answer, options.lang));
  return verdict(*answer);
}

int show_devices(const Options& options) {
  const auto answer = platform::ask_control(options.data, "devices", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  print(options, *answer, devices_text(*answer, options.lang));
  for (const auto& device : answer->at("devices").get_array()) {
    if (device.at("health").get_string() == "fault") return fault;
  }
  return well;
}

int show_outbox(const Options& options) {
  const auto answer = platform::ask_control(options.data, "outbox", {}, answer_limit);
  if (!answer) return not_asked(options, answer.error());
  print(options, *answer, outbox_text(*answer, options.lang));
  return well;
}

int show_probe(const Options& options) {
  Probe wanted;
  wanted.card = drivers::find(options.driver);
  if (wanted.card == nullptr) {
    std::string known;
    for (const auto& card : drivers::catalogue()) {
      known.append(known.empty() ? "" : ", ").append(card.name);
    }
    return complain(options, usage, message::no_driver, options.driver, known);
  }
  std::map<std::string, std::string, std::less<>> given;
  for (const auto& assignment : options.set) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      return complain(options, usage, message::bad_set, assignment);
    }
    given[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  std::vector<Error> wrong;
  wanted.settings = drivers::Settings::read(wanted.card->settings, given, wrong);
  if (!wrong.empty()) return complain(options, usage, message::bad_setting, wrong.front().text());
  auto address = drivers::PortAddress::parse(options.port);
  if (!address) return complain(options, usage, message::bad_port, address.error().text());
  if (!drivers::fits(*wanted.card, address->scheme)) {
    return complain(options, usage, message::unfit_port, drivers::known_schemes(*wanted.card));
  }
  wanted.address = std::move(*address);
  wanted.deadline = std::chrono::milliseconds{options.deadline_ms};
  const SystemClock clock;
  const auto seen = probe(wanted, clock);
  if (!seen) return complain(options, usage, message::bad_setting, seen.error().text());
  const auto object = to_json(wanted, *seen);
  print(options, object, probe_text(object, options.lang));
  switch (wire::health_of(seen->status)) {
    case wire::Health::fault:
      return fault;
    case wire::Health::unknown:
      return could_not_ask;
    default:
      return well;
  }
}

int show_drivers(const Options& options) {
  print(options, drivers_json(options.lang), drivers_text(options.lang));
  return well;
}

/// Help must already speak the language that is only then parsed.
Lang language(int argc, char** argv) {
  Lang out = lang_of_environment();
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--lang" && i + 1 < argc) out = lang_from(argv[i + 1]).value_or(out);
    if (arg.starts_with("--lang=")) out = lang_from(arg.substr(7)).value_or(out);
  }
  return out;
}

std::string help(const Options& options, const Text& text) {
  return std::string{text.in(options.lang)};
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  platform::print_utf8();
  log::start(log::Level::error, log::Format::text);
  Options options;
  options.lang = language(argc, argv);
  CLI::App app{help(options, message::help_app)};
  app.set_version_flag("--version", KW_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", options.data, "DIR");
  app.add_flag("--json", options.json, "JSON");
  app.add_option("--lang", options.lang_tag, "zh-CN, en")->check(CLI::IsMember({"zh-CN", "en"}));
  const auto* status = app.add_subcommand("status", help(options, message::help_status));
  const auto* devices = app.add_subcommand("devices", help(options, message::help_devices));
  const auto* outbox = app.add_subcommand("outbox", help(options, message::help_outbox));
  const auto* all_drivers = app.add_subcommand("drivers", help(options, message::help_drivers));
  auto* probes = app.add_subcommand("probe", help(options, message::help_probe));
  probes->add_option("DRIVER", options.driver)->required();
  probes->add_option("PORT", options.port)->required();
  probes->add_option("--set", options.set, "NAME=VALUE")->allow_extra_args(false);
  probes->add_option("--deadline-ms", options.deadline_ms, "1-60000")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{60'000}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? well : usage;
  }
  if (status->parsed()) return show_status(options);
  if (devices->parsed()) return show_devices(options);
  if (outbox->parsed()) return show_outbox(options);
  if (all_drivers->parsed()) return show_drivers(options);
  return show_probe(options);
}
