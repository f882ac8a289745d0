#pragma once

#include <filesystem>
#include <string>

#include <boost/json/object.hpp>

#include "collector/backup.hpp"
#include "collector/writer/writer.hpp"
#include "common/clock.hpp"

namespace kw::collector {

/// What the audit keeps of a backup that was made, tried or put back.
struct BackupRecord {
  std::string action;  ///< "store.backup", "store.verify", "store.restore"
  std::string who;     ///< the account on this machine
  std::string file;
  std::string result;  ///< "ok" or what is wrong
  std::string detail;  ///< JSON: size, checksum …

  boost::json::object to_json() const;
  /// Errc::invalid: not such a record.
  static Result<BackupRecord> read(const boost::json::object& from);
  AuditEntry entry(WallTime at) const;
};

/// The verb of the control socket that writes one.
inline constexpr const char* backup_record_verb = "backup-record";

/// Through the collector that runs on `data`, or straight into the store when none does and it is
/// of this program's schema.
Recorded record(const std::filesystem::path& data, const BackupRecord& what, const Clock& clock);

}  // namespace kw::collector
