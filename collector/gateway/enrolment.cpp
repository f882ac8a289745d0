#include "collector/gateway/enrolment.hpp"

#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "collector/writer/act.hpp"
#include "common/identity/token.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

constexpr std::size_t wrong_tokens = 5;
constexpr auto block_time = std::chrono::minutes{15};
constexpr std::size_t addresses_remembered = 10'000;
constexpr std::string_view bearer_prefix = "Bearer ";

link::HttpResponse problem(int status, std::string_view code, std::string detail) {
  link::HttpResponse out;
  out.status = status;
  out.headers["content-type"] = "application/problem+json";
  out.body = json::serialize(json::object{{"type", "about:blank"},
                                          {"status", status},
                                          {"title", code},
                                          {"code", code},
                                          {"detail", detail}});
  return out;
}

/// Why a token does not open the door; the same words for all that would help a guesser.
std::optional<std::string> wrong_with(const std::optional<TokenRow>& token, WallTime now) {
  if (!token) return "unknown token";
  if (token->used) return "this token has been used already: ask for a new one";
  if (token->expires_at <= now) return "this token has expired: ask for a new one";
  return std::nullopt;
}

}  // namespace

Enrolment::Enrolment(Writer& writer, Registry& registry, const AuthorityFiles& authority,
                     Worker& crypto, const Clock& clock)
    : writer_(writer), registry_(registry), authority_(authority), crypto_(crypto), clock_(clock) {}

Task<link::HttpResponse> Enrolment::answer(link::HttpRequest request, link::PeerCertificate) {
  const bool enroll_path = request.target == "/.well-known/est/simpleenroll";
  if (!enroll_path) co_return problem(404, "not-found", "this port enrols and serves kiosks");
  if (request.method != "POST") co_return problem(405, "method-not-allowed", "POST only");
  co_return co_await enroll(std::move(request));
}

Task<link::HttpResponse> Enrolment::enroll(link::HttpRequest request) {
  const std::string from = request.remote.substr(0, request.remote.rfind(':'));
  if (blocked(from)) {
    log::warning("enrolment-blocked", {{"from", from}});
    co_return problem(429, "too-many-wrong-tokens",
                      "five wrong tokens came from this address: wait 15 minutes");
  }
  const auto header = request.headers["authorization"];
  const auto hash = identity::hash_of_bearer(
      header.starts_with(bearer_prefix) ? std::string_view{header}.substr(bearer_prefix.size())
                                        : std::string_view{});
  if (!hash) co_return problem(401, "token-missing", hash.error().text());
  std::function<Result<TokenRow>(Work&)> look = [hash = *hash,
                                                 from](Work& work) -> Result<TokenRow> {
    auto token = work.store().find_token(hash);
    const auto wrong = wrong_with(token, work.now());
    if (!wrong) return *token;
    return Error{Errc::refused, *wrong};
  };
  const auto token = co_await act(writer_, std::move(look));
  if (!token) {
    wrong_token(from);
    log::warning("enrolment-refused", {{"from", from}, {"reason", token.error()}});
    std::function<Result<bool>(Work&)> record =
        [from, why = token.error().text()](Work& work) -> Result<bool> {
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
    co_return problem(401, "token-refused", token.error().text());
  }

  const auto now = clock_.wall();
  auto sign = [this, csr = std::move(request.body), code = token->terminal_code, now] {
    return identity::sign_kiosk(authority_.issuer(), csr, code, now);
  };
  const auto issued = co_await crypto_.run(std::move(sign));
  if (!issued) co_return problem(400, "bad-certificate-request", issued.error().text());

  std::function<Result<CertificateRow>(Work&)> put =
      [hash = *hash, from, issued = *issued](Work& work) -> Result<CertificateRow> {
    auto& store = work.store();
    const auto again = store.find_token(hash);
    if (const auto wrong = wrong_with(again, work.now())) return Error{Errc::refused, *wrong};
    const CertificateRow row{issued.serial, again->terminal, again->terminal_code, false};
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
  if (!row) co_return problem(409, "token-refused", row.error().text());
  registry_.put(*row);
  log::info("kiosk-enrolled",
            {{"terminal", row->terminal_code}, {"serial", row->serial}, {"from", from}});
  link::HttpResponse out;
  out.headers["content-type"] = "application/json";
  out.body = json::serialize(
      json::object{{"terminal", row->terminal_code},
                   {"certificate_chain_pem", issued->certificate_pem + authority_.issuer_pem()},
                   {"ca_pem", authority_.trust_pem()}});
  co_return out;
}

bool Enrolment::blocked(const std::string& address) {
  const auto it = wrong_.find(address);
  if (it == wrong_.end()) return false;
  auto& times = it->second;
  while (!times.empty() && clock_.mono() - times.front() > block_time) times.pop_front();
  if (times.empty()) {
    wrong_.erase(it);
    return false;
  }
  return times.size() >= wrong_tokens;
}

void Enrolment::wrong_token(const std::string& address) {
  if (wrong_.size() >= addresses_remembered) wrong_.erase(wrong_.begin());
  wrong_[address].push_back(clock_.mono());
}

}  // namespace kw::collector
