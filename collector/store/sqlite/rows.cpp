#include "collector/store/sqlite/rows.hpp"

#include "common/wire/codec.hpp"

namespace kw::collector::rows {

Order order(const db::Row& row) {
  return {.id = row.text(0),
          .number = row.text(1),
          .fault_id = row.text(2),
          .terminal = row.integer(3),
          .subject = row.text(4),
          .code = row.text(5),
          .level = static_cast<Level>(row.integer(6)),
          .needs = static_cast<wire::Action>(row.integer(7)),
          .state = static_cast<OrderState>(row.integer(8)),
          .assignee = row.text(9),
          .created_at = wall_from(row.integer(10))};
}

Fault fault(const db::Row& row) {
  Fault out{.id = row.text(0),
            .subject = row.text(1),
            .code = row.text(2),
            .level = static_cast<Level>(row.integer(3)),
            .since = {row.unsigned_integer(4), row.unsigned_integer(5), wall_from(row.integer(6))},
            .opened_at = wall_from(row.integer(7)),
            .cleared_why = row.text(9),
            .learned_late = row.boolean(10),
            .order_id = row.text(11),
            .evidence = row.text(12)};
  if (!row.null(8)) out.cleared_at = wall_from(row.integer(8));
  return out;
}

std::string pack_since(const std::vector<ActiveCondition>& conditions) {
  pb::Status out;
  for (const auto& c : conditions) {
    auto& since = *out.add_condition()->mutable_since();
    out.mutable_condition()->rbegin()->set_code(c.what.code);
    since.set_epoch(c.since.epoch);
    since.set_seq(c.since.seq);
    since.set_wall_us(micros(c.since.at));
  }
  return out.SerializeAsString();
}

std::vector<ActiveCondition> unpack_conditions(std::string_view status, std::string_view since) {
  pb::Status whole;
  pb::Status begins;
  whole.ParseFromArray(status.data(), static_cast<int>(status.size()));
  begins.ParseFromArray(since.data(), static_cast<int>(since.size()));
  const auto plain = wire::from_wire(whole);
  std::vector<ActiveCondition> out;
  for (const auto& begin : begins.condition()) {
    for (const auto& c : plain.conditions) {
      if (c.code != begin.code()) continue;
      const auto& s = begin.since();
      out.push_back({c, {s.epoch(), s.seq(), wall_from(s.wall_us())}});
      break;
    }
  }
  return out;
}

}  // namespace kw::collector::rows
