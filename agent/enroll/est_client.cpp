#include "agent/enroll/est_client.hpp"

#include <algorithm>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "common/identity/certificate.hpp"

namespace kw::agent::est {
namespace {

namespace json = boost::json;

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

json::object object_in(const link::HttpResponse& response) {
  json::error_code wrong;
  auto body = json::parse(response.body, wrong);
  if (wrong || !body.is_object()) return {};
  return std::move(body.get_object());
}

}  // namespace

link::HttpRequest request(const std::string& operation, const std::string& csr_pem) {
  link::HttpRequest out;
  out.method = "POST";
  out.target = "/.well-known/est/" + operation;
  out.headers["content-type"] = "application/pkcs10";
  out.headers["content-transfer-encoding"] = "base64";
  out.headers["accept"] = "application/json";
  out.body = est_body(csr_pem);
  return out;
}

std::string reason_in(const link::HttpResponse& response) {
  const auto body = object_in(response);
  for (const char* key : {"detail", "title"}) {
    if (auto text = text_at(body, key); !text.empty()) return text;
  }
  return response.body.substr(0, std::min<std::size_t>(response.body.find('\n'), 200));
}

link::Refusal refusal_in(const link::HttpResponse& response) {
  const auto body = object_in(response);
  link::Refusal out{text_at(body, "code").substr(0, 64), reason_in(response), std::nullopt};
  const auto* after = body.if_contains("retry_after_ms");
  json::error_code wrong;
  const auto ms = after == nullptr ? -1 : after->to_number<std::int64_t>(wrong);
  constexpr std::int64_t longest_ms = 24LL * 3600 * 1000;
  if (!wrong && ms >= 0) out.retry_after = std::chrono::milliseconds{std::min(ms, longest_ms)};
  return out;
}

Result<IdentityFiles> identity_in(const link::HttpResponse& response) {
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

}  // namespace kw::agent::est
