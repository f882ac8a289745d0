#include "collector/writer/remote_results.hpp"

#include <algorithm>
#include <utility>

#include "collector/orders/desk.hpp"
#include "common/identity/keys.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

CommandState state_of(pb::CommandResult::State state) {
  switch (state) {
    case pb::CommandResult::DONE:
      return CommandState::done;
    case pb::CommandResult::EXPIRED:
      return CommandState::expired;
    case pb::CommandResult::REFUSED:
      return CommandState::refused;
    case pb::CommandResult::INTERRUPTED:
      return CommandState::interrupted;
    default:
      return CommandState::failed;
  }
}

ConfigurationState state_of(pb::ConfigurationReport::State state) {
  switch (state) {
    case pb::ConfigurationReport::APPLIED:
      return ConfigurationState::applied;
    case pb::ConfigurationReport::ROLLED_BACK:
      return ConfigurationState::rolled_back;
    default:
      return ConfigurationState::refused;
  }
}

/// Agents name "their own file" by an empty hash or by that of the empty body.
std::string plain(const std::string& hash) {
  return hash == no_configuration_hash() ? std::string{} : hash;
}

struct Outgoing {
  std::vector<pb::Envelope> envelopes;
  std::uint64_t commands_upto = 0;
  std::string configuration;
};

void add_commands(Work& work, const Session& session, Outgoing& out) {
  auto& store = work.store();
  for (const auto& command : store.open_commands(session.terminal, work.now())) {
    if (command.seq <= session.commands_upto) continue;
    out.commands_upto = command.seq;
    auto& to = *out.envelopes.emplace_back().mutable_command();
    to.set_id(command.id);
    to.set_seq(command.seq);
    to.set_expires_wall_us(micros(command.expires_at));
    to.set_verb(command.verb);
    to.set_args(command.args);
  }
  if (out.commands_upto > session.commands_upto) {
    store.set_commands_sent(session.terminal, out.commands_upto, work.now());
  }
}

void add_configuration(Work& work, const Session& session, Outgoing& out) {
  // While a backlog drains, "it was rolled back" may still be on its way.
  if (session.hello.configuration_local() || !session.drained()) return;
  auto wanted = work.store().newest_configuration(session.terminal);
  if (!wanted || turned_down(wanted->state) || plain(wanted->hash) == session.configuration) return;
  out.configuration = plain(wanted->hash);
  auto& to = *out.envelopes.emplace_back().mutable_configuration();
  to.set_hash(wanted->hash);
  to.set_body(wanted->body);
  if (wanted->state == ConfigurationState::pending) return;
  // It was in force and is not any more: the kiosk's disk is an older copy.
  wanted->state = ConfigurationState::pending;
  wanted->detail.clear();
  work.store().set_configuration_state(session.terminal, *wanted);
}

}  // namespace

const std::string& no_configuration_hash() {
  static const std::string hash = identity::sha256({});
  return hash;
}

void note_configuration(Work& work, Session& session) {
  auto& store = work.store();
  session.commands_upto = 0;
  session.configuration = plain(session.hello.configuration_hash());
  store.set_configuration_local(session.terminal, session.hello.configuration_local());
  store.set_configuration_in_force(session.terminal, session.configuration);
  auto wanted = store.newest_configuration(session.terminal);
  if (!wanted || wanted->state != ConfigurationState::pending) return;
  if (plain(wanted->hash) != session.configuration) return;
  wanted->state = ConfigurationState::applied;
  wanted->reported_at = work.now();
  store.set_configuration_state(session.terminal, *wanted);
}

void take_command_result(Work& work, const Session& session, const pb::CommandResult& result) {
  auto& store = work.store();
  auto command = store.find_command(result.id());
  // One that expired here may have run in time all the same: the kiosk knows better.
  const bool wanted = command && command->terminal == session.terminal &&
                      (open(command->state) || command->state == CommandState::expired);
  if (!wanted) {
    log::warning("command-result-unknown",
                 {{"terminal", session.terminal_code}, {"command", result.id()}});
    return;
  }
  command->state = state_of(result.state());
  command->ended_at = work.now();
  command->detail = result.detail();
  command->result = result.body();
  store.update_command(*command);
  log::info("command-ended", {{"terminal", session.terminal_code},
                              {"command", command->id},
                              {"verb", command->verb},
                              {"state", name(command->state)},
                              {"detail", command->detail}});
}

void take_configuration_report(Work& work, const Session& session,
                               const pb::ConfigurationReport& report) {
  auto& store = work.store();
  const auto state = state_of(report.state());
  const auto hash = plain(report.hash());
  if (state == ConfigurationState::applied) {
    store.set_configuration_in_force(session.terminal, hash);
  }
  auto known = store.configurations(session.terminal);
  const auto same = [&](const PushedConfiguration& c) { return plain(c.hash) == hash; };
  const auto it = std::ranges::find_if(known, same);
  const std::string hex = identity::to_hex(report.hash());
  if (it == known.end()) {
    log::warning("configuration-report-unknown",
                 {{"terminal", session.terminal_code}, {"hash", hex}});
    return;
  }
  it->state = state;
  it->detail = report.detail();
  it->reported_at = work.now();
  store.set_configuration_state(session.terminal, *it);
  work.touch(session.terminal);
  const std::string_view said = name(state);
  store.audit({.at = work.now(),
               .actor = "kiosk",
               .action = "configuration." + std::string{said},
               .object = "terminal/" + session.terminal_code,
               .result = report.detail().empty() ? "ok" : report.detail(),
               .after = hex});
  if (turned_down(state)) {
    log::warning("configuration-turned-down", {{"terminal", session.terminal_code},
                                               {"state", said},
                                               {"hash", hex},
                                               {"detail", report.detail()}});
  } else {
    log::info("configuration-applied", {{"terminal", session.terminal_code}, {"hash", hex}});
  }
}

void expire_commands(Work& work, TerminalKey terminal) {
  for (const auto& id : work.store().expire_commands(terminal, work.now())) {
    log::info("command-expired", {{"command", id}});
  }
  work.timers_changed();
}

Change maintenance_expired(std::string_view terminal_code, WallTime now) {
  return Audited{{.at = now,
                  .actor = std::string{system_actor},
                  .action = "terminal.maintenance",
                  .object = "terminal/" + std::string{terminal_code},
                  .result = "ok",
                  .before = "on",
                  .after = "off: its time was over"}};
}

Job outgoing_job(std::shared_ptr<Session> session,
                 std::function<void(std::vector<pb::Envelope>)> answer) {
  auto out = std::make_shared<Outgoing>();
  Job job;
  job.terminal = session->terminal;
  job.work = [session, out](Work& work) -> Result<void> {
    *out = {.commands_upto = session->commands_upto, .configuration = session->configuration};
    if (session->quarantined) return {};
    add_commands(work, *session, *out);
    add_configuration(work, *session, *out);
    return {};
  };
  job.after = [session, out, answer = std::move(answer)](const Result<void>& done) {
    if (!done) return answer({});
    session->commands_upto = out->commands_upto;
    session->configuration = out->configuration;
    session->told_when_drained = session->drained();
    answer(std::move(out->envelopes));
  };
  return job;
}

}  // namespace kw::collector
