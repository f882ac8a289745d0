// kioskctl: what a technician at the kiosk asks the agent, the devices and the link. Only the
// command line is here; each command has a file of its own.
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "agent/ctl/commands.hpp"
#include "agent/ctl/help_messages.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/outbox_check_messages.hpp"
#include "agent/ctl/usage_text.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"
#include "common/platform/process.hpp"
#include "common/platform/signals.hpp"

namespace {

using namespace kw;
using namespace kw::agent::ctl;

/// The value of an option that must be known before the command line is parsed.
std::string early(int argc, char** argv, std::string_view option) {
  std::string out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == option && i + 1 < argc) out = argv[i + 1];
    if (arg.starts_with(option) && arg.substr(option.size()).starts_with('=')) {
      out = arg.substr(option.size() + 1);
    }
  }
  return out;
}

bool has(int argc, char** argv, std::string_view flag) {
  return std::any_of(argv + 1, argv + argc, [&](const char* arg) { return arg == flag; });
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  platform::print_utf8();
  log::start(log::Level::error, log::Format::text);
  // Help and usage mistakes must already speak the language and form that are only then parsed.
  Options options;
  options.view =
      view_of_terminal(lang_from(early(argc, argv, "--lang")).value_or(lang_of_environment()));
  options.json = has(argc, argv, "--json");
  const auto help = [&](const Text& text) { return say(options, text); };

  CLI::App app{help(message::help_app)};
  app.set_help_flag("-h,--help", help(message::help_help));
  app.set_version_flag("--version", KW_VERSION, help(message::help_version));
  app.require_subcommand(1);
  app.fallthrough();
  std::string lang_tag;
  const auto put = [](std::filesystem::path& to) {
    return [&to](const std::string& given) { to = platform::path_of(given); };
  };
  app.add_option_function<std::string>("--data", put(options.data), help(message::help_data))
      ->type_name("DIR");
  const auto* config = app.add_option_function<std::string>("--config", put(options.config),
                                                            help(message::help_config))
                           ->type_name("FILE");
  app.add_flag("--json", options.json, help(message::help_json));
  app.add_option("--lang", lang_tag, help(message::help_lang))
      ->check(CLI::IsMember({"zh-CN", "en"}));

  std::function<int()> chosen;
  const auto command = [&](const char* name, const Text& text, std::function<int()> run) {
    auto* out = app.add_subcommand(name, help(text));
    out->callback([&chosen, run = std::move(run)] { chosen = run; });
    return out;
  };
  command("status", message::help_status, [&] { return run_status(options); });
  DevicesArgs devices;
  command("devices", message::help_devices, [&] {
    return run_devices(options, devices);
  })->add_option("DEVICE", devices.device, help(message::help_one_device));
  RefillArgs refill;
  auto* refills =
      command("refill", message::help_refill, [&] { return run_refill(options, refill); });
  refills->add_option("DEVICE", refill.device, help(message::help_test_device))->required();
  refills->add_option("TYPE", refill.type, help(message::help_type));
  refills->add_option("--amount", refill.amount, help(message::help_amount))->type_name("N");
  refills->add_option("--capacity", refill.capacity, help(message::help_capacity))->type_name("N");
  bool check_outbox = false;
  command("outbox", message::help_outbox,
          [&] { return check_outbox ? run_outbox_check(options) : run_outbox(options); })
      ->add_subcommand("check", help(message::help_outbox_check))
      ->callback([&] { check_outbox = true; });
  LinkArgs link;
  auto* links = command("link", message::help_link, [&] { return run_link(options, link); });
  links->add_option("--limit-ms", link.limit_ms, help(message::help_limit))
      ->check(CLI::Range(std::int64_t{100}, std::int64_t{60'000}));
  command("doctor", message::help_doctor, [&] { return run_doctor(options); });
  command("watch", message::help_watch, [&] { return run_watch(options); });
  BundleArgs bundle;
  command("bundle", message::help_bundle, [&] { return run_bundle(options, bundle); })
      ->add_option_function<std::string>("-o,--output", put(bundle.file),
                                         help(message::help_output))
      ->type_name("FILE");
  EventsArgs events;
  auto* event =
      command("events", message::help_events, [&] { return run_events(options, events); });
  event->add_option("--count", events.count, help(message::help_count))
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{500}));
  event->add_option("--device", events.device, help(message::help_of_device))->type_name("DEVICE");
  event->add_flag("--samples", events.samples, help(message::help_samples));
  event->add_flag("--follow,-f", events.follow, help(message::help_follow));
  TestArgs test;
  auto* tests = command("test", message::help_test, [&] { return run_test(options, test); });
  tests->add_option("DEVICE", test.device, help(message::help_test_device))->required();
  tests->add_option("--test", test.test, help(message::help_test_name))->type_name("NAME");
  DiscoverArgs discover;
  auto* discovers =
      command("discover", message::help_discover, [&] { return run_discover(options, discover); });
  discovers->add_option("HOST", discover.hosts, help(message::help_discover_host));
  discovers->add_flag("--probe", discover.probe, help(message::help_discover_probe));
  discovers->add_option("--limit-ms", discover.limit_ms, help(message::help_limit))
      ->check(CLI::Range(std::int64_t{100}, std::int64_t{60'000}));
  bool markdown = false;
  command("drivers", message::help_drivers, [&] {
    return run_drivers(options, markdown);
  })->add_flag("--markdown", markdown, help(message::help_markdown));
  ProbeArgs probe;
  auto* probes = command("probe", message::help_probe, [&] { return run_probe(options, probe); });
  probes->add_option("DRIVER", probe.driver, help(message::help_probe_driver))->required();
  probes->add_option("PORT", probe.port, help(message::help_probe_port))->required();
  probes->add_option("--set", probe.set, help(message::help_set))
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  probes->add_option("--deadline-ms", probe.deadline_ms, help(message::help_deadline))
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{60'000}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& mistake) {
    if (app.get_subcommands().empty()) {
      std::string known;
      for (const auto* each : app.get_subcommands({})) {
        known.append(known.empty() ? "" : ", ").append(each->get_name());
      }
      return complain(options, usage, say(options, message::no_command, known),
                      help(message::see_help));
    }
    return complain(
        options, usage,
        say(options, message::wrong_usage, usage_text(mistake.what(), options.view.lang)),
        help(message::see_help));
  }
  options.config_given = config->count() > 0;
  return chosen();
}
