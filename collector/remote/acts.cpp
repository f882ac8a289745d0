#include "collector/remote/acts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/identity/keys.hpp"
#include "common/identity/uuid.hpp"

namespace kw::collector {
namespace {

std::string object_of(std::string_view code) { return "terminal/" + std::string{code}; }

/// The terminal, when there is one and `subject` may do this to it.
Result<Terminal> reach(Work& work, const Subject& subject, std::string_view action,
                       std::string_view code) {
  auto allowed = authorize(subject, action, object_of(code));
  if (!allowed) return std::move(allowed).error();
  auto found = work.store().find_terminal(code);
  if (!found) return Error{Errc::missing, "no terminal " + std::string{code}};
  return std::move(*found);
}

AuditEntry entry(const Work& work, const Subject& subject, std::string_view action,
                 std::string_view code) {
  return {.at = work.now(),
          .actor = std::string{subject.name()},
          .from = subject.from,
          .action = std::string{action},
          .object = object_of(code),
          .result = "ok"};
}

void put_configuration(Work& work, const Subject& subject, std::string_view action,
                       const Terminal& terminal, const std::string& body,
                       const std::optional<PushedConfiguration>& before) {
  auto& store = work.store();
  const PushedConfiguration next{.hash = identity::sha256(body),
                                 .body = body,
                                 .pushed_at = work.now(),
                                 .pushed_by = std::string{subject.name()}};
  store.add_configuration(terminal.key, next);
  auto audit = entry(work, subject, action, terminal.code);
  if (before && !before->body.empty()) audit.before = identity::to_hex(before->hash);
  if (!body.empty()) audit.after = identity::to_hex(next.hash);
  store.audit(audit);
  work.tell(terminal.key);
  work.touch(terminal.key);
}

std::string words(const Maintenance& m) {
  const std::string until = m.until ? ", until " + rfc3339(*m.until) : "";
  return "on: " + m.reason + until;
}

}  // namespace

Result<Command> make_command(Work& work, const Subject& subject, std::string_view terminal_code,
                             const CommandRequest& asked) {
  constexpr std::string_view action = "command.new";
  const auto terminal = reach(work, subject, action, terminal_code);
  if (!terminal) return terminal.error();
  auto& store = work.store();
  if (store.open_commands(terminal->key, work.now()).size() >= open_commands_limit) {
    return Error{Errc::refused,
                 fmt::format("{} commands without a result wait for {} already: let them end first",
                             open_commands_limit, terminal_code)};
  }
  Command out{.id = identity::uuid_v7(work.now()),
              .terminal = terminal->key,
              .verb = asked.verb,
              .args = asked.args,
              .created_at = work.now(),
              .created_by = std::string{subject.name()},
              .expires_at = work.now() + asked.expires_in};
  out.seq = store.put_command(out);
  work.timers_changed();
  auto audit = entry(work, subject, action, terminal_code);
  audit.after = fmt::format("{} {} {}", out.id, out.verb, out.args);
  store.audit(audit);
  work.tell(terminal->key);
  return out;
}

Result<void> push_configuration(Work& work, const Subject& subject, std::string_view terminal_code,
                                const std::string& body) {
  constexpr std::string_view action = "configuration.push";
  const auto terminal = reach(work, subject, action, terminal_code);
  if (!terminal) return terminal.error();
  const auto newest = work.store().newest_configuration(terminal->key);
  const auto hash = identity::sha256(body);
  const auto known = work.store().configurations(terminal->key);
  const auto it = std::ranges::find(known, hash, &PushedConfiguration::hash);
  if (it != known.end() && it->state == ConfigurationState::refused) {
    return Error{Errc::refused,
                 fmt::format("the kiosk has refused this very text: {}; change it", it->detail)};
  }
  // What was rolled back may run another time: the network was at fault, or the collector.
  if (newest && newest->hash == hash && !turned_down(newest->state)) return {};
  put_configuration(work, subject, action, *terminal, body, newest);
  return {};
}

Result<void> clear_configuration(Work& work, const Subject& subject,
                                 std::string_view terminal_code) {
  constexpr std::string_view action = "configuration.clear";
  const auto terminal = reach(work, subject, action, terminal_code);
  if (!terminal) return terminal.error();
  const auto newest = work.store().newest_configuration(terminal->key);
  if (!newest) {
    return Error{Errc::refused, fmt::format("nothing was pushed to {}", terminal_code)};
  }
  if (newest->body.empty() && !turned_down(newest->state)) return {};
  put_configuration(work, subject, action, *terminal, {}, newest);
  return {};
}

Result<void> set_maintenance(Work& work, const Subject& subject, std::string_view terminal_code,
                             const MaintenanceRequest& asked) {
  constexpr std::string_view action = "terminal.maintenance";
  const auto terminal = reach(work, subject, action, terminal_code);
  if (!terminal) return terminal.error();
  if (asked.until && *asked.until <= work.now()) {
    return Error{Errc::invalid, "until: a time that is still to come"};
  }
  auto& view = work.view(terminal->key);
  const auto before = view.maintenance;
  if (!asked.on && !before) return {};
  const auto bench = work.bench(terminal->key);
  Changes changes;
  Judge judge{view, bench, changes};
  auto audit = entry(work, subject, action, terminal_code);
  audit.before = before ? words(*before) : "off";
  if (asked.on) {
    const Maintenance now{before ? before->since : work.now(), asked.reason,
                          std::string{subject.name()}, asked.until};
    judge.begin_maintenance(now);
    audit.after = words(now);
  } else {
    judge.end_maintenance();
    audit.after = asked.reason.empty() ? "off" : "off: " + asked.reason;
  }
  changes.push_back(Audited{audit});
  work.apply(terminal->key, changes);
  // Should this write fail, the group's next job must not see what was never kept.
  work.forget(terminal->key);
  return {};
}

}  // namespace kw::collector
