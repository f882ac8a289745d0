#include "collector/gateway/est_answers.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"

namespace kw::collector::est {
namespace {

namespace json = boost::json;

/// HTTP counts whole seconds, our own clients read milliseconds.
void set_retry_after(link::HttpResponse& response, json::object& body, Duration retry_after) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(retry_after);
  body["retry_after_ms"] = ms.count();
  response.headers["retry-after"] =
      std::to_string(std::chrono::ceil<std::chrono::seconds>(ms).count());
}

}  // namespace

link::HttpResponse problem(int status, std::string_view code, std::string detail,
                           std::optional<Duration> retry_after) {
  link::HttpResponse out;
  out.status = status;
  out.headers["content-type"] = "application/problem+json";
  json::object body{{"type", "about:blank"},
                    {"status", status},
                    {"title", code},
                    {"code", code},
                    {"detail", detail}};
  if (retry_after) set_retry_after(out, body, *retry_after);
  out.body = json::serialize(body);
  return out;
}

link::HttpResponse accepted(std::string_view key_sha256, Duration retry_after) {
  link::HttpResponse out;
  out.status = 202;
  out.headers["content-type"] = "application/json";
  json::object body{{"fingerprint", identity::fingerprint(key_sha256)}};
  set_retry_after(out, body, retry_after);
  out.body = json::serialize(body);
  return out;
}

link::HttpResponse certificate(const std::string& terminal, const identity::Issued& issued,
                               const AuthorityFiles& authority) {
  link::HttpResponse out;
  out.headers["content-type"] = "application/json";
  out.body = json::serialize(
      json::object{{"terminal", terminal},
                   {"certificate_chain_pem", issued.certificate_pem + authority.issuer_pem()},
                   {"ca_pem", authority.trust_pem()}});
  return out;
}

std::string address_of(const std::string& remote) { return remote.substr(0, remote.rfind(':')); }

}  // namespace kw::collector::est
