#include "agent/local_api/bodies.hpp"

#include <array>

#include <boost/json/parse.hpp>

#include "agent/consumables/rules.hpp"
#include "agent/local_api/fields.hpp"
#include "agent/local_api/messages.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> end_reasons{"completed", "cancelled", "abandoned",
                                                      "failed"};
constexpr std::array<std::string_view, 3> results{"succeeded", "failed", "cancelled"};
constexpr std::array<std::string_view, 9> use_units{"pages", "sheets", "metres", "count",  "cards",
                                                    "g",     "ml",     "hours",  "percent"};
constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t clicks_at_once = 10'000;
constexpr double use_most = 100'000;
constexpr std::size_t depth_most = 8;

template <class T>
Read<T> finished(T value, const Fields& fields) {
  return {std::move(value), fields.wrong()};
}

}  // namespace

Read<json::object> read_body(const std::string& body) {
  json::parse_options options;
  options.max_depth = depth_most;
  json::error_code wrong;
  auto value = json::parse(body, wrong, {}, options);
  if (wrong) return {{}, refuse(400, "not-json", {}, message::not_json, wrong.message())};
  if (!value.is_object()) return {{}, refuse(400, "not-json", {}, message::not_object)};
  return {std::move(value.get_object())};
}

Read<pb::ServiceSession> read_session(const json::object& from) {
  Fields fields{from};
  pb::ServiceSession out;
  out.set_kind(pb::ServiceSession::BEGIN);
  out.set_id(fields.id("id", Need::required));
  out.set_application(fields.code("application", Need::optional));
  return finished(std::move(out), fields);
}

Read<std::string> read_session_end(const json::object& from) {
  Fields fields{from};
  std::string out{end_reasons[fields.one_of("reason", Need::required, end_reasons)]};
  return finished(std::move(out), fields);
}

Read<pb::Transaction> read_transaction(const json::object& from) {
  Fields fields{from};
  pb::Transaction out;
  out.set_id(fields.id("id", Need::required));
  out.set_business(fields.code("business", Need::required));
  out.set_result(
      static_cast<pb::Transaction::Result>(fields.one_of("result", Need::required, results)));
  out.set_code(fields.code("code", Need::optional));
  out.set_handling_city(fields.city("handling_city"));
  if (const auto ms = fields.whole("duration_ms", 0, day_ms)) out.set_duration_ms(*ms);
  out.set_session(fields.id("session", Need::optional));
  return finished(std::move(out), fields);
}

Read<pb::Clicks> read_clicks(const json::object& from) {
  Fields fields{from};
  pb::Clicks out;
  out.set_id(fields.id("id", Need::required));
  out.set_session(fields.id("session", Need::optional));
  std::size_t index = 0;
  for (const auto* each : fields.list("clicks", clicks_most)) {
    Fields click{*each, "clicks." + std::to_string(index++) + "."};
    auto& to = *out.add_click();
    to.set_item(click.text("item", Need::required, wire::item_limit));
    to.set_handling_city(click.city("handling_city"));
    to.set_count(static_cast<std::uint32_t>(click.whole("count", 1, clicks_at_once).value_or(1)));
    to.set_ago_ms(static_cast<std::uint32_t>(click.whole("ago_ms", 0, day_ms).value_or(0)));
    if (auto wrong = click.wrong()) fields.fail(std::move(*wrong));
  }
  return finished(std::move(out), fields);
}

Read<pb::ConsumableUse> read_use(const json::object& from) {
  Fields fields{from};
  pb::ConsumableUse out;
  out.set_id(fields.id("id", Need::required));
  out.set_device(fields.id("device", Need::required));
  out.set_type(fields.id("type", Need::optional));
  if (!out.type().empty() && !known_supply(out.type())) {
    fields.fail(refuse(400, "bad-field", "type", message::want_one_of, "type", known_supplies()));
  }
  out.set_amount(fields.amount("amount", use_most));
  out.set_unit(std::string{use_units[fields.one_of("unit", Need::required, use_units)]});
  out.set_session(fields.id("session", Need::optional));
  return finished(std::move(out), fields);
}

Read<NamedResult> read_device_result(const json::object& from) {
  Fields fields{from};
  NamedResult out;
  out.device = fields.id("device", Need::required);
  out.result.worked = fields.boolean("worked");
  out.result.vendor_code = fields.text("vendor_code", Need::optional, wire::code_limit);
  out.result.detail = fields.text("detail", Need::optional, detail_most);
  return finished(std::move(out), fields);
}

}  // namespace kw::agent
