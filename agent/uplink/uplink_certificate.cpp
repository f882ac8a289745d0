// How the uplink keeps its certificate alive.
#include <utility>

#include "agent/uplink/uplink.hpp"
#include "common/identity/certificate.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

/// 0 to 1, drawn from the certificate's random serial: the same at every start.
double share_of(const std::string& serial) {
  constexpr std::size_t digits = 8;
  std::uint64_t value = 0;
  for (const char c : serial.substr(0, std::min(serial.size(), digits))) {
    value = value * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'A' + 10);
  }
  return static_cast<double>(value) / static_cast<double>(1ULL << (4 * digits));
}

}  // namespace

void Uplink::plan_renewal(const IdentityFiles& identity) {
  const auto certificate = identity::Certificate::parse(identity.own.chain_pem);
  renewal_plan_.reset();
  expired_ = false;
  if (!certificate) return;  // TLS has said so
  renewal_plan_.emplace(certificate->not_before, certificate->not_after,
                        share_of(certificate->serial));
  status_.certificate_ends = certificate->not_after;
  status_.renewal_due = renewal_plan_->due();
  renewal_again_.reset();
  status_.renewal_error.clear();
}

bool Uplink::renewal_wanted() const {
  // Whom the collector knows no more it will not renew either.
  if (!renewal_plan_ || !identity_ || status_.phase == UplinkPhase::refused || stopping_) {
    return false;
  }
  if (renewal_again_ && clock_.mono() < *renewal_again_) return false;
  if (expired_) return true;
  // By the collector's time: a kiosk's own clock is not asked for dates.
  const auto now = collector_now();
  return now && renewal_plan_->is_due(*now);
}

Task<void> Uplink::keep_certificate() {
  while (!stopping_) {
    if (renewal_wanted()) co_await renew_certificate();
    renewal_.expires_after(options_.renewal_look);
    co_await renewal_.async_wait(as_result);
  }
}

Task<void> Uplink::renew_certificate() {
  std::optional<link::Refusal> said;
  const RenewalVia via{reached_ ? *reached_ : dialled_, options_.proxy, !contacted_};
  auto renewed = co_await renew(options_.folder, *identity_, via, said);
  if (!renewed) {
    status_.renewal_error = renewed.error().text();
    constexpr double evenly = 0.5;
    const auto wall = collector_now().value_or(clock_.wall());
    auto pause = renewal_plan_ ? renewal_plan_->after_failure(wall, evenly) : Duration{};
    if (said && said->retry_after) pause = std::max(pause, *said->retry_after);
    renewal_again_ = clock_.mono() + pause;
    log::warning("certificate-not-renewed", {{"reason", renewed.error()}});
    journal_.post_note("certificate-not-renewed", renewed.error().text());
    co_return;
  }
  plan_renewal(*renewed);
  tls_.reset();  // the next connection reads the new identity
  log::info("certificate-renewed", {{"until", rfc3339(*status_.certificate_ends)}});
  reconnect_ = talk_ != nullptr;
  reconnect_when_quiet();
  if (!talk_) wake_.cancel();
}

}  // namespace kw::agent
