#include "agent/enroll/renewal.hpp"

#include <algorithm>
#include <utility>

#include "agent/enroll/est_client.hpp"
#include "common/identity/authority.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"

namespace kw::agent {
namespace {

constexpr auto request_limit = std::chrono::seconds{30};
constexpr Duration first_pause = std::chrono::minutes{1};
constexpr Duration longest_pause = std::chrono::hours{6};
constexpr Duration longest_near_the_end = std::chrono::hours{1};
constexpr Duration near_the_end = identity::day;
constexpr int doublings_most = 10;

Duration part(Duration whole, double share) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(whole.count()) * share)};
}

}  // namespace

RenewalPlan::RenewalPlan(WallTime not_before, WallTime not_after, double drawn)
    : not_after_(not_after) {
  // Certificates are valid from a day before they were made: that day is no part of their life.
  const auto made = std::min(not_before + identity::back_dated, not_after);
  const Duration life = not_after - made;
  due_ = made + part(life, 2.0 / 3.0 + 0.1 * drawn);
}

Duration RenewalPlan::after_failure(WallTime now, double drawn) {
  const Duration doubled = first_pause * (1LL << std::min(failures_, doublings_most));
  ++failures_;
  const bool soon = not_after_ - now < near_the_end;
  const auto most = std::min(doubled, soon ? longest_near_the_end : longest_pause);
  return most / 2 + part(most / 2, drawn);
}

Task<Result<IdentityFiles>> renew(std::filesystem::path data, IdentityFiles present, RenewalVia via,
                                  std::optional<link::Refusal>& said) {
  auto key = identity::make_key();
  if (!key) co_return std::move(key).error().within("renewal");
  const auto csr = identity::make_csr(*key, "kiosk");
  if (!csr) co_return csr.error();
  link::ClientTls::Options options;
  options.own = present.own;
  options.trust_pem = present.ca_pem;
  options.ignore_dates = via.ignore_dates;
  options.resume = false;
  const auto tls = link::ClientTls::make(options);
  if (!tls) co_return tls.error();
  auto request = est::request("simplereenroll", *csr);
  const auto response =
      co_await link::http_request(via.server, *tls, std::move(request), request_limit, via.proxy);
  if (!response) co_return response.error();
  if (response->status != 200) {
    said = est::refusal_in(*response);
    const auto code =
        response->status == 403 || response->status == 401 ? Errc::refused : Errc::busy;
    co_return Error{
        code, "renewal: HTTP status " + std::to_string(response->status) + ": " + said->detail};
  }
  auto fresh = est::identity_in(*response);
  if (!fresh) co_return std::move(fresh).error().within("renewal");
  if (fresh->terminal != present.terminal) {
    co_return Error{Errc::garbled, "renewal: the certificate is for another terminal"};
  }
  const auto matched = identity::match_key(fresh->own.chain_pem, *key);
  if (!matched) co_return Error{Errc::garbled, "renewal: " + matched.error().text()};
  fresh->server = present.server;
  fresh->own.key_pem = std::move(*key);
  const auto on_disk = load_identity(data);
  if (!on_disk || on_disk->own.chain_pem != present.own.chain_pem) {
    co_return Error{Errc::busy, "renewal: this kiosk was enrolled anew meanwhile"};
  }
  auto saved = save_identity(data, *fresh);
  if (!saved) co_return std::move(saved).error().within("renewal");
  co_return fresh;
}

}  // namespace kw::agent
