#include "collector/gateway/enrolment.hpp"

#include "collector/gateway/est_answers.hpp"
#include "collector/writer/act.hpp"
#include "common/identity/token.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t wrong_tokens = 5;
constexpr auto block_time = std::chrono::minutes{15};
constexpr std::size_t knocks_a_minute = 60;
constexpr std::string_view bearer_prefix = "Bearer ";

/// Why a token does not open the door; the same words for all that would help a guesser.
std::optional<std::string> wrong_with(const std::optional<TokenRow>& token, WallTime now) {
  if (!token) return "unknown token";
  if (token->used) return "this token has been used already: ask for a new one";
  if (token->expires_at <= now) return "this token has expired: ask for a new one";
  return std::nullopt;
}

}  // namespace

Enrolment::Enrolment(Writer& writer, Registry& registry, const AuthorityFiles& authority,
                     Worker& crypto, const Clock& clock, const Settings& settings)
    : writer_(writer),
      registry_(registry),
      authority_(authority),
      crypto_(crypto),
      clock_(clock),
      settings_(settings),
      wrong_tokens_(wrong_tokens, block_time),
      knocks_(knocks_a_minute, std::chrono::minutes{1}) {}

Task<link::HttpResponse> Enrolment::answer(link::HttpRequest request, link::PeerCertificate peer) {
  const bool enrols = request.target == "/.well-known/est/simpleenroll";
  const bool renews = request.target == "/.well-known/est/simplereenroll";
  if (request.target == "/agent" && peer.expired) {
    co_return est::problem(403, "expired", "the certificate has expired: renew it");
  }
  if (!enrols && !renews) {
    co_return est::problem(404, "not-found", "this port enrols and serves kiosks");
  }
  if (request.method != "POST") co_return est::problem(405, "method-not-allowed", "POST only");
  if (renews) co_return co_await renew(std::move(request), std::move(peer));
  if (!request.headers.contains("authorization")) co_return co_await knock(std::move(request));
  co_return co_await enroll(std::move(request));
}

Task<Result<identity::Issued>> Enrolment::sign(std::string csr, std::string terminal_code) {
  auto work = [this, csr = std::move(csr), code = std::move(terminal_code), now = clock_.wall()] {
    return identity::sign_kiosk(authority_.issuer(), csr, code, now, settings_.life);
  };
  co_return co_await crypto_.run(std::move(work));
}

Task<void> Enrolment::note_wrong_token(std::string from, std::string why) {
  wrong_tokens_.note(from, clock_.mono());
  log::warning("enrolment-refused", {{"from", from}, {"reason", why}});
  std::function<Result<bool>(Work&)> record = [from, why](Work& work) -> Result<bool> {
    work.store().audit({.at = work.now(),
                        .actor = "kiosk",
                        .from = from,
                        .action = "kiosk.enrol",
                        .object = "token",
                        .result = why});
    return true;
  };
  const auto recorded = co_await act(writer_, std::move(record));
  static_cast<void>(recorded);
}

Task<link::HttpResponse> Enrolment::enroll(link::HttpRequest request) {
  const std::string from = est::address_of(request.remote);
  if (wrong_tokens_.too_often(from, clock_.mono())) {
    log::warning("enrolment-blocked", {{"from", from}});
    co_return est::problem(429, "too-many-wrong-tokens",
                           "five wrong tokens came from this address: wait 15 minutes");
  }
  const auto header = request.headers["authorization"];
  const auto hash = identity::hash_of_bearer(
      header.starts_with(bearer_prefix) ? std::string_view{header}.substr(bearer_prefix.size())
                                        : std::string_view{});
  if (!hash) co_return est::problem(401, "token-missing", hash.error().text());
  std::function<Result<TokenRow>(Work&)> look = [hash = *hash](Work& work) -> Result<TokenRow> {
    auto token = work.store().find_token(hash);
    const auto wrong = wrong_with(token, work.now());
    if (!wrong) return *token;
    return Error{Errc::refused, *wrong};
  };
  const auto token = co_await act(writer_, std::move(look));
  if (!token) {
    co_await note_wrong_token(from, token.error().text());
    co_return est::problem(401, "token-refused", token.error().text());
  }
  const auto issued = co_await sign(std::move(request.body), token->terminal_code);
  if (!issued) co_return est::problem(400, "bad-certificate-request", issued.error().text());

  std::function<Result<CertificateRow>(Work&)> put =
      [hash = *hash, from, issued = *issued](Work& work) -> Result<CertificateRow> {
    auto& store = work.store();
    const auto again = store.find_token(hash);
    if (const auto wrong = wrong_with(again, work.now())) return Error{Errc::refused, *wrong};
    const CertificateRow row{.serial = issued.serial,
                             .terminal = again->terminal,
                             .terminal_code = again->terminal_code};
    store.use_token(hash, work.now());
    store.put_certificate(row, issued.not_after, work.now());
    store.audit({.at = work.now(),
                 .actor = "kiosk",
                 .from = from,
                 .action = "kiosk.enrol",
                 .object = "terminal/" + again->terminal_code,
                 .result = "ok",
                 .after = "certificate " + issued.serial});
    return row;
  };
  const auto row = co_await act(writer_, std::move(put));
  if (!row) co_return est::problem(409, "token-refused", row.error().text());
  registry_.put(*row);
  log::info("kiosk-enrolled",
            {{"terminal", row->terminal_code}, {"serial", row->serial}, {"from", from}});
  co_return est::certificate(row->terminal_code, *issued, authority_);
}

}  // namespace kw::collector
