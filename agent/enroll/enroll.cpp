#include "agent/enroll/enroll.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "agent/enroll/est_client.hpp"
#include "agent/messages.hpp"
#include "common/identity/authority.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/token.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

namespace fs = std::filesystem;

constexpr auto request_limit = std::chrono::seconds{30};
constexpr auto knock_again = std::chrono::seconds{30};  // the collector names no time

template <class... Args>
Error say(Errc code, Lang lang, const Text& text, const Args&... args) {
  return {code, fmt::format(fmt::runtime(text.in(lang)), args...)};
}

/// The CA that signs from now on must be the one that the person named.
Result<void> check_pin(const IdentityFiles& identity, const std::string& pin) {
  const auto chain = identity::parse_chain(identity.ca_pem);
  if (!chain) return chain.error();
  for (const auto& certificate : *chain) {
    if (certificate.sha256() == pin) return {};
  }
  return Error{Errc::refused, "its CA is not the one that was named"};
}

/// Whom this kiosk believes to be its collector before it has an identity.
Result<link::ClientTls::Options> trust_of(const Enrolment& wanted, Lang lang) {
  link::ClientTls::Options out;
  out.ignore_dates = true;  // a clock that was never set; the pin says who it is
  out.resume = false;
  if (!wanted.token.empty()) {
    const auto token = identity::Token::parse(wanted.token);
    if (!token) return say(Errc::invalid, lang, message::bad_token, token.error().text());
    out.pin_sha256 = token->pin_sha256;
    return out;
  }
  if (!wanted.ca_file.empty()) {
    auto pem = platform::read_file(wanted.ca_file);
    if (!pem) return say(Errc::invalid, lang, message::bad_ca, pem.error().text());
    const auto read = identity::parse_chain(*pem);
    if (!read) return say(Errc::invalid, lang, message::bad_ca, read.error().text());
    out.pin_sha256 = read->front().sha256();
    return out;
  }
  // As people write it: upper case, with separators.
  for (const char c : wanted.ca_sha256) {
    if (c == ':' || c == '-' || c == ' ') continue;
    out.pin_sha256 += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  constexpr std::size_t digits = 64;
  if (!identity::from_hex(out.pin_sha256) || out.pin_sha256.size() != digits) {
    return say(Errc::invalid, lang, message::bad_ca, wanted.ca_sha256);
  }
  return out;
}

/// While a kiosk waits for approval it knocks with one key: what is approved is that key.
Result<std::string> pending_key(const fs::path& data) {
  const auto folder = data / "identity.pending";
  auto kept = platform::read_file(folder / "key.pem");
  if (kept) {
    // A damaged one would be refused at every knock, for ever.
    const auto request = identity::make_csr(*kept, "kiosk");
    if (request && identity::check_request(*request)) return kept;
  }
  auto key = identity::make_key();
  if (!key) return key;
  auto made = platform::make_folder(folder, true);
  if (made) made = platform::write_file(folder / "key.pem", *key, true);
  if (!made) return std::move(made).error();
  return key;
}

struct Ready {
  link::Endpoint server;
  std::optional<link::Proxy> proxy;
  std::shared_ptr<const link::ClientTls> tls;
  std::string pin;
  std::string key;
  std::string csr;
};

Result<Ready> prepare(const Enrolment& wanted, Lang lang) {
  const auto known = load_identity(wanted.data);
  if (known && !wanted.force) {
    return say(Errc::invalid, lang, message::already_enrolled, known->terminal);
  }
  std::string_view address = wanted.server;
  constexpr std::string_view scheme = "https://";
  if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  while (address.ends_with('/')) address.remove_suffix(1);
  auto server = link::Endpoint::parse(std::string{address});
  if (!server || !wanted.server.starts_with(scheme)) {
    return say(Errc::invalid, lang, message::bad_server, wanted.server);
  }
  auto trust = trust_of(wanted, lang);
  if (!trust) return std::move(trust).error();
  auto tls = link::ClientTls::make(*trust);
  if (!tls) return say(Errc::invalid, lang, message::bad_ca, tls.error().text());
  std::optional<link::Proxy> proxy;
  if (!wanted.proxy.empty()) {
    auto parsed = link::Proxy::parse(wanted.proxy);
    if (!parsed) return say(Errc::invalid, lang, message::bad_proxy, parsed.wrong().in(lang));
    proxy = std::move(*parsed);
  }
  auto key = wanted.token.empty() ? pending_key(wanted.data) : identity::make_key();
  if (!key) return say(key.error().code(), lang, message::key_failed, key.error().text());
  auto csr = identity::make_csr(*key, wanted.hostname.empty() ? "kiosk" : wanted.hostname);
  if (!csr) return say(csr.error().code(), lang, message::key_failed, csr.error().text());
  return Ready{std::move(*server), std::move(proxy), std::move(*tls),
               trust->pin_sha256,  std::move(*key),  std::move(*csr)};
}

/// A header's value is one line of text.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c >= 0 && c < ' '; }, '?');
  return text;
}

Result<IdentityFiles> keep(const Enrolment& wanted, Ready& ready,
                           const link::HttpResponse& response, Lang lang) {
  auto identity = est::identity_in(response);
  if (!identity) return say(Errc::garbled, lang, message::bad_answer, identity.error().text());
  const auto pinned = check_pin(*identity, ready.pin);
  if (!pinned) return say(Errc::garbled, lang, message::bad_answer, pinned.error().text());
  const auto matched = identity::match_key(identity->own.chain_pem, ready.key);
  if (!matched) return say(Errc::garbled, lang, message::bad_answer, matched.error().text());
  identity->server = ready.server;
  identity->own.key_pem = std::move(ready.key);
  const auto saved = save_identity(wanted.data, *identity);
  if (!saved) return say(Errc::storage, lang, message::save_failed, saved.error().text());
  std::error_code none;
  fs::remove_all(wanted.data / "identity.pending", none);
  return identity;
}

}  // namespace

Task<Result<IdentityFiles>> enroll(Enrolment wanted, Lang lang) {
  auto ready = prepare(wanted, lang);
  if (!ready) co_return std::move(ready).error();
  auto request = est::request("simpleenroll", ready->csr);
  if (!wanted.token.empty()) {
    request.headers["authorization"] = "Bearer " + identity::Token::parse(wanted.token)->bearer();
  } else {
    request.headers["x-kioskwatch-hostname"] = one_line(wanted.hostname);
    request.headers["x-kioskwatch-os"] = one_line(wanted.os);
    request.headers["x-kioskwatch-serial"] = one_line(wanted.serial);
  }
  bool told = false;
  for (;;) {
    const auto response = co_await link::http_request(ready->server, ready->tls, request,
                                                      request_limit, ready->proxy);
    // Who waits for a person also waits for a network.
    const bool waits = wanted.wait && wanted.token.empty();
    if (!response && !waits) {
      co_return say(response.error().code(), lang, message::unreachable, ready->server.text(),
                    response.error().text());
    }
    if (response && response->status == 200) co_return keep(wanted, *ready, *response, lang);
    const bool later =
        response && (response->status == 202 || response->status == 429 || response->status == 503);
    if (response && !later) {
      co_return say(Errc::refused, lang, message::rejected, response->status,
                    est::reason_in(*response));
    }
    if (response && response->status == 202 && !std::exchange(told, true) && wanted.waiting) {
      const auto checked = identity::check_request(ready->csr);
      if (checked) wanted.waiting(identity::fingerprint(checked->public_key_sha256));
    }
    if (!waits) {
      co_return say(Errc::busy, lang, message::not_approved_yet, est::reason_in(*response));
    }
    Duration pause = knock_again;
    if (response) pause = est::refusal_in(*response).retry_after.value_or(pause);
    // Kiosks that were switched on together do not knock together for ever.
    const auto spread = static_cast<double>(pause.count()) / 4 * wanted.jitter();
    pause += Duration{static_cast<Duration::rep>(spread)};
    co_await sleep_for(pause);
  }
}

}  // namespace kw::agent
