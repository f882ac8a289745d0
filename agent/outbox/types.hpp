#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/wire/status.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// What somebody tells under a name of its own choice: counted once, however often it is told.
struct Telling {
  struct Name {
    std::string name;
    std::string mark;    ///< of the content: other content under the same name is another thing
    std::string answer;  ///< what whoever tells it again is answered
  };
  std::vector<Name> names;        ///< the first decides whether it was told before; may be empty
  std::vector<pb::Event> events;  ///< in this order, in one commit with the names and the note
  std::optional<std::pair<std::string, std::string>> note = {};  ///< key and value kept beside
};

/// What became of a telling.
struct Told {
  enum class How {
    written,   ///< it is on disk
    again,     ///< it was before: `answer` is the one of then
    other,     ///< something else was told under that name
    not_kept,  ///< the disk does not take it: nothing of it was written
  };
  How how = How::not_kept;
  std::string answer = {};
};

/// How the detail of a condition begins that the agent itself judged by a level: it stands and
/// falls with the level alone, whether the device is heard or not.
inline constexpr std::string_view by_level = "level<=";

/// Under what a telling keeps what applications reported of a device: this, and the device's name.
inline constexpr std::string_view result_note = "result/";

/// An event's name for life, beside its terminal.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  bool operator==(const Position&) const = default;
};

/// What a device said of its own make.
struct DeviceIdentity {
  std::string device;
  wire::Identity identity;
};

/// When something was seen, by both clocks.
struct Seen {
  MonoTime mono{};
  WallTime wall{};
};

/// What the outbox has written: the last position, and, when that event changed a device's state,
/// the whole status with every `since` filled in; and what a device newly said of itself.
struct Appended {
  Position at;
  std::optional<pb::Status> status;
  std::optional<DeviceIdentity> identity;
};

struct EpochView {
  std::uint64_t epoch = 0;
  std::uint64_t first_kept = 1;  ///< lowest number kept; last + 1 when none is
  std::uint64_t acked = 0;
  std::uint64_t last = 0;
  std::string boot_id;
  std::optional<std::int64_t> clock_offset_us;  ///< collector's time - wall
};

struct DeviceView {
  pb::Status status;  ///< with every `since` filled in
  wire::Identity identity;
};

/// What a session starts from. Epochs in the order in which they were drawn; the last is current.
struct OutboxView {
  std::vector<EpochView> epochs;
  std::vector<DeviceView> devices;
};

/// What one batch may hold.
struct Budget {
  std::size_t bytes = 16 * 1024;  ///< of the encoded envelope; a single item may be longer
  std::size_t credit = 0;         ///< of the encoded envelope, if anything in it is counted
  int items = 50;
};

/// What is remembered of one consumable of a device; the outbox keeps it and understands nothing
/// of it.
struct SupplyRow {
  std::string device;
  std::string type;
  std::string body;
  bool operator==(const SupplyRow&) const = default;
};

struct OutboxStats {
  std::uint64_t kept = 0;     ///< event numbers still in the file, gaps included
  std::uint64_t unacked = 0;  ///< of them, not yet acknowledged
  std::int64_t bytes = 0;     ///< database, log and index on disk
  std::int64_t ceiling = 0;
  WallTime oldest_unacked{};  ///< epoch 0 when nothing waits
  std::size_t epochs = 0;
  bool on_disk = true;  ///< false: the folder cannot be written, events live in memory
};

}  // namespace kw::agent
