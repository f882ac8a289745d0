#pragma once

#include <string>
#include <vector>

#include "collector/model/remote.hpp"
#include "collector/model/values.hpp"
#include "common/db/database.hpp"

namespace kw::collector::rows {

// How values stand in rows; shared by the writer's store and the readers.

/// Epochs are unsigned 64-bit, the column signed: the bits are kept.
inline std::int64_t bits(std::uint64_t v) { return static_cast<std::int64_t>(v); }

inline constexpr std::string_view order_columns =
    "id, number, fault_id, terminal, subject, code, level, needs, state, assignee, created_at";
Order order(const db::Row& row);

inline constexpr std::string_view fault_columns =
    "id, subject, code, level, since_epoch, since_seq, since_at, opened_at, cleared_at, "
    "cleared_why, "
    "learned_late, order_id, evidence, suppressed_by";
Fault fault(const db::Row& row);

/// Of the four columns from `first` on: maintenance_since, _until, _reason, _by.
std::optional<Maintenance> maintenance(const db::Row& row, int first);

inline constexpr std::string_view command_columns =
    "id, terminal, seq, verb, args, created_at, created_by, expires_at, state, sent_at, ended_at, "
    "detail, result, bundle_sha256, bundle_bytes";
Command command(const db::Row& row);

inline constexpr std::string_view configuration_columns =
    "n, hash, body, pushed_at, pushed_by, state, detail, reported_at";
/// Of the columns from `first` on.
PushedConfiguration configuration(const db::Row& row, int first = 0);

/// The conditions that a device is taken to have, with their beginnings: not always those of its
/// last status, which may have been unable to say.
std::string pack_conditions(const std::vector<ActiveCondition>& conditions);
std::vector<ActiveCondition> unpack_conditions(std::string_view bytes);

}  // namespace kw::collector::rows
