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

std::string pack_conditions(const std::vector<ActiveCondition>& conditions) {
  wire::Status plain;
  for (const auto& c : conditions) plain.conditions.push_back(c.what);
  pb::Status out = wire::to_wire({}, plain);
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    auto& since = *out.mutable_condition(static_cast<int>(i))->mutable_since();
    since.set_epoch(conditions[i].since.epoch);
    since.set_seq(conditions[i].since.seq);
    since.set_wall_us(micros(conditions[i].since.at));
  }
  return out.SerializeAsString();
}

std::vector<ActiveCondition> unpack_conditions(std::string_view bytes) {
  pb::Status packed;
  packed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const auto plain = wire::from_wire(packed);
  std::vector<ActiveCondition> out;
  for (std::size_t i = 0; i < plain.conditions.size(); ++i) {
    const auto& s = packed.condition(static_cast<int>(i)).since();
    out.push_back({plain.conditions[i], {s.epoch(), s.seq(), wall_from(s.wall_us())}});
  }
  return out;
}

}  // namespace kw::collector::rows
