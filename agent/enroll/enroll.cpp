#include "agent/enroll/enroll.hpp"

#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "agent/messages.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/token.hpp"
#include "common/link/http.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr auto request_limit = std::chrono::seconds{30};
constexpr std::string_view path = "/.well-known/est/simpleenroll";

template <class... Args>
Error say(Errc code, Lang lang, const Text& text, const Args&... args) {
  return {code, fmt::format(fmt::runtime(text.in(lang)), args...)};
}

/// EST's body (RFC 7030 section 4.2.1): the base64 between the lines of the PEM.
std::string est_body(std::string_view pem) {
  std::string out;
  while (!pem.empty()) {
    const auto end = pem.find('\n');
    const auto line = pem.substr(0, end);
    if (!line.starts_with("-----")) out.append(line);
    pem.remove_prefix(end == std::string_view::npos ? pem.size() : end + 1);
  }
  return out;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{std::string_view{value->get_string()}};
}

/// The `detail` of an application/problem+json body (RFC 9457), else the body's first line.
std::string reason_of(const link::HttpResponse& response) {
  json::error_code wrong;
  const auto body = json::parse(response.body, wrong);
  if (!wrong && body.is_object()) {
    for (const char* key : {"detail", "title"}) {
      if (auto text = text_at(body.get_object(), key); !text.empty()) return text;
    }
  }
  return response.body.substr(0, std::min<std::size_t>(response.body.find('\n'), 200));
}

Result<IdentityFiles> identity_of(const link::HttpResponse& response) {
  json::error_code wrong;
  const auto body = json::parse(response.body, wrong);
  if (wrong || !body.is_object()) return Error{Errc::garbled, "not a JSON object"};
  const auto& object = body.get_object();
  IdentityFiles out;
  out.terminal = text_at(object, "terminal");
  out.own.chain_pem = text_at(object, "certificate_chain_pem");
  out.ca_pem = text_at(object, "ca_pem");
  if (out.terminal.empty()) return Error{Errc::garbled, "terminal is missing"};
  auto chain = identity::parse_chain(out.own.chain_pem);
  if (!chain) return std::move(chain).error().within("certificate_chain_pem");
  auto ca = identity::parse_chain(out.ca_pem);
  if (!ca) return std::move(ca).error().within("ca_pem");
  return out;
}

/// The CA that signs from now on must be the one that the token named.
Result<void> check_pin(const IdentityFiles& identity, const std::string& pin) {
  const auto chain = identity::parse_chain(identity.ca_pem);
  if (!chain) return chain.error();
  for (const auto& certificate : *chain) {
    if (certificate.sha256() == pin) return {};
  }
  return Error{Errc::refused, "its CA is not the one that the token names"};
}

}  // namespace

Task<Result<IdentityFiles>> enroll(Enrolment wanted, Lang lang) {
  const auto known = load_identity(wanted.data);
  if (known && !wanted.force) {
    co_return say(Errc::invalid, lang, message::already_enrolled, known->terminal);
  }
  const auto token = identity::Token::parse(wanted.token);
  if (!token) co_return say(Errc::invalid, lang, message::bad_token, token.error().text());
  std::string_view address = wanted.server;
  constexpr std::string_view scheme = "https://";
  if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  while (address.ends_with('/')) address.remove_suffix(1);
  const auto server = link::Endpoint::parse(std::string{address});
  if (!server || !wanted.server.starts_with(scheme)) {
    co_return say(Errc::invalid, lang, message::bad_server, wanted.server);
  }
  std::optional<link::Proxy> proxy;
  if (!wanted.proxy.empty()) {
    auto parsed = link::Proxy::parse(wanted.proxy);
    if (!parsed) co_return say(Errc::invalid, lang, message::bad_proxy, parsed.error().text());
    proxy = std::move(*parsed);
  }
  auto key = identity::make_key();
  if (!key) co_return say(key.error().code(), lang, message::key_failed, key.error().text());
  const auto csr = identity::make_csr(*key, wanted.hostname.empty() ? "kiosk" : wanted.hostname);
  if (!csr) co_return say(csr.error().code(), lang, message::key_failed, csr.error().text());

  link::ClientTls::Options options;
  options.pin_sha256 = token->pin_sha256;
  options.ignore_dates = true;  // a clock that was never set; the pin says who it is
  options.resume = false;
  auto tls = link::ClientTls::make(options);
  if (!tls) co_return say(Errc::invalid, lang, message::bad_token, tls.error().text());
  link::HttpRequest request;
  request.method = "POST";
  request.target = std::string{path};
  request.headers["content-type"] = "application/pkcs10";
  request.headers["content-transfer-encoding"] = "base64";
  request.headers["accept"] = "application/json";
  request.headers["authorization"] = "Bearer " + token->bearer();
  request.body = est_body(*csr);
  const auto response = co_await link::http_request(*server, *tls, request, request_limit, proxy);
  if (!response) {
    co_return say(response.error().code(), lang, message::unreachable, server->text(),
                  response.error().text());
  }
  if (response->status != 200) {
    co_return say(Errc::refused, lang, message::rejected, response->status, reason_of(*response));
  }
  auto identity = identity_of(*response);
  if (!identity) {
    co_return say(Errc::garbled, lang, message::bad_answer, identity.error().text());
  }
  const auto pinned = check_pin(*identity, token->pin_sha256);
  if (!pinned) co_return say(Errc::garbled, lang, message::bad_answer, pinned.error().text());
  const auto matched = identity::match_key(identity->own.chain_pem, *key);
  if (!matched) co_return say(Errc::garbled, lang, message::bad_answer, matched.error().text());
  identity->server = *server;
  identity->own.key_pem = std::move(*key);
  const auto saved = save_identity(wanted.data, *identity);
  if (!saved) co_return say(Errc::storage, lang, message::save_failed, saved.error().text());
  co_return std::move(*identity);
}

}  // namespace kw::agent
