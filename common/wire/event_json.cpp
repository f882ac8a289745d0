#include "common/wire/event_json.hpp"

#include <array>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "common/clock.hpp"
#include "common/identity/keys.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/status_json.hpp"

namespace kw::wire {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> power_kinds{"agent-start", "boot", "shutdown"};
constexpr std::array<std::string_view, 5> result_states{"done", "failed", "expired", "refused",
                                                        "interrupted"};
constexpr std::array<std::string_view, 3> report_states{"applied", "refused", "rolled-back"};
constexpr std::array<std::string_view, 2> session_kinds{"begin", "end"};
constexpr std::array<std::string_view, 3> transaction_results{"succeeded", "failed", "cancelled"};

template <std::size_t N>
json::value word(const std::array<std::string_view, N>& words, int value) {
  const auto index = static_cast<std::size_t>(value);
  return value >= 0 && index < N ? json::value(words[index]) : json::value(value);
}

json::value time(std::int64_t wall_us) {
  return wall_us == 0 ? json::value(nullptr) : json::value(rfc3339(wall_from(wall_us)));
}

void power(json::object& out, const pb::Power& from) {
  out["kind"] = word(power_kinds, from.kind());
  out["unexpected"] = from.unexpected();
  out["last_seen"] = time(from.last_seen_wall_us());
}

void sample(json::object& out, const pb::Sample& from) {
  out["device"] = from.device();
  json::object measurements;
  for (const auto& m : from.measurement()) measurements[m.name()] = number_json(m.value());
  out["measurements"] = std::move(measurements);
}

void result(json::object& out, const pb::CommandResult& from) {
  out["command"] = from.id();
  out["state"] = word(result_states, from.state());
  out["detail"] = from.detail();
  json::error_code wrong;
  auto body = json::parse(from.body(), wrong);
  out["body"] = wrong ? json::value(nullptr) : std::move(body);
}

void refill(json::object& out, const pb::Refill& from) {
  const auto known = [](bool has, double value) {
    return has ? number_json(value) : json::value(nullptr);
  };
  out["refill"] = from.type();
  out["device"] = from.device();
  out["unit"] = from.unit();
  out["detected"] = from.detected();
  out["before"] = known(from.has_before(), from.before());
  out["level"] = known(from.has_level(), from.level());
  out["capacity"] = known(from.has_capacity(), from.capacity());
  out["used"] = from.used();
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

void session(json::object& out, const pb::ServiceSession& from) {
  out["session"] = from.id();
  out["kind"] = word(session_kinds, from.kind());
  out["application"] = text_or_null(from.application());
  if (from.kind() != pb::ServiceSession::END) return;
  out["reason"] = from.reason();
  out["duration_ms"] = from.has_duration_ms() ? json::value(from.duration_ms()) : json::value{};
}

void transaction(json::object& out, const pb::Transaction& from) {
  out["transaction"] = from.id();
  out["business"] = from.business();
  out["result"] = word(transaction_results, from.result());
  out["code"] = text_or_null(from.code());
  out["handling_city"] = text_or_null(from.handling_city());
  out["duration_ms"] = from.has_duration_ms() ? json::value(from.duration_ms()) : json::value{};
  out["session"] = text_or_null(from.session());
}

void clicks(json::object& out, const pb::Clicks& from) {
  json::array list;
  for (const auto& click : from.click()) {
    json::object to;
    to["item"] = click.item();
    to["handling_city"] = text_or_null(click.handling_city());
    to["count"] = click.count();
    to["ago_ms"] = click.ago_ms();
    list.push_back(std::move(to));
  }
  out["id"] = from.id();
  out["clicks"] = std::move(list);
  out["session"] = text_or_null(from.session());
}

void use(json::object& out, const pb::ConsumableUse& from) {
  out["id"] = from.id();
  out["device"] = from.device();
  out["type"] = text_or_null(from.type());
  out["amount"] = number_json(from.amount());
  out["unit"] = from.unit();
  out["session"] = text_or_null(from.session());
}

}  // namespace

void add_event(json::object& out, const pb::Event& event) {
  switch (event.body_case()) {
    case pb::Event::kState:
      for (auto& [key, value] : to_json(from_wire(event.state()))) {
        out[key] = std::move(value);
      }
      out["device"] = event.state().device();
      break;
    case pb::Event::kPower:
      power(out, event.power());
      break;
    case pb::Event::kSample:
      sample(out, event.sample());
      break;
    case pb::Event::kAgent:
      out["code"] = event.agent().code();
      out["device"] = event.agent().device();
      out["detail"] = event.agent().detail();
      break;
    case pb::Event::kCommandResult:
      result(out, event.command_result());
      break;
    case pb::Event::kConfiguration:
      out["hash"] = identity::to_hex(event.configuration().hash());
      out["state"] = word(report_states, event.configuration().state());
      out["detail"] = event.configuration().detail();
      break;
    case pb::Event::kRefill:
      refill(out, event.refill());
      break;
    case pb::Event::kSession:
      session(out, event.session());
      break;
    case pb::Event::kTransaction:
      transaction(out, event.transaction());
      break;
    case pb::Event::kClicks:
      clicks(out, event.clicks());
      break;
    case pb::Event::kConsumableUse:
      use(out, event.consumable_use());
      break;
    case pb::Event::BODY_NOT_SET:
      break;
  }
}

}  // namespace kw::wire
