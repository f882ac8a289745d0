#include "collector/remote_control.hpp"

#include <functional>
#include <utility>

#include "collector/api/remote_json.hpp"
#include "collector/backup_record.hpp"
#include "collector/remote/acts.hpp"
#include "collector/writer/act.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

// Shorter than the client waits for an answer: it asks again.
constexpr int looks = 50;
constexpr auto between_looks = std::chrono::milliseconds{100};

const Subject& at_the_host() {
  static const Subject subject{Subject::Kind::loopback_administrator, "host"};
  return subject;
}

/// Takes the member out; empty when it is absent or no text.
std::string take(json::object& args, std::string_view key) {
  const auto* value = args.if_contains(key);
  std::string out = value != nullptr && value->is_string() ? std::string{value->get_string()} : "";
  args.erase(key);
  return out;
}

/// An act without a value, as `act` takes it.
std::function<Result<bool>(Work&)> deed(std::function<Result<void>(Work&)> what) {
  return [what = std::move(what)](Work& work) -> Result<bool> {
    auto done = what(work);
    if (!done) return std::move(done).error();
    return true;
  };
}

}  // namespace

Task<Result<json::object>> RemoteControl::answer(std::string verb, json::object args) {
  if (verb == "command-wait") {
    auto id = take(args, "id");
    co_return co_await wait(std::move(id));
  }
  if (verb == backup_record_verb) co_return co_await keep_record(std::move(args));
  auto terminal = take(args, "terminal");
  if (verb == "maintenance") {
    co_return co_await maintenance(std::move(terminal), std::move(args));
  }
  if (verb == "command-new") co_return co_await new_command(std::move(terminal), std::move(args));
  if (verb == "config-show") co_return co_await configuration(std::move(terminal));
  if (verb == "config-clear") co_return co_await take_back(std::move(terminal));
  if (verb == "config-push") {
    auto body = take(args, "body");
    co_return co_await push(std::move(terminal), std::move(body));
  }
  co_return Error{Errc::unsupported, "unknown verb " + verb};
}

Task<Result<json::object>> RemoteControl::keep_record(json::object args) {
  const auto record = BackupRecord::read(args);
  if (!record) co_return record.error();
  auto what = deed([entry = record->entry({})](Work& work) mutable -> Result<void> {
    entry.at = work.now();
    work.store().audit(entry);
    return {};
  });
  const auto done = co_await act(writer_, std::move(what));
  if (!done) co_return done.error();
  co_return json::object{};
}

Task<Result<json::object>> RemoteControl::maintenance(std::string terminal, json::object args) {
  const auto asked = MaintenanceRequest::read(args);
  if (!asked) co_return asked.error();
  auto what = deed([terminal, request = *asked](Work& work) {
    return set_maintenance(work, at_the_host(), terminal, request);
  });
  const auto done = co_await act(writer_, std::move(what));
  if (!done) co_return done.error();
  co_return json::object{};
}

Task<Result<json::object>> RemoteControl::new_command(std::string terminal, json::object args) {
  const auto asked = CommandRequest::read(args);
  if (!asked) co_return asked.error();
  std::function<Result<Command>(Work&)> what = [terminal, request = *asked](Work& work) {
    return make_command(work, at_the_host(), terminal, request);
  };
  const auto made = co_await act(writer_, std::move(what));
  if (!made) co_return made.error();
  json::object out{{"command", to_json(CommandRow{*made, terminal})}};
  co_return out;
}

Task<Result<json::object>> RemoteControl::wait(std::string id) {
  for (int look = 0;; ++look) {
    std::function ask = [id](Queries& q) { return q.command(id); };
    const auto row = co_await readers_.read(std::move(ask));
    if (!row) co_return row.error();
    if (!open(row->command.state) || look == looks) {
      json::object out{{"command", to_json(*row)}};
      co_return out;
    }
    co_await sleep_for(between_looks);
  }
}

Task<Result<json::object>> RemoteControl::push(std::string terminal, std::string body) {
  auto good = check_configuration(body);
  if (!good) co_return std::move(good).error();
  auto what = deed([terminal, body = std::move(body)](Work& work) {
    return push_configuration(work, at_the_host(), terminal, body);
  });
  const auto done = co_await act(writer_, std::move(what));
  if (!done) co_return done.error();
  co_return co_await configuration(std::move(terminal));
}

Task<Result<json::object>> RemoteControl::take_back(std::string terminal) {
  auto what =
      deed([terminal](Work& work) { return clear_configuration(work, at_the_host(), terminal); });
  const auto done = co_await act(writer_, std::move(what));
  if (!done) co_return done.error();
  co_return co_await configuration(std::move(terminal));
}

Task<Result<json::object>> RemoteControl::configuration(std::string terminal) {
  std::function ask = [terminal](Queries& q) { return q.configuration(terminal); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return row.error();
  json::object out{{"configuration", to_json(*row)}};
  co_return out;
}

}  // namespace kw::collector
