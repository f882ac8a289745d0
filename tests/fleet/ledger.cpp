#include "tests/fleet/ledger.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "common/db/database.hpp"
#include "common/platform/files.hpp"
#include "tests/fleet/shelf.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::fleet {
namespace {

namespace json = boost::json;

/// What one kiosk's blocks hold, against its line.
void judge_kiosk(db::Database& db, const Ledger::Line& line, Verdict& verdict) {
  std::uint64_t next = 1;
  std::uint32_t chain = 0;
  for (const auto row :
       db.rows("SELECT b.first_seq, b.last_seq, b.body FROM event_block b JOIN terminal t ON "
               "t.id=b.terminal WHERE t.code=$1 AND b.epoch=$2 ORDER BY b.rowid",
               line.code, static_cast<std::int64_t>(line.epoch))) {
    const auto first = row.unsigned_integer(0);
    const auto last = row.unsigned_integer(1);
    if (first < next) verdict.duplicated += std::min(next, last + 1) - first;
    if (first > next) ++verdict.out_of_order;  // or lost: the sum below tells
    pb::Batch batch;
    const auto body = row.bytes(2);
    if (!batch.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
      ++verdict.altered;
      continue;
    }
    auto seq = first;
    for (auto& item : *batch.mutable_item()) {
      if (!item.has_event()) continue;
      item.mutable_event()->clear_mono_us();
      item.mutable_event()->clear_wall_shift_us();
      chain = chained(chain, seq++, item.event().SerializeAsString());
      ++verdict.events;
    }
    next = std::max(next, last + 1);
  }
  if (next <= line.acked) verdict.lost += line.acked + 1 - next;
  if (next == line.last + 1 && chain != line.chain) ++verdict.altered;
}

}  // namespace

Result<void> save(const Ledger& ledger, const std::filesystem::path& file) {
  std::string text;
  for (const auto& l : ledger.lines) {
    text += json::serialize(json::object{{"code", l.code},
                                         {"epoch", l.epoch},
                                         {"last", l.last},
                                         {"acked", l.acked},
                                         {"chain", l.chain},
                                         {"falls", l.falls}});
    text += '\n';
  }
  return platform::write_file(file, text, false);
}

Result<Ledger> load_ledger(const std::filesystem::path& file) {
  const auto text = platform::read_file(file);
  if (!text) return text.error();
  Ledger out;
  try {
    for (std::size_t from = 0; from < text->size();) {
      const auto end = std::min(text->find('\n', from), text->size());
      const auto line = json::parse(std::string_view{*text}.substr(from, end - from));
      const auto number = [&](const char* key) { return line.at(key).to_number<std::uint64_t>(); };
      out.lines.push_back({json::value_to<std::string>(line.at("code")), number("epoch"),
                           number("last"), number("acked"),
                           static_cast<std::uint32_t>(number("chain")), number("falls")});
      from = end + 1;
    }
  } catch (const std::exception& e) {
    return Error{Errc::invalid, file.string() + " is no ledger of kiosk-fleet: " + e.what()};
  }
  if (out.lines.empty()) {
    return Error{Errc::invalid, file.string() +
                                    " is empty: the run that should have written it "
                                    "was not ended well"};
  }
  return out;
}

Result<Verdict> judge(const Ledger& ledger, const std::filesystem::path& collector) {
  auto db = db::Database::open(collector / "collector.db", {.read_only = true});
  if (!db) return std::move(db).error();
  Verdict out;
  std::uint64_t falls = 0;
  for (const auto& line : ledger.lines) {
    judge_kiosk(**db, line, out);
    falls += line.falls;
  }
  const auto count = [&](const char* sql) {
    return static_cast<std::uint64_t>((*db)->integer(sql).value_or(0));
  };
  out.faults = count("SELECT count(*) FROM fault");
  out.silent_faults = count("SELECT count(*) FROM fault WHERE code='terminal-silent'");
  out.orders = count("SELECT count(*) FROM work_order");
  const auto of_devices = out.faults - out.silent_faults;
  out.unfounded = of_devices > falls ? of_devices - falls : 0;
  if (const auto failed = (*db)->failure()) return *failed;
  return out;
}

}  // namespace kw::fleet
