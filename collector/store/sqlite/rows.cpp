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
            .evidence = row.text(12),
            .suppressed_by = row.text(13)};
  if (!row.null(8)) out.cleared_at = wall_from(row.integer(8));
  return out;
}

namespace {

std::optional<WallTime> time(const db::Row& row, int column) {
  if (row.null(column)) return std::nullopt;
  return wall_from(row.integer(column));
}

}  // namespace

std::optional<Maintenance> maintenance(const db::Row& row, int first) {
  const auto since = time(row, first);
  if (!since) return std::nullopt;
  return Maintenance{*since, row.text(first + 2), row.text(first + 3), time(row, first + 1)};
}

Command command(const db::Row& row) {
  return {.id = row.text(0),
          .terminal = row.integer(1),
          .seq = row.unsigned_integer(2),
          .verb = row.text(3),
          .args = row.text(4),
          .created_at = wall_from(row.integer(5)),
          .created_by = row.text(6),
          .expires_at = wall_from(row.integer(7)),
          .state = static_cast<CommandState>(row.integer(8)),
          .sent_at = time(row, 9),
          .ended_at = time(row, 10),
          .detail = row.text(11),
          .result = std::string{row.bytes(12)},
          .bundle_sha256 = row.text(13),
          .bundle_bytes = row.integer(14)};
}

PushedConfiguration configuration(const db::Row& row, int first) {
  return {.n = row.integer(first),
          .hash = std::string{row.bytes(first + 1)},
          .body = row.text(first + 2),
          .pushed_at = wall_from(row.integer(first + 3)),
          .pushed_by = row.text(first + 4),
          .state = static_cast<ConfigurationState>(row.integer(first + 5)),
          .detail = row.text(first + 6),
          .reported_at = time(row, first + 7)};
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
