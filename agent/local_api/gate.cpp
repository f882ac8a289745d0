#include "agent/local_api/gate.hpp"

#include <algorithm>

#include <openssl/crypto.h>

#include "agent/local_api/messages.hpp"
#include "agent/local_api/settings.hpp"
#include "common/identity/keys.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t shown_most = 100;

/// The host of "HOST" or "HOST:PORT"; of an IPv6 address without its brackets.
std::string host_of(const std::string& authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string::npos ? std::string{} : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.rfind(':'));
}

std::string printable(std::string_view text) {
  std::string out{text.substr(0, shown_most)};
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

bool known_origin(const std::string& origin, const Gate& gate) {
  return std::ranges::find(gate.origins, origin) != gate.origins.end();
}

}  // namespace

std::string header(const link::HttpRequest& request, const std::string& name) {
  const auto it = request.headers.find(name);
  return it == request.headers.end() ? std::string{} : it->second;
}

std::optional<Refusal> refuse_stranger(const link::HttpRequest& request, const Gate& gate) {
  const auto host = header(request, "host");
  if (!is_loopback(host_of(host))) {
    return refuse(403, "wrong-host", {}, message::wrong_host, printable(host));
  }
  const auto origin = header(request, "origin");
  if (!origin.empty()) {
    if (known_origin(origin, gate)) return std::nullopt;
    return refuse(403, "wrong-origin", {}, message::wrong_origin, printable(origin));
  }
  const auto site = header(request, "sec-fetch-site");
  if (site.empty() || site == "none" || site == "same-origin") return std::nullopt;
  return refuse(403, "wrong-origin", {}, message::wrong_origin, printable(site));
}

std::optional<Refusal> refuse_without_token(const link::HttpRequest& request, const Gate& gate) {
  constexpr std::string_view scheme = "bearer ";
  const auto given = header(request, "authorization");
  const auto same_letter = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  const bool bearer =
      given.size() > scheme.size() &&
      std::ranges::equal(std::string_view{given}.substr(0, scheme.size()), scheme, same_letter);
  if (!bearer) return refuse(401, "no-token", {}, message::no_token);
  // Of equal length whatever was given, so that neither length nor content shows in the time taken.
  const auto theirs = identity::sha256(std::string_view{given}.substr(scheme.size()));
  const auto ours = identity::sha256(gate.token);
  if (!gate.token.empty() && CRYPTO_memcmp(theirs.data(), ours.data(), ours.size()) == 0) {
    return std::nullopt;
  }
  return refuse(401, "wrong-token", {}, message::wrong_token);
}

bool is_preflight(const link::HttpRequest& request) {
  return request.method == "OPTIONS" && !header(request, "origin").empty() &&
         !header(request, "access-control-request-method").empty();
}

link::HttpResponse preflight(const link::HttpRequest& request) {
  link::HttpResponse out;
  out.status = 204;
  out.headers["Access-Control-Allow-Methods"] = "GET, POST";
  out.headers["Access-Control-Allow-Headers"] = "authorization, content-type, accept-language";
  out.headers["Access-Control-Max-Age"] = "600";
  // Chromium asks this of pages that come from elsewhere (Private Network Access).
  if (header(request, "access-control-request-private-network") == "true") {
    out.headers["Access-Control-Allow-Private-Network"] = "true";
  }
  return out;
}

void allow_page(link::HttpResponse& response, const link::HttpRequest& request, const Gate& gate) {
  response.headers["Vary"] = "Origin, Accept-Language";
  const auto origin = header(request, "origin");
  if (origin.empty() || !known_origin(origin, gate)) return;
  response.headers["Access-Control-Allow-Origin"] = origin;
  response.headers["Access-Control-Expose-Headers"] = "Retry-After, Idempotency-Replayed";
}

}  // namespace kw::agent
