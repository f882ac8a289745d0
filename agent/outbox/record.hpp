#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/outbox/types.hpp"
#include "common/db/database.hpp"
#include "common/wire/event_classes.hpp"

namespace kw::agent {

/// One row of the outbox: an event (`count` 1, `body` a pb::Event without times) or a gap (`body` a
/// pb::Gap without count). `check` guards every column that matters.
struct Record {
  std::int64_t ordinal = 0;  ///< of the epoch, in the order of drawing
  std::uint64_t seq = 0;
  std::uint64_t count = 1;
  wire::EventClass event_class = wire::EventClass::agent;
  std::int64_t mono_us = 0;
  std::int64_t wall_us = 0;
  int thinned = 0;  ///< survived thinning of 1 in 2 to the power of this
  std::string body;

  bool gap() const { return event_class == wire::EventClass::gap; }
  std::uint64_t end() const { return seq + count; }  ///< the first number after it
  bool operator==(const Record&) const = default;
};

/// An event that is not numbered yet.
Record record_of(const pb::Event& event, const Seen& seen);

std::uint32_t checksum(const Record& record);
std::uint32_t checksum(std::string_view bytes);

void insert(db::Database& db, const Record& record);

/// The columns of every SELECT that `read_record` takes rows of.
#define KW_RECORD_COLUMNS "ordinal, seq, count, class, mono_us, wall_us, thinned, body, crc"

/// Nothing when the row's checksum is wrong.
std::optional<Record> read_record(const db::Row& row);

/// A record in the place of dropped numbers. `event_class` is the dropped events'.
Record gap_record(const Record& dropped, std::string_view reason);
Record gap_record(std::int64_t ordinal, std::uint64_t first, std::uint64_t count,
                  std::string_view event_class, std::string_view reason, std::int64_t first_wall_us,
                  std::int64_t last_wall_us);

/// Makes `left` cover `right` too when both are gaps for one reason and adjacent.
bool merge(Record& left, const Record& right);

}  // namespace kw::agent
