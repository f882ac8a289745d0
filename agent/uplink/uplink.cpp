#include "agent/uplink/uplink.hpp"

#include <algorithm>
#include <utility>

#include "agent/uplink/addresses.hpp"
#include "agent/uplink/talk.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr auto enrolment_looked_for = std::chrono::seconds{2};
constexpr auto goodbye_limit = std::chrono::seconds{2};
constexpr auto dial_step = std::chrono::seconds{10};

OutboxView view_of(Outbox& outbox) { return outbox.view(); }

}  // namespace

std::string_view name(UplinkPhase phase) {
  switch (phase) {
    case UplinkPhase::not_enrolled:
      return "not_enrolled";
    case UplinkPhase::connecting:
      return "connecting";
    case UplinkPhase::draining:
      return "draining";
    case UplinkPhase::live:
      return "live";
    case UplinkPhase::waiting:
      return "waiting";
    case UplinkPhase::refused:
      return "refused";
    case UplinkPhase::stopped:
      return "stopped";
  }
  return "unknown";
}

Uplink::Uplink(asio::any_io_executor executor, Journal& journal, const Clock& clock,
               const Options& options, SessionFacts facts, Dial dial)
    : executor_(std::move(executor)),
      journal_(journal),
      clock_(clock),
      options_(options),
      facts_(std::move(facts)),
      dial_(std::move(dial)),
      backoff_(options.backoff, options.seed),
      moved_(executor_),
      wake_(executor_),
      quiet_(executor_),
      renewal_(executor_) {}

Uplink::~Uplink() = default;

Result<std::shared_ptr<const link::ClientTls>> Uplink::tls() {
  if (tls_) return tls_;
  auto identity = load_identity(options_.folder);
  if (!identity) return std::move(identity).error();
  link::ClientTls::Options options;
  options.own = identity->own;
  options.trust_pem = identity->ca_pem;
  // A kiosk whose clock was never set must reach its collector once to learn the time.
  options.ignore_dates = !contacted_;
  auto made = link::ClientTls::make(options);
  if (!made) return std::move(made).error();
  status_.terminal = identity->terminal;
  plan_renewal(*identity);
  identity_ = std::move(*identity);
  tls_ = std::move(*made);
  return tls_;
}

std::vector<link::Endpoint> Uplink::addresses() const {
  return dialling_order(options_.collectors, identity_->server);
}

Task<void> Uplink::pause(std::optional<Duration> how_long) {
  if (stopping_ || renewed_) co_return;
  if (how_long) {
    wake_.expires_after(*how_long);
    if (identity_) status_.next_dial = clock_.wall() + *how_long;
  } else {
    wake_.expires_at(asio::steady_timer::time_point::max());
  }
  co_await wake_.async_wait(as_result);
  status_.next_dial.reset();
}

Task<void> Uplink::run() {
  const auto view = co_await journal_.ask(view_of);
  contacted_ = std::ranges::any_of(
      view.epochs, [](const EpochView& e) { return e.clock_offset_us.has_value(); });
  spawn(executor_, "certificate", keep_certificate());
  while (!stopping_) {
    renewed_ = false;
    const auto credentials = tls();
    if (!credentials) {
      const bool absent = credentials.error().code() == Errc::missing;
      if (status_.last_error != credentials.error().text()) {
        log::warning(absent ? "not-enrolled" : "identity-unusable",
                     {{"reason", credentials.error()}, {"do", "kiosk-agent enroll"}});
      }
      status_.phase = absent ? UplinkPhase::not_enrolled : UplinkPhase::refused;
      status_.last_error = credentials.error().text();
      co_await pause(enrolment_looked_for);
      continue;
    }
    auto wait = co_await round(*credentials);
    if (std::exchange(redial_, false)) wait = Duration::zero();
    if (status_.phase == UplinkPhase::refused && wait) {
      co_await await_enrolment(*wait);
    } else {
      co_await pause(wait);
    }
  }
}

/// Dials one address after the other until one of them gives a session, and serves that. Returns
/// the pause before the next round.
Task<std::optional<Duration>> Uplink::round(std::shared_ptr<const link::ClientTls> credentials) {
  const auto servers = addresses();
  status_.servers.clear();
  for (const auto& server : servers) status_.servers.push_back(server.text());
  status_.proxy = options_.proxy ? options_.proxy->text() : "";
  std::string errors;
  bool all_refused = true;
  bool any_refused = false;
  std::optional<Duration> retry_after;  // when a collector that has no room now wants us again
  status_.refusal.clear();
  for (const auto& server : servers) {
    status_.phase = UplinkPhase::connecting;
    status_.server = server.text();
    dialled_ = server;
    std::optional<link::Refusal> said;
    auto dialled = co_await dial_(server, credentials, dial_step, &said, options_.proxy);
    if (stopping_ || renewed_) co_return std::nullopt;
    if (dialled) {
      auto connection = std::move(*dialled);
      co_await talk(std::move(connection));
      const bool told_what_to_do = hint_ || then_ != wire::AfterClose::back_off;
      if (hint_ && !stood_ && !renewed_ && told_.put_off) told_.put_off(*hint_);
      if (stood_ || told_what_to_do || stopping_ || renewed_) co_return after_talk();
      all_refused = false;
    } else {
      status_.last_error = dialled.error().text();
      log::info("uplink-dial-failed", {{"server", server.text()}, {"reason", dialled.error()}});
      if (said) status_.refusal = said->code;
      const bool expired = said && said->code == "expired";
      if (expired && !tls_) co_return Duration::zero();  // it was renewed while we dialled
      if (expired) expired_ = true;
      if (said && said->retry_after) {
        retry_after = std::min(retry_after.value_or(*said->retry_after), *said->retry_after);
        if (told_.put_off) told_.put_off(*said->retry_after);
      }
      const bool refused = dialled.error().code() == Errc::refused && !expired;
      all_refused = all_refused && refused;
      any_refused = any_refused || refused;
    }
    errors.append(errors.empty() ? "" : "; ");
    if (servers.size() > 1) errors.append(server.text()).append(": ");
    errors.append(status_.last_error);
  }
  status_.last_error = std::move(errors);
  // Perhaps somebody enrols this kiosk again meanwhile: read the identity anew next time.
  if (any_refused) tls_.reset();
  co_return after_round(all_refused, retry_after);
}

std::optional<Duration> Uplink::after_round(bool refused, std::optional<Duration> retry_after) {
  status_.phase = refused ? UplinkPhase::refused : UplinkPhase::waiting;
  if (expired_) renewal_.cancel();
  if (!refused && retry_after) return backoff_.next(wire::AfterClose::wait_as_told, retry_after);
  const auto then = refused ? wire::AfterClose::re_enroll : wire::AfterClose::back_off;
  return backoff_.next(then, std::nullopt);
}

Task<void> Uplink::await_enrolment(Duration at_most) {
  const auto until = clock_.mono() + at_most;
  while (!stopping_ && !renewed_) {
    const auto left = until - clock_.mono();
    if (left <= Duration::zero()) co_return;
    co_await pause(std::min<Duration>(left, enrolment_looked_for));
    const auto identity = load_identity(options_.folder);
    const bool anew = identity && identity_ && identity->own.chain_pem != identity_->own.chain_pem;
    if (anew) co_return;
  }
}

std::optional<Duration> Uplink::after_talk() {
  status_.connected_since.reset();
  status_.quarantined = false;
  status_.phase = UplinkPhase::waiting;
  if (then_ == wire::AfterClose::re_enroll) {
    status_.phase = UplinkPhase::refused;
    tls_.reset();
    journal_.post_note("certificate-refused", status_.last_error);
  }
  const auto wait = backoff_.next(then_, hint_);
  if (!wait) {
    status_.phase = UplinkPhase::stopped;
    log::error("uplink-stopped", {{"reason", status_.last_error}});
    journal_.post_note("uplink-stopped", status_.last_error);
  }
  return wait;
}

void Uplink::appended(const Appended& what) {
  moved_.ring();
  if (talk_) perform(talk_, talk_->session.appended(what, now()));
}

void Uplink::use(const Options& options, SessionFacts facts) {
  options_.session = options.session;
  options_.backoff = options.backoff;
  options_.collectors = options.collectors;
  options_.proxy = options.proxy;
  facts_ = std::move(facts);
  backoff_ = Backoff{options.backoff, options.seed};
  renewed_ = true;
  wake_.cancel();
  if (talk_) end(*talk_, wire::close_normal.code, "the configuration changed");
}

Task<Result<link::HttpResponse>> Uplink::request(link::HttpRequest request, Duration limit) {
  auto credentials = tls();
  if (!credentials) co_return std::move(credentials).error();
  const auto server = reached_ ? *reached_ : addresses().front();
  co_return co_await link::http_request(server, *credentials, std::move(request), limit,
                                        options_.proxy);
}

std::optional<WallTime> Uplink::collector_now() const {
  if (!collector_clock_) return std::nullopt;
  return collector_clock_->wall + (clock_.mono() - collector_clock_->mono);
}

Task<void> Uplink::finish(Duration limit) {
  stopping_ = true;
  wake_.cancel();
  renewal_.cancel();
  if (talk_ && !talk_->session.all_acknowledged()) {
    quiet_.expires_after(limit);
    co_await quiet_.async_wait(as_result);
  }
  if (!talk_) co_return;
  end(*talk_, wire::close_normal.code, "agent stops");
  quiet_.expires_after(goodbye_limit);
  co_await quiet_.async_wait(as_result);
}

}  // namespace kw::agent
