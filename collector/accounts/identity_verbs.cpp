#include "collector/accounts/identity_verbs.hpp"

#include <boost/json/array.hpp>

#include "collector/accounts/provisioning.hpp"
#include "collector/accounts/revocation.hpp"
#include "collector/accounts/tokens.hpp"
#include "common/identity/keys.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(rfc3339(*time)) : json::value(nullptr);
}

/// Reads texts out of the arguments and remembers the first that is wrong.
struct Arguments {
  const json::object& args;
  Result<void> read;

  std::string text(std::string_view key, bool required) {
    const auto* value = args.if_contains(key);
    const bool absent = value == nullptr || value->is_null();
    if (!absent && value->is_string()) return std::string{std::string_view{value->get_string()}};
    if (read && (required || !absent)) {
      read = Error{Errc::invalid, std::string{key} + (absent ? " is missing" : " must be a text")};
    }
    return {};
  }
};

}  // namespace

json::object to_json(const ProvisioningRow& row) {
  json::object out;
  out["id"] = row.id;
  out["state"] = name(row.state);
  out["fingerprint"] = identity::fingerprint(row.key_sha256);
  out["hostname"] = text_or_null(row.facts.hostname);
  out["serial"] = text_or_null(row.facts.serial);
  out["os"] = text_or_null(row.facts.os);
  out["address"] = row.address;
  out["first_seen_at"] = rfc3339(row.first_seen);
  out["last_seen_at"] = rfc3339(row.last_seen);
  out["knocks"] = row.knocks;
  out["terminal_code"] = text_or_null(row.terminal_code);
  out["decided_at"] = time_or_null(row.decided_at);
  out["decided_by"] = text_or_null(row.decided_by);
  out["issued_at"] = time_or_null(row.issued_at);
  return out;
}

bool is_identity_verb(std::string_view verb) {
  return verb == "token-new" || verb == "revoke" || verb == "provisioning-approve" ||
         verb == "provisioning-reject";
}

Result<IdentityDeed> perform(Work& work, const Subject& subject, std::string_view verb,
                             const json::object& args, std::string_view ca_pin) {
  Arguments given{args, {}};
  IdentityDeed out;
  if (verb == "token-new") {
    const auto terminal = given.text("terminal", true);
    if (!given.read) return given.read.error();
    auto token = make_token(work, subject, terminal, ca_pin);
    if (!token) return std::move(token).error();
    out.answer["token"] = *token;
    return out;
  }
  if (verb == "revoke") {
    const auto terminal = given.text("terminal", true);
    const auto serial = given.text("serial", false);
    const auto reason = given.text("reason", false);
    if (!given.read) return given.read.error();
    auto revoked = revoke(work, subject, terminal, serial, reason);
    if (!revoked) return std::move(revoked).error();
    json::array serials;
    for (const auto& row : *revoked) serials.emplace_back(row.serial);
    out.answer["terminal_code"] = terminal;
    out.answer["revoked"] = std::move(serials);
    out.certificates = std::move(*revoked);
    return out;
  }
  const bool approves = verb == "provisioning-approve";
  if (!approves && verb != "provisioning-reject") {
    return Error{Errc::unsupported, "unknown verb " + std::string{verb.substr(0, 64)}};
  }
  const auto id = given.text("id", true);
  const auto terminal = given.text("terminal", approves);
  if (!given.read) return given.read.error();
  auto row = approves ? approve(work, subject, id, terminal) : reject(work, subject, id);
  if (!row) return std::move(row).error();
  out.answer = to_json(*row);
  return out;
}

}  // namespace kw::collector
