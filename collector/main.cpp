#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "collector/accounts/identity_verbs.hpp"
#include "collector/app.hpp"
#include "collector/backup_cli.hpp"
#include "collector/messages.hpp"
#include "collector/remote_cli.hpp"
#include "common/identity/keys.hpp"
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

template <class... Args>
void print(const Text& text, Lang lang, const Args&... args) {
  std::cout << fmt::format(fmt::runtime(text.in(lang)), args...) << '\n';
}

int print_fingerprint(const std::string& data, const Clock& clock, Lang lang) {
  const auto pin = ca_fingerprint(data, clock);
  if (!pin) return report(pin.error(), lang);
  print(messages::fingerprint, lang, *pin);
  return EXIT_SUCCESS;
}

const Text& word(ProvisioningState state) {
  switch (state) {
    case ProvisioningState::approved:
      return messages::approved;
    case ProvisioningState::rejected:
      return messages::rejected;
    case ProvisioningState::waiting:
      break;
  }
  return messages::waiting;
}

int list_provisioning(const std::string& data, const Clock& clock, bool as_json, Lang lang) {
  const auto rows = provisioning_list(data, clock);
  if (!rows) return report(rows.error(), lang);
  if (as_json) {
    for (const auto& row : *rows) std::cout << boost::json::serialize(to_json(row)) << '\n';
    return EXIT_SUCCESS;
  }
  if (rows->empty()) print(messages::provisioning_none, lang);
  for (const auto& row : *rows) {
    print(messages::provisioning_line, lang, row.id, word(row.state).in(lang), row.facts.hostname,
          row.address, row.knocks, rfc3339(row.last_seen), row.terminal_code,
          identity::fingerprint(row.key_sha256));
  }
  return EXIT_SUCCESS;
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

  std::string serial;
  std::string reason;
  auto* revoke_command = with_data(app.add_subcommand("revoke", say(messages::revoke_help, lang)));
  revoke_command->add_option("--terminal", terminal, say(messages::terminal_help, lang))
      ->required();
  revoke_command->add_option("--serial", serial, say(messages::serial_help, lang));
  revoke_command->add_option("--reason", reason, say(messages::reason_help, lang));

  std::string entry;
  bool as_json = false;
  auto* provisioning_command =
      app.add_subcommand("provisioning", say(messages::provisioning_help, lang));
  provisioning_command->require_subcommand(1);
  auto* list_command = with_data(
      provisioning_command->add_subcommand("list", say(messages::provisioning_list_help, lang)));
  list_command->add_flag("--json", as_json, say(messages::json_help, lang));
  auto* approve_command =
      with_data(provisioning_command->add_subcommand("approve", say(messages::approve_help, lang)));
  approve_command->add_option("id", entry, say(messages::entry_help, lang))->required();
  approve_command->add_option("--terminal", terminal, say(messages::terminal_help, lang))
      ->required();
  auto* reject_command =
      with_data(provisioning_command->add_subcommand("reject", say(messages::reject_help, lang)));
  reject_command->add_option("id", entry, say(messages::entry_help, lang))->required();

  auto* ca_command = with_data(app.add_subcommand("ca", say(messages::ca_help, lang)));

  double retry_after_s = 30;
  bool stop = false;
  auto* drain_command = with_data(app.add_subcommand("drain", say(messages::drain_help, lang)));
  drain_command->add_option("--retry-after", retry_after_s, say(messages::retry_after_help, lang))
      ->check(CLI::Range(0.0, 86'400.0));
  drain_command->add_flag("--stop", stop, say(messages::stop_help, lang));

  std::string agents = "0.0.0.0:7443";
  std::string people = "127.0.0.1:7080";
  auto* run_command = with_data(app.add_subcommand("run", say(messages::run_help, lang)));
  run_command->add_option("--agents", agents, say(messages::agents_help, lang));
  run_command->add_option("--people", people, say(messages::people_help, lang));
  run_command
      ->add_option("--max-sessions", options.door.sessions, say(messages::max_sessions_help, lang))
      ->check(CLI::PositiveNumber);
  run_command
      ->add_option("--max-handshakes", options.handshakes, say(messages::max_handshakes_help, lang))
      ->check(CLI::PositiveNumber);
  double behind_s = 20;
  run_command->add_option("--max-behind", behind_s, say(messages::max_behind_help, lang))
      ->check(CLI::Range(0.001, 3'600.0));
  run_command->add_option("--max-queued", options.door.jobs, say(messages::max_jobs_help, lang))
      ->check(CLI::PositiveNumber);

  auto* events_command = with_data(app.add_subcommand("events", say(messages::events_help, lang)));
  events_command->add_option("--terminal", terminal, say(messages::terminal_help, lang))
      ->required();

  const RemoteCli remote{app, data, lang};
  const BackupCli backups{app, data, lang};

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    constexpr int usage = 2;
    return app.exit(e) == 0 ? EXIT_SUCCESS : usage;
  }
  log::start(log::Level::info, log_format == "json" ? log::Format::json : log::Format::text);

  const auto account = platform::account_name();
  if (!run_command->parsed()) {
    if (auto ours = platform::become_owner_of(data); !ours) return report(ours.error(), lang);
  }
  if (init_command->parsed()) {
    auto made = init(data, names, clock);
    if (!made) return report(made.error(), lang);
    std::cout << fmt::format(fmt::runtime(messages::initialised.in(lang)), data) << '\n';
    return print_fingerprint(data, clock, lang);
  }
  if (ca_command->parsed()) return print_fingerprint(data, clock, lang);
  if (revoke_command->parsed()) {
    const auto done = ask_identities(
        data, "revoke", {{"terminal", terminal}, {"serial", serial}, {"reason", reason}}, clock);
    if (!done) return report(done.error(), lang);
    const auto& serials = done->at("revoked").as_array();
    print(messages::revoked, lang, terminal, serials.size());
    for (const auto& one : serials) std::cout << one.as_string().c_str() << '\n';
    return EXIT_SUCCESS;
  }
  if (list_command->parsed()) return list_provisioning(data, clock, as_json, lang);
  if (approve_command->parsed() || reject_command->parsed()) {
    const bool approves = approve_command->parsed();
    const std::string verb = approves ? "provisioning-approve" : "provisioning-reject";
    boost::json::object args{{"id", entry}};
    if (approves) args["terminal"] = terminal;
    const auto done = ask_identities(data, verb, args, clock);
    if (!done) return report(done.error(), lang);
    const std::string fingerprint = done->at("fingerprint").as_string().c_str();
    if (approves) {
      print(messages::approved_done, lang, terminal, fingerprint);
    } else {
      print(messages::rejected_done, lang, fingerprint);
    }
    return EXIT_SUCCESS;
  }
  if (drain_command->parsed()) {
    const auto after = std::chrono::milliseconds{static_cast<std::int64_t>(retry_after_s * 1e3)};
    const auto sessions = drain(data, after, stop);
    if (!sessions) return report(sessions.error(), lang);
    print(messages::drained, lang, *sessions);
    return EXIT_SUCCESS;
  }
  if (token_new_command->parsed()) {
    auto made = ask_identities(data, "token-new", {{"terminal", terminal}}, clock);
    if (!made) return report(made.error(), lang);
    std::cout << made->at("token").as_string().c_str() << '\n';
    return EXIT_SUCCESS;
  }
  if (const auto code = remote.run()) return *code;
  if (const auto code = backups.run(account, clock)) return *code;
  if (events_command->parsed()) {
    auto printed = print_events(data, terminal, clock);
    return printed ? EXIT_SUCCESS : report(printed.error(), lang);
  }
  options.data = data;
  options.door.behind = Duration{static_cast<Duration::rep>(behind_s * 1e6)};
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
