#include "agent/outbox/event_json.hpp"

#include <array>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "common/identity/keys.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/status_json.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> power_kinds{"agent-start", "boot", "shutdown"};
constexpr std::array<std::string_view, 5> result_states{"done", "failed", "expired", "refused",
                                                        "interrupted"};
constexpr std::array<std::string_view, 3> report_states{"applied", "refused", "rolled-back"};

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
  for (const auto& m : from.measurement()) measurements[m.name()] = m.value();
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
    return has ? json::value(value) : json::value(nullptr);
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

void body(json::object& out, const pb::Event& event) {
  switch (event.body_case()) {
    case pb::Event::kState:
      for (auto& [key, value] : wire::to_json(wire::from_wire(event.state()))) {
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
    case pb::Event::BODY_NOT_SET:
      break;
  }
}

}  // namespace

json::object event_json(std::uint64_t epoch, const Record& record) {
  json::object out;
  out["epoch"] = fmt::format("{:016x}", epoch);
  out["seq"] = record.seq;
  out["at"] = time(record.wall_us);
  out["class"] = wire::row(record.event_class).name;
  if (record.gap()) {
    pb::Gap gap;
    gap.ParseFromString(record.body);
    out["count"] = record.count;
    out["of"] = gap.event_class();
    out["reason"] = gap.reason();
    return out;
  }
  pb::Event event;
  if (event.ParseFromString(record.body)) body(out, event);
  return out;
}

}  // namespace kw::agent
