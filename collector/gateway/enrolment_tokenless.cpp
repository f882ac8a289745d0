// How a kiosk gets a certificate without a token: by the one that it has (renewal), or by a
// person's approval of its key (provisioning list).
#include "collector/gateway/enrolment.hpp"
#include "collector/gateway/est_answers.hpp"
#include "collector/writer/act.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

constexpr int knocks_at_once = 8;

/// No kiosk needs so many; one that asks on and on must not fill the table.
Result<void> check_rate(Work& work, TerminalKey terminal, std::int64_t most) {
  const auto since = work.now() - std::chrono::hours{24};
  if (work.store().identities().issued_since(terminal, since) < most) return {};
  return Error{Errc::busy, "this terminal got too many certificates today: wait a day"};
}

KioskFacts facts_in(link::HttpRequest& request) {
  return {request.headers["x-kioskwatch-hostname"], request.headers["x-kioskwatch-serial"],
          request.headers["x-kioskwatch-os"]};
}

}  // namespace

Task<link::HttpResponse> Enrolment::renew(link::HttpRequest request, link::PeerCertificate peer) {
  if (!peer.present) {
    co_return est::problem(401, "certificate-missing", "renewing needs the present certificate");
  }
  const auto now = clock_.wall();
  const auto refusal = registry_.admit(peer, now);
  if (refusal) co_return est::problem(403, refusal->code, refusal->detail);
  if (peer.not_after + settings_.renew_expired <= now) {
    co_return est::problem(403, "expired-too-long",
                           "the certificate ended too long ago: enrol this kiosk again");
  }
  const auto old = *registry_.find(peer.serial);
  const auto most = settings_.certificates_a_day;
  std::function<Result<bool>(Work&)> look = [old, most](Work& work) -> Result<bool> {
    auto few = check_rate(work, old.terminal, most);
    if (!few) return std::move(few).error();
    return true;
  };
  const auto may = co_await act(writer_, std::move(look));
  if (!may && may.error().code() == Errc::busy) {
    co_return est::problem(429, "too-many-certificates", may.error().text(), std::chrono::hours{1});
  }
  if (!may) co_return est::problem(503, "not-stored", may.error().text());
  const auto issued = co_await sign(std::move(request.body), old.terminal_code);
  if (!issued) co_return est::problem(400, "bad-certificate-request", issued.error().text());

  const std::string from = est::address_of(request.remote);
  std::function<Result<CertificateRow>(Work&)> put =
      [old, from, issued = *issued](Work& work) -> Result<CertificateRow> {
    auto& store = work.store();
    const auto still = store.identities().find_certificate(old.serial);
    if (!still || still->revoked) return Error{Errc::refused, "revoked meanwhile"};
    const CertificateRow row{
        .serial = issued.serial, .terminal = old.terminal, .terminal_code = old.terminal_code};
    store.put_certificate(row, issued.not_after, work.now());
    store.audit({.at = work.now(),
                 .actor = "kiosk",
                 .from = from,
                 .action = "kiosk.renew",
                 .object = "terminal/" + old.terminal_code,
                 .result = "ok",
                 .before = "certificate " + old.serial,
                 .after = "certificate " + issued.serial});
    return row;
  };
  const auto row = co_await act(writer_, std::move(put));
  if (!row && row.error().code() == Errc::refused) {
    co_return est::problem(403, "revoked", row.error().text());
  }
  if (!row) co_return est::problem(503, "not-stored", row.error().text());
  registry_.put(*row);
  log::info("certificate-renewed", {{"terminal", row->terminal_code},
                                    {"serial", row->serial},
                                    {"replaces", old.serial},
                                    {"from", from}});
  co_return est::certificate(row->terminal_code, *issued, authority_);
}

Task<link::HttpResponse> Enrolment::knock(link::HttpRequest request) {
  const std::string from = est::address_of(request.remote);
  const auto retry = settings_.provisioning.retry_after;
  if (knocking_ >= knocks_at_once) {
    co_return est::problem(503, "busy", "too many kiosks knock at once", retry);
  }
  if (knocks_.too_often(from, clock_.mono())) {
    co_return est::problem(429, "too-many-knocks", "too many knocks from this address", retry);
  }
  knocks_.note(from, clock_.mono());
  ++knocking_;
  auto answer = co_await knock_counted(std::move(request), from);
  --knocking_;
  co_return answer;
}

Task<link::HttpResponse> Enrolment::knock_counted(link::HttpRequest request, std::string from) {
  auto check = [csr = request.body] { return identity::check_request(csr); };
  const auto checked = co_await crypto_.run(std::move(check));
  if (!checked) co_return est::problem(400, "bad-certificate-request", checked.error().text());
  const auto limits = settings_.provisioning;
  const auto most = settings_.certificates_a_day;
  std::function<Result<ProvisioningRow>(Work&)> note =
      [from, limits, most, key = checked->public_key_sha256,
       facts = facts_in(request)](Work& work) -> Result<ProvisioningRow> {
    auto row = collector::knock(work, key, facts, from, limits);
    if (!row || row->state != ProvisioningState::approved) return row;
    auto few = check_rate(work, row->terminal, most);
    if (!few) return std::move(few).error();
    return row;
  };
  const auto row = co_await act(writer_, std::move(note));
  if (!row && row.error().code() == Errc::busy) {
    co_return est::problem(429, "too-many-kiosks", row.error().text(), limits.retry_after);
  }
  if (!row) co_return est::problem(503, "not-stored", row.error().text(), limits.retry_after);
  if (row->knocks == 1) {
    log::info("kiosk-knocked", {{"id", row->id},
                                {"hostname", row->facts.hostname},
                                {"from", from},
                                {"key", row->key_sha256}});
  }
  if (row->state == ProvisioningState::rejected) {
    co_return est::problem(403, "rejected", "an administrator has turned this kiosk away");
  }
  if (row->state == ProvisioningState::waiting) {
    co_return est::accepted(row->key_sha256, limits.retry_after);
  }
  const auto issued = co_await sign(checked->csr_pem, row->terminal_code);
  if (!issued) co_return est::problem(400, "bad-certificate-request", issued.error().text());
  std::function<Result<CertificateRow>(Work&)> put = [id = row->id, from,
                                                      issued = *issued](Work& work) {
    return record_issue(work, id, from, issued.serial, issued.not_after);
  };
  const auto certificate = co_await act(writer_, std::move(put));
  if (!certificate) {
    co_return est::problem(503, "not-issued", certificate.error().text(), limits.retry_after);
  }
  registry_.put(*certificate);
  log::info("kiosk-enrolled", {{"terminal", certificate->terminal_code},
                               {"serial", certificate->serial},
                               {"from", from},
                               {"approved_by", row->decided_by}});
  co_return est::certificate(certificate->terminal_code, *issued, authority_);
}

}  // namespace kw::collector
