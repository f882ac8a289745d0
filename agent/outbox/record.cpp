#include "agent/outbox/record.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <boost/crc.hpp>

namespace kw::agent {

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::uint32_t checksum(const Record& r) {
  const std::array<std::int64_t, 6> columns{r.ordinal,
                                            static_cast<std::int64_t>(r.seq),
                                            static_cast<std::int64_t>(r.count),
                                            static_cast<std::int64_t>(r.event_class),
                                            r.mono_us,
                                            r.wall_us};
  boost::crc_32_type crc;
  crc.process_bytes(columns.data(), sizeof columns);
  crc.process_bytes(r.body.data(), r.body.size());
  return crc.checksum();
}

Record record_of(const pb::Event& event, const Seen& seen) {
  Record out;
  out.event_class = wire::class_of(event);
  out.mono_us = micros(seen.mono);
  out.wall_us = micros(seen.wall);
  out.body = event.SerializeAsString();
  return out;
}

void insert(db::Database& db, const Record& r) {
  db.run("INSERT INTO record (" KW_RECORD_COLUMNS ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
         r.ordinal, r.seq, r.count, r.event_class, r.mono_us, r.wall_us, r.thinned,
         db::blob(r.body), checksum(r));
}

std::optional<Record> read_record(const db::Row& row) {
  Record r;
  r.ordinal = row.integer(0);
  r.seq = row.unsigned_integer(1);
  r.count = row.unsigned_integer(2);
  r.event_class = static_cast<wire::EventClass>(row.integer(3));
  r.mono_us = row.integer(4);
  r.wall_us = row.integer(5);
  r.thinned = static_cast<int>(row.integer(6));
  r.body = row.bytes(7);
  if (row.integer(3) < 0 || row.integer(3) > static_cast<std::int64_t>(wire::EventClass::gap) ||
      static_cast<std::uint32_t>(row.integer(8)) != checksum(r)) {
    return std::nullopt;
  }
  return r;
}

Record gap_record(std::int64_t ordinal, std::uint64_t first, std::uint64_t count,
                  std::string_view event_class, std::string_view reason, std::int64_t first_wall_us,
                  std::int64_t last_wall_us) {
  pb::Gap gap;
  gap.set_event_class(std::string{event_class});
  gap.set_reason(std::string{reason});
  gap.set_first_wall_us(first_wall_us);
  gap.set_last_wall_us(last_wall_us);
  Record out;
  out.ordinal = ordinal;
  out.seq = first;
  out.count = count;
  out.event_class = wire::EventClass::gap;
  out.wall_us = first_wall_us;
  out.body = gap.SerializeAsString();
  return out;
}

Record gap_record(const Record& dropped, std::string_view reason) {
  auto out =
      gap_record(dropped.ordinal, dropped.seq, dropped.count, wire::row(dropped.event_class).name,
                 reason, dropped.wall_us, dropped.wall_us);
  out.mono_us = dropped.mono_us;
  return out;
}

bool merge(Record& left, const Record& right) {
  if (!left.gap() || !right.gap() || left.ordinal != right.ordinal || left.end() != right.seq) {
    return false;
  }
  pb::Gap a;
  pb::Gap b;
  if (!a.ParseFromString(left.body) || !b.ParseFromString(right.body)) return false;
  if (a.reason() != b.reason()) return false;
  if (a.event_class() != b.event_class()) a.clear_event_class();
  if (a.first_wall_us() == 0) a.set_first_wall_us(b.first_wall_us());
  a.set_last_wall_us(std::max(a.last_wall_us(), b.last_wall_us()));
  left.count += right.count;
  left.body = a.SerializeAsString();
  return true;
}

}  // namespace kw::agent
