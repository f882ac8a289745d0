#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "collector/app.hpp"
#include "collector/messages.hpp"
#include "collector/remote_cli.hpp"
#include "common/log.hpp"
#include "common/platform/owner.hpp"
#include "common/platform/process.hpp"
#include "common/platform/signals.hpp"

namespace {

using namespace kw;
using namespace kw::collector;

std::string say(const Text& text, Lang lang) { return std::string{text.in(lang)}; }

int report(const Error& error, Lang lang) {
  std::cerr << fmt::format(fmt::runtime(messages::failed.in(lang)), error.text()) << '\n';
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  platform::keep_files_private();  // keys, tokens and what kiosks report: nobody else's
  const Lang lang = lang_of_environment();
  const SystemClock clock;

  CLI::App app{say(messages::about, lang), "kiosk-collector"};
  app.set_version_flag("--version", KW_VERSION);
  app.require_subcommand(1);
  std::string log_format = "text";
  app.add_option("--log-format", log_format, say(messages::log_format_help, lang))
      ->check(CLI::IsMember({"text", "json"}));

  RunOptions options;
  std::string data = "/var/lib/kioskwatch-collector";
  const auto with_data = [&](CLI::App* command) {
    command->add_option("--data", data, say(messages::data_help, lang));
    return command;
  };

  std::vector<std::string> names;
  auto* init_command = with_data(app.add_subcommand("init", say(messages::init_help, lang)));
  init_command->add_option("--name", names, say(messages::name_help, lang));

  std::string terminal;
  auto* token_command = app.add_subcommand("token", say(messages::token_help, lang));
  token_command->require_subcommand(1);
  auto* token_new_command =
      with_data(token_command->add_subcommand("new", say(messages::token_new_help, lang)));
  token_new_command->add_option("--terminal", terminal, say(messages::terminal_help, lang))
      ->required();

  std::string agents = "0.0.0.0:7443";
  std::string people = "127.0.0.1:7080";
  auto* run_command = with_data(app.add_subcommand("run", say(messages::run_help, lang)));
  run_command->add_option("--agents", agents, say(messages::agents_help, lang));
  run_command->add_option("--people", people, say(messages::people_help, lang));

  auto* events_command = with_data(app.add_subcommand("events", say(messages::events_help, lang)));
  events_command->add_option("--terminal", terminal, say(messages::terminal_help, lang))
      ->required();

  const RemoteCli remote{app, data, lang};

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    constexpr int usage = 2;
    return app.exit(e) == 0 ? EXIT_SUCCESS : usage;
  }
  log::start(log::Level::info, log_format == "json" ? log::Format::json : log::Format::text);

  if (!run_command->parsed()) {
    if (auto ours = platform::become_owner_of(data); !ours) return report(ours.error(), lang);
  }
  if (init_command->parsed()) {
    auto made = init(data, names, clock);
    if (!made) return report(made.error(), lang);
    std::cout << fmt::format(fmt::runtime(messages::initialised.in(lang)), data) << '\n';
    return EXIT_SUCCESS;
  }
  if (token_new_command->parsed()) {
    auto token = token_new(data, terminal, clock);
    if (!token) return report(token.error(), lang);
    std::cout << *token << '\n';
    return EXIT_SUCCESS;
  }
  if (const auto code = remote.run()) return *code;
  if (events_command->parsed()) {
    auto printed = print_events(data, terminal, clock);
    return printed ? EXIT_SUCCESS : report(printed.error(), lang);
  }
  options.data = data;
  auto agents_at = link::Endpoint::parse(agents);
  if (!agents_at) return report(agents_at.error(), lang);
  auto people_at = link::Endpoint::parse(people);
  if (!people_at) return report(people_at.error(), lang);
  options.agents = *agents_at;
  options.people = *people_at;
  auto served = run(options, clock, [&](link::Endpoint a, link::Endpoint p) {
    std::cout << fmt::format(fmt::runtime(messages::ready.in(lang)), a.text(), p.text())
              << std::endl;
  });
  return served ? EXIT_SUCCESS : report(served.error(), lang);
}
