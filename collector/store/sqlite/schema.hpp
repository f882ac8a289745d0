#pragma once

#include <span>

#include "common/db/migrations.hpp"

namespace kw::collector {

/// The collector's schema, step by step. Plain SQL that PostgreSQL speaks too; times are BIGINT
/// microseconds UTC.
std::span<const db::Migration> schema();

}  // namespace kw::collector
