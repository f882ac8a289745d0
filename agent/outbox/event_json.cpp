#include "agent/outbox/event_json.hpp"

#include <fmt/format.h>

#include "common/wire/event_json.hpp"

namespace kw::agent {

namespace json = boost::json;

json::object event_json(std::uint64_t epoch, const Record& record) {
  json::object out;
  out["epoch"] = fmt::format("{:016x}", epoch);
  out["seq"] = record.seq;
  out["at"] =
      record.wall_us == 0 ? json::value(nullptr) : json::value(rfc3339(wall_from(record.wall_us)));
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
  if (event.ParseFromString(record.body)) wire::add_event(out, event);
  return out;
}

}  // namespace kw::agent
