#include "agent/commands/commander.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/commands/messages.hpp"
#include "agent/outbox/fit.hpp"
#include "common/identity/keys.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr int together = 4;
constexpr int bundles_together = 1;
constexpr std::size_t active_most = 256;
constexpr std::size_t attempts_told = 500;
constexpr std::size_t test_detail_limit = 4 * 1024;
constexpr auto upload_limit = std::chrono::seconds{60};
constexpr std::string_view bundles = "/kioskwatch/v1/bundles/";

pb::CommandResult result(pb::CommandResult::State state, const std::string& detail) {
  pb::CommandResult out;
  out.set_state(state);
  out.set_detail(fitting(detail, wire::text_limit));
  return out;
}

template <class... Args>
std::string say(Lang lang, const Text& text, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

/// Whether the test never began: nothing was done to the device.
bool not_begun(Errc code) {
  return code == Errc::missing || code == Errc::refused || code == Errc::unsupported ||
         code == Errc::invalid || code == Errc::busy;
}

bool is_bundle(const pb::Command& command) { return command.verb() == "log-bundle"; }

/// Whether sending the same again can help.
bool worth_repeating(int status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

}  // namespace

Commander::Commander(asio::any_io_executor executor, Journal& journal, const Clock& clock,
                     Hands hands, const Options& options)
    : executor_(std::move(executor)),
      journal_(journal),
      clock_(clock),
      hands_(std::move(hands)),
      options_(options) {}

void Commander::start() {
  const auto detail = say(hands_.language(), message::command_interrupted);
  journal_.post([detail, seen = now()](Outbox& outbox) {
    for (const auto& id : outbox.begun_commands()) {
      auto interrupted = result(pb::CommandResult::INTERRUPTED, detail);
      interrupted.set_id(id);
      outbox.finish_command(interrupted, seen);
    }
  });
}

void Commander::received(const pb::Command& command) {
  // One that finds no room is not begun: the collector sends it again in the next session.
  if (active_.size() >= active_most || !active_.insert(command.id()).second) return;
  waiting_.push_back(command);
  begin_waiting();
}

void Commander::begin_waiting() {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const bool bundle = is_bundle(*it);
    auto& running = bundle ? bundling_ : running_;
    if (running >= (bundle ? bundles_together : together)) {
      ++it;
      continue;
    }
    ++running;
    auto next = std::move(*it);
    it = waiting_.erase(it);
    spawn(executor_, "command", run(std::move(next), running));
  }
}

Task<void> Commander::run(pb::Command command, int& running) {
  auto ended = co_await result_of(command);
  if (ended) {
    ended->set_id(command.id());
    log::info("command-ended", {{"id", command.id()},
                                {"verb", command.verb()},
                                {"state", pb::CommandResult::State_Name(ended->state())},
                                {"detail", ended->detail()}});
    const auto write = [&ended, seen = now()](Outbox& outbox) {
      outbox.finish_command(*ended, seen);
      return true;
    };
    co_await journal_.ask(write);
  }
  --running;
  active_.erase(command.id());
  begin_waiting();
}

/// Nothing when the command is known already.
Task<std::optional<pb::CommandResult>> Commander::result_of(const pb::Command& command) {
  auto order = parse_order(command.verb(), command.args(), hands_.language());
  if (!order) co_return result(pb::CommandResult::REFUSED, order.error().text());
  if (expired(command)) co_return expiry(command);
  const auto note = [&command, seen = now()](Outbox& outbox) {
    return outbox.begin_command(command.id(), seen);
  };
  const auto begun = co_await journal_.ask(note);
  if (begun == Outbox::Begin::known) co_return std::nullopt;
  if (begun == Outbox::Begin::not_kept) {
    co_return result(pb::CommandResult::REFUSED, say(hands_.language(), message::command_not_kept));
  }
  log::info("command-begun", {{"id", command.id()}, {"verb", command.verb()}});
  auto done = co_await perform(command, std::move(*order));
  co_return done;
}

Task<pb::CommandResult> Commander::perform(const pb::Command& command, Order order) {
  if (const auto* wanted = std::get_if<order::Refresh>(&order)) co_return refresh(*wanted);
  if (auto* wanted = std::get_if<order::SelfTest>(&order)) {
    co_return co_await self_test(std::move(*wanted));
  }
  co_return co_await log_bundle(command);
}

pb::CommandResult Commander::refresh(const order::Refresh& order) {
  const auto lang = hands_.language();
  const auto done = hands_.refresh(order.device);
  if (!done) return result(pb::CommandResult::REFUSED, done.error().text());
  return result(pb::CommandResult::DONE, order.device
                                             ? say(lang, message::refreshed_one, *order.device)
                                             : say(lang, message::refreshed_all));
}

Task<pb::CommandResult> Commander::self_test(order::SelfTest order) {
  const auto lang = hands_.language();
  const auto tested = co_await hands_.self_test(order.device, order.test, options_.self_test);
  if (!tested) {
    const bool refused = not_begun(tested.error().code());
    co_return result(refused ? pb::CommandResult::REFUSED : pb::CommandResult::FAILED,
                     tested.error().text());
  }
  json::object body;
  body["device"] = order.device;
  body["test"] = order.test.empty() ? json::value(nullptr) : json::value(order.test);
  body["passed"] = tested->passed;
  json::array attempts;
  for (const auto took : tested->attempts) {
    if (attempts.size() == attempts_told) break;
    attempts.emplace_back(std::chrono::ceil<std::chrono::milliseconds>(took).count());
  }
  body["attempts_ms"] = std::move(attempts);
  body["detail"] = fitting(tested->detail, test_detail_limit);
  auto out =
      tested->passed
          ? result(pb::CommandResult::DONE, say(lang, message::test_passed, tested->detail))
          : result(pb::CommandResult::FAILED, say(lang, message::test_failed, tested->detail));
  auto bytes = json::serialize(body);
  // Escapes can make it longer than what went in.
  if (bytes.size() <= wire::result_limit) out.set_body(std::move(bytes));
  co_return out;
}

Task<pb::CommandResult> Commander::log_bundle(const pb::Command& command) {
  const auto lang = hands_.language();
  link::HttpRequest request;
  request.method = "PUT";
  request.target = std::string{bundles} + command.id();
  request.headers["content-type"] = "application/json";
  request.body = co_await hands_.bundle();
  json::object body;
  body["bytes"] = request.body.size();
  body["sha256"] = identity::sha256_hex(request.body);
  Backoff backoff{options_.upload, options_.seed};
  for (;;) {
    const auto answer = co_await hands_.upload(request, upload_limit);
    std::string why;
    if (!answer) {
      why = answer.error().text();
    } else if (answer->status / 100 == 2) {
      auto out =
          result(pb::CommandResult::DONE, say(lang, message::bundle_sent, request.body.size()));
      out.set_body(json::serialize(body));
      co_return out;
    } else {
      why = say(lang, message::bundle_refused, answer->status, answer->body.substr(0, 300));
      if (!worth_repeating(answer->status)) co_return result(pb::CommandResult::FAILED, why);
    }
    log::info("bundle-not-sent", {{"id", command.id()}, {"reason", why}});
    const auto pause = backoff.next(wire::AfterClose::back_off, std::nullopt);
    co_await sleep_for(*pause);
    if (expired(command)) {
      co_return result(pb::CommandResult::EXPIRED, say(lang, message::bundle_expired, why));
    }
  }
}

bool Commander::expired(const pb::Command& command) const {
  const auto now = hands_.collector_now().value_or(clock_.wall());
  return micros(now) >= command.expires_wall_us();
}

pb::CommandResult Commander::expiry(const pb::Command& command) const {
  const auto at = rfc3339(wall_from(command.expires_wall_us()));
  return result(pb::CommandResult::EXPIRED, say(hands_.language(), message::command_expired, at));
}

}  // namespace kw::agent
