#include "collector/api/remote_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "common/identity/keys.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<WallTime>& t) {
  return t ? json::value(rfc3339(*t)) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value hex_or_null(const std::string& bytes) { return text_or_null(identity::to_hex(bytes)); }

/// What a kiosk told as JSON; its plain text when it is none.
json::value told(const std::string& text) {
  if (text.empty()) return nullptr;
  boost::system::error_code wrong;
  auto value = json::parse(text, wrong);
  return wrong ? json::value(text) : value;
}

/// A take-back that is done is as if nothing had ever been pushed.
std::string_view state_of(const PushedConfiguration& c) {
  const bool taken_back = c.body.empty() && c.hash == identity::sha256({});
  return taken_back && c.state == ConfigurationState::applied ? "none" : name(c.state);
}

json::value hash_of(const PushedConfiguration& c) {
  return c.hash == identity::sha256({}) ? json::value(nullptr) : hex_or_null(c.hash);
}

void put(json::object& out, const PushedConfiguration& c) {
  out["state"] = state_of(c);
  out["hash"] = hash_of(c);
  out["detail"] = text_or_null(c.detail);
  out["pushed_at"] = rfc3339(c.pushed_at);
  out["pushed_by"] = c.pushed_by;
  out["reported_at"] = time_or_null(c.reported_at);
}

}  // namespace

json::object to_json(const CommandRow& row) {
  const auto& c = row.command;
  json::value bundle = nullptr;
  if (!c.bundle_sha256.empty()) {
    bundle = json::object{{"sha256", c.bundle_sha256},
                          {"bytes", c.bundle_bytes},
                          {"path", "/api/v1/commands/" + c.id + "/bundle"}};
  }
  return {{"id", c.id},
          {"terminal_code", row.terminal},
          {"seq", c.seq},
          {"verb", c.verb},
          {"args", told(c.args)},
          {"state", name(c.state)},
          {"ended", !open(c.state)},
          {"created_at", rfc3339(c.created_at)},
          {"created_by", c.created_by},
          {"expires_at", rfc3339(c.expires_at)},
          {"sent_at", time_or_null(c.sent_at)},
          {"ended_at", time_or_null(c.ended_at)},
          {"detail", text_or_null(c.detail)},
          {"result", told(c.result)},
          {"bundle", std::move(bundle)}};
}

json::object to_json(const ConfigurationFacts& facts) {
  json::object out;
  if (facts.pushed) {
    put(out, *facts.pushed);
  } else {
    out = {{"state", "none"},      {"hash", nullptr},      {"detail", nullptr},
           {"pushed_at", nullptr}, {"pushed_by", nullptr}, {"reported_at", nullptr}};
  }
  out["in_force"] = hex_or_null(facts.in_force);
  out["local"] = facts.local;
  return out;
}

json::object to_json(const ConfigurationRow& row) {
  json::object out = to_json(row.now);
  out["terminal_code"] = row.terminal;
  out["body"] = row.now.pushed ? text_or_null(row.now.pushed->body) : json::value(nullptr);
  json::array history;
  for (const auto& one : row.history) put(history.emplace_back(json::object{}).as_object(), one);
  out["history"] = std::move(history);
  return out;
}

json::value to_json(const std::optional<Maintenance>& maintenance) {
  if (!maintenance) return nullptr;
  return json::object{{"since", rfc3339(maintenance->since)},
                      {"until", time_or_null(maintenance->until)},
                      {"reason", maintenance->reason},
                      {"by", maintenance->by}};
}

}  // namespace kw::collector
