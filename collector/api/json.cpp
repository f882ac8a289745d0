#include "collector/api/json.hpp"

#include <algorithm>

#include "collector/api/remote_json.hpp"
#include "collector/orders/transitions.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/status_json.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<WallTime>& t) {
  return t ? json::value(rfc3339(*t)) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

wire::Status status_of(const DeviceRow& row) {
  auto status = wire::from_wire(row.status);
  status.enabled = row.enabled;
  if (row.found) {
    status.identity = {row.found->vendor(), row.found->model(), row.found->serial(),
                       row.found->firmware()};
  }
  return status;
}

}  // namespace

json::object to_json(const TerminalRow& row) {
  return {{"terminal_code", row.code},
          {"name", row.name},
          {"state", name(row.state)},
          {"warning", row.warning},
          {"connected", row.connected},
          {"last_seen_at", time_or_null(row.last_seen_at)},
          {"agent_version", text_or_null(row.agent_version)},
          {"devices", row.devices},
          {"open_faults", row.open_faults},
          {"maintenance", to_json(row.maintenance)},
          {"configuration", to_json(row.configuration)}};
}

json::object to_json(const DeviceRow& row) {
  json::object out{{"terminal_code", row.terminal},
                   {"device", row.id},
                   {"driver", row.driver},
                   {"kind", row.kind}};
  const auto status = status_of(row);
  for (auto& [key, value] : wire::to_json(status)) out[key] = std::move(value);
  auto& conditions = out["conditions"].as_array();
  for (auto& condition : conditions) {
    for (const auto& active : row.conditions) {
      if (condition.at("code").as_string() == active.what.code) {
        condition.as_object()["since"] = rfc3339(active.since.at);
      }
    }
  }
  const auto flaps = [](const ActiveCondition& c) { return c.what.code == "flapping"; };
  out["flapping"] = std::ranges::any_of(row.conditions, flaps);
  out["state_since"] = rfc3339(row.since);
  json::object measured;
  if (row.sample) {
    for (const auto& m : row.sample->measurement())
      measured[m.name()] = wire::number_json(m.value());
  }
  out["measurements"] = std::move(measured);
  out["measured_at"] = row.sample ? json::value(rfc3339(row.sampled_at)) : json::value(nullptr);
  return out;
}

json::array consumables_json(const DeviceRow& row) {
  json::array out;
  auto status = wire::to_json(status_of(row));
  for (auto& consumable : status["consumables"].as_array()) {
    json::object one{{"terminal_code", row.terminal}, {"device", row.id}};
    for (auto& [key, value] : consumable.as_object()) one[key] = std::move(value);
    out.push_back(std::move(one));
  }
  return out;
}

json::object to_json(const FaultRow& row) {
  const auto& f = row.fault;
  return {{"id", f.id},
          {"terminal_code", row.terminal},
          {"device", text_or_null(f.subject)},
          {"code", f.code},
          {"level", name(f.level)},
          {"since", rfc3339(f.since.at)},
          {"opened_at", rfc3339(f.opened_at)},
          {"cleared_at", time_or_null(f.cleared_at)},
          {"cleared_why", text_or_null(f.cleared_why)},
          {"learned_late", f.learned_late},
          {"suppressed_by", text_or_null(f.suppressed_by)},
          {"order", text_or_null(row.order_number)}};
}

json::object to_json(const OrderRow& row) {
  const auto& o = row.order;
  json::array steps;
  for (const auto& s : row.steps) {
    steps.push_back(json::object{{"action", name(s.action)},
                                 {"from", name(s.from)},
                                 {"to", name(s.to)},
                                 {"actor", s.actor},
                                 {"note", text_or_null(s.note)},
                                 {"at", rfc3339(s.at)}});
  }
  json::object out{{"id", o.id},
                   {"number", o.number},
                   {"fault", o.fault_id},
                   {"terminal_code", row.terminal},
                   {"device", text_or_null(o.subject)},
                   {"code", o.code},
                   {"level", name(o.level)},
                   {"needs", name(o.needs)},
                   {"state", name(o.state)},
                   {"ended", ended(o.state)},
                   {"assignee", text_or_null(o.assignee)},
                   {"created_at", rfc3339(o.created_at)},
                   {"committed_at", time_or_null(row.committed_at)},
                   {"committed_at_us", row.committed_at ? json::value(micros(*row.committed_at))
                                                        : json::value(nullptr)}};
  if (!row.steps.empty()) out["steps"] = std::move(steps);
  return out;
}

json::object to_json(const std::map<TerminalState, std::int64_t>& terminals) {
  json::object out;
  for (const auto state : all_terminal_states) {
    const auto it = terminals.find(state);
    out[name(state)] = it == terminals.end() ? 0 : it->second;
  }
  return out;
}

json::object to_json(const StoreFigures& figures) {
  return {{"terminals_by_state", to_json(figures.terminals)},
          {"open_faults", figures.open_faults},
          {"open_orders", figures.open_orders}};
}

json::object to_json(const FaultDay& row) {
  return {{"day", row.day},
          {"code", row.code},
          {"level", name(row.level)},
          {"opened", row.opened},
          {"learned_late", row.late}};
}

}  // namespace kw::collector
