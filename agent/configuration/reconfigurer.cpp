#include "agent/configuration/reconfigurer.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/configuration/messages.hpp"
#include "agent/outbox/fit.hpp"
#include "common/identity/keys.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;
using State = pb::ConfigurationReport;

/// What a driver does to the process it does at its first looks.
constexpr std::chrono::seconds ripe_after{10};
constexpr int ripe_part = 12;  ///< of a trial that is shorter than usual

const char* word(State::State state) {
  switch (state) {
    case State::REFUSED:
      return "refused";
    case State::ROLLED_BACK:
      return "rolled-back";
    default:
      return "applied";
  }
}

template <class... Args>
std::string say(Lang lang, const Text& text, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

void add_line(std::string& text, std::string_view line) {
  text.append(text.empty() ? "" : "\n").append(line);
}

}  // namespace

Reconfigurer::Reconfigurer(asio::any_io_executor executor, const Clock& clock, Worker& helper,
                           const std::filesystem::path& data, std::filesystem::path own_file)
    : executor_(executor),
      clock_(clock),
      helper_(helper),
      files_(data),
      own_file_(std::move(own_file)),
      deadline_(std::move(executor)) {}

Judgement Reconfigurer::judged(const std::string& hash, State::State state,
                               const std::string& detail) const {
  return {hash, state, fitting(detail, wire::text_limit), KW_VERSION, micros(clock_.wall())};
}

/// A text that was kept: accepted once, so used even if this agent finds mistakes in it; the
/// kiosk's own file when it is none at all.
InForce Reconfigurer::read_kept(const std::string& text) const {
  if (text.empty()) return read_own(own_file_);
  auto config = parse_config(text, "agent.toml");
  if (!config.readable) return read_own(own_file_);
  return {text, identity::sha256(text), std::make_shared<const AgentConfig>(std::move(config))};
}

std::shared_ptr<const InForce> Reconfigurer::decide() {
  const auto own = read_own(own_file_);
  std::error_code none;
  const bool exists = std::filesystem::exists(own_file_, none);
  accepts_ = accepts_pushed(*own.config, exists);
  history_ = files_.history();
  in_force_ = std::make_shared<const InForce>(own);
  // A file that says no takes back what was pushed; one that says nothing readable does not.
  if (exists && own.config->readable && !accepts_) return in_force_;
  const auto text = files_.pushed();
  const auto hash = identity::sha256(text);
  const auto trial = files_.trial();
  const auto* known = rejection(history_, hash, KW_VERSION);
  const bool rolled_back = known != nullptr && known->state == State::ROLLED_BACK;
  switch (at_start(hash, trial, rolled_back)) {
    case AtStart::keep:
      in_force_ = std::make_shared<const InForce>(read_kept(text));
      break;
    case AtStart::try_on: {
      trying_ = true;
      tried_ = hash;
      const auto counted = files_.write_trial({hash, trial->starts + 1});
      if (!counted) log::warning("configuration-trial-not-counted", {{"reason", counted.error()}});
      in_force_ = std::make_shared<const InForce>(read_kept(text));
      break;
    }
    case AtStart::roll_back: {
      const auto back = files_.previous();
      in_force_ = std::make_shared<const InForce>(read_kept(back));
      if (!rolled_back) {
        remember(history_,
                 judged(hash, State::ROLLED_BACK, say(lang(), message::rolled_back_restarts)));
      }
      auto kept = files_.write_history(history_);
      if (kept) kept = files_.settle(back);
      if (!kept) log::warning("configuration-not-settled", {{"reason", kept.error()}});
      log::warning("configuration-rolled-back", {{"hash", identity::to_hex(hash)}});
      break;
    }
  }
  return in_force_;
}

void Reconfigurer::start(Hands hands) {
  hands_ = std::move(hands);
  if (history_.owed) wake();
  if (trying_) spawn(executor_, "configuration-trial", watch_trial());
}

void Reconfigurer::received(const pb::Configuration& configuration) {
  if (stopping_) return;
  wanted_ = configuration;
  wake();
}

void Reconfigurer::stop() {
  stopping_ = true;
  wanted_.reset();
  deadline_.cancel();
}

void Reconfigurer::established() {
  heard_ = !history_.owed;
  if (!trying_) return;
  proved_ = true;
  wake();
}

void Reconfigurer::put_off(Duration retry_after) {
  if (!trying_ || overdue_) return;
  const auto anew = clock_.mono() + retry_after + in_force_->config->trial;
  ends_at_ = std::max(ends_at_, anew);
  log::info("configuration-trial-extended", {{"hash", identity::to_hex(tried_)}});
}

void Reconfigurer::wake() {
  if (std::exchange(working_, true)) return;
  spawn(executor_, "configuration", work());
}

// What runs on the helper's thread takes copies: it may end after this.

/// One thing at a time: how a trial ended before what is wanted next.
Task<void> Reconfigurer::work() {
  for (;;) {
    if (history_.owed) {
      co_await tell_owed();
    } else if (trying_ && proved_ && ripe_) {
      co_await confirm();
    } else if (trying_ && overdue_ && !stopping_) {
      co_await roll_back();
    } else if (wanted_) {
      auto next = std::move(*wanted_);
      wanted_.reset();
      co_await take(std::move(next));
    } else {
      break;
    }
  }
  working_ = false;
}

Task<void> Reconfigurer::take(pb::Configuration configuration) {
  const auto& hash = configuration.hash();
  log::info("configuration-received", {{"hash", identity::to_hex(hash)}});
  if (!accepts_) {
    // The file says no today: the text itself is not judged.
    report(judged(hash, State::REFUSED, say(lang(), message::push_forbidden)), Known::forgotten);
    co_return;
  }
  const auto current = in_force_->pushed() ? in_force_->hash : identity::sha256("");
  if (hash == current) {
    if (!trying_) report(judged(hash, State::APPLIED, ""), Known::remembered);
    co_return;
  }
  if (const auto* known = rejected(hash)) {
    report(*known, Known::remembered);
    co_return;
  }
  if (identity::sha256(configuration.body()) != hash) {
    report(judged(hash, State::REFUSED, say(lang(), message::push_garbled)), Known::forgotten);
    co_return;
  }
  const bool taken_back = configuration.body().empty();
  auto next = taken_back ? Result<InForce>{read_own(own_file_)}
                         : read_pushed(hash, configuration.body(), lang());
  if (next && taken_back && !next->config->readable) {
    const auto& problems = next->config->problems;
    next = Error{Errc::invalid, say(lang(), message::own_unreadable,
                                    problems.empty() ? "-" : problems.front().in(lang()))};
  }
  if (!next) {
    report(judged(hash, State::REFUSED, next.error().text()), Known::remembered);
    co_return;
  }
  co_await begin_trial(std::move(*next));
}

/// Why this text is not taken again. One that was rolled back is, when it was pushed anew.
const Judgement* Reconfigurer::rejected(const std::string& hash) const {
  const auto* known = rejection(history_, hash, KW_VERSION);
  const bool anew = known != nullptr && known->state == State::ROLLED_BACK && heard_;
  return anew ? nullptr : known;
}

Task<void> Reconfigurer::begin_trial(InForce next) {
  const auto text = next.pushed() ? next.text : std::string{};
  const auto before = in_force_->pushed() ? in_force_->text : std::string{};
  forget(history_, identity::sha256(text));
  // What was never proved is nothing to go back to.
  const auto keep = [files = files_, history = history_, text, before, proving = trying_] {
    auto done = files.write_history(history);
    if (done) done = files.try_on(text, proving ? files.previous() : before);
    return done;
  };
  const auto kept = co_await helper_.run(keep);
  if (!kept) {
    // It is the disk that is at fault.
    const auto why = say(lang(), message::push_not_kept, kept.error().text());
    report(judged(identity::sha256(text), State::REFUSED, why), Known::forgotten);
    co_return;
  }
  if (stopping_) co_return;
  const bool asks = next.pushed() && !next.config->accept_configuration;
  tried_ = identity::sha256(text);
  in_force_ = std::make_shared<const InForce>(std::move(next));
  left_ = co_await hands_.apply(in_force_);
  // Only a session that begins after all this proves anything.
  trying_ = true;
  proved_ = ripe_ = overdue_ = false;
  if (asks) add_line(left_, message::accept_ignored.in(lang()));
  spawn(executor_, "configuration-trial", watch_trial());
}

Task<void> Reconfigurer::watch_trial() {
  if (stopping_) co_return;
  const auto tried = tried_;
  const auto limit = in_force_->config->trial;
  ends_at_ = clock_.mono() + limit;
  deadline_.expires_after(std::min<Duration>(ripe_after, limit / ripe_part));
  for (;;) {
    const auto [cancelled] = co_await deadline_.async_wait(as_result);
    if (cancelled || stopping_ || !trying_ || tried != tried_) co_return;
    ripe_ = true;
    const auto now = clock_.mono();
    if (proved_ || now >= ends_at_) break;
    deadline_.expires_after(ends_at_ - now);
  }
  overdue_ = !proved_;
  wake();
}

Task<void> Reconfigurer::confirm() {
  deadline_.cancel();
  trying_ = false;
  const auto text = in_force_->pushed() ? in_force_->text : std::string{};
  const auto settle = [files = files_, text] { return files.settle(text); };
  const auto settled = co_await helper_.run(settle);
  if (!settled) log::warning("configuration-not-settled", {{"reason", settled.error()}});
  report(judged(tried_, State::APPLIED, std::exchange(left_, {})), Known::remembered);
}

Task<void> Reconfigurer::roll_back() {
  trying_ = heard_ = false;
  left_.clear();
  const auto limit = in_force_->config->trial;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  const auto why = say(lang(), message::rolled_back_unreached, seconds, hands_.unreached());
  report(judged(tried_, State::ROLLED_BACK, why), Known::remembered);
  // First that it is rejected, then what is in force: whenever the power goes, it is not tried on.
  const auto restore = [files = files_, history = history_] {
    auto back = files.previous();
    auto kept = files.write_history(history);
    if (kept) kept = files.settle(back);
    if (!kept) log::warning("configuration-not-settled", {{"reason", kept.error()}});
    return back;
  };
  const auto back = co_await helper_.run(restore);
  // Told before the next session begins, whose Hello then counts it among what is to come: what
  // that session brings was sent by a collector that knows.
  co_await tell_owed();
  if (stopping_) co_return;
  in_force_ = std::make_shared<const InForce>(read_kept(back));
  co_await hands_.apply(in_force_);
}

void Reconfigurer::report(Judgement judgement, Known known) {
  log::info("configuration-judged", {{"hash", identity::to_hex(judgement.hash)},
                                     {"state", word(judgement.state)},
                                     {"detail", judgement.detail}});
  if (known == Known::remembered) {
    remember(history_, std::move(judgement));
  } else {
    history_.last = std::move(judgement);
    history_.owed = true;
  }
}

/// The report goes into the outbox before the folder forgets that it is owed: told once at least.
Task<void> Reconfigurer::tell_owed() {
  const auto keep = [files = files_, history = history_] { return files.write_history(history); };
  auto kept = co_await helper_.run(keep);
  if (!kept) log::warning("configuration-history-not-kept", {{"reason", kept.error()}});
  pb::ConfigurationReport report;
  report.set_hash(history_.last->hash);
  report.set_state(history_.last->state);
  report.set_detail(history_.last->detail);
  co_await hands_.report(std::move(report));
  history_.owed = false;
  const auto told = [files = files_, history = history_] { return files.write_history(history); };
  kept = co_await helper_.run(told);
}

json::object Reconfigurer::status() const {
  json::object out;
  const auto& last = history_.last;
  out["source"] = in_force_->pushed() ? "pushed" : "local";
  out["hash"] =
      in_force_->pushed() ? json::value(identity::to_hex(in_force_->hash)) : json::value(nullptr);
  out["state"] = trying_ ? "trial" : last ? word(last->state) : "local";
  out["detail"] =
      !trying_ && last && !last->detail.empty() ? json::value(last->detail) : json::value(nullptr);
  out["local_file"] = own_file_.string();
  out["accepts"] = accepts_;
  out["reported_hash"] = last ? json::value(identity::to_hex(last->hash)) : json::value(nullptr);
  out["reported_at"] = last ? json::value(rfc3339(wall_from(last->wall_us))) : json::value(nullptr);
  return out;
}

}  // namespace kw::agent
