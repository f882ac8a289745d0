#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

// A receipt printer in Star line mode, written from its command specifications and not from the
// driver: answers ESC ACK SOH, and ESC RS a with automatic status from then on.

constexpr std::array settings_table{
    Setting{"status_version",
            SettingType::integer,
            "3",
            {"状态版本：1（7 字节）或 3（9 字节）",
             "version of its status: 1 (7 bytes) or 3 (9 bytes)"},
            1,
            3},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Byte of the status (from 0), bit, and whether the printer goes off-line for it.
struct Row {
  std::string_view condition;
  std::size_t byte;
  std::uint8_t bit;
  bool stops;
};

constexpr std::array rows{
    Row{"cover-open", 2, 0x20, true},        Row{"unrecoverable-error", 3, 0x20, true},
    Row{"mechanical-error", 3, 0x04, true},  Row{"cutter-error", 3, 0x08, true},
    Row{"head-overheated", 3, 0x40, true},   Row{"recoverable-error", 4, 0x08, true},
    Row{"media-jam", 4, 0x04, true},         Row{"media-empty", 5, 0x08, true},
    Row{"media-low", 5, 0x04, false},        Row{"drawer-high", 2, 0x04, false},
    Row{"output-not-taken", 8, 0x06, false}, Row{"printer-offline", 2, 0x40, true}};
constexpr std::array<std::string_view, 3> wire_conditions{"no-reply", "garbage", "slow"};

class StarPlayer final : public Player {
 public:
  explicit StarPlayer(const drivers::Settings& settings)
      : length_(settings.integer("status_version") < 3 ? 7 : 9),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& row : rows) {
      if (row.byte < length_) conditions_.emplace_back(row.condition);
    }
    conditions_.insert(conditions_.end(), wire_conditions.begin(), wire_conditions.end());
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    const Bytes before = status();
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    const Bytes after = status();
    return automatic_ && before != after && !is_on("no-reply") ? after : Bytes{};
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    Answer out;
    if (is_on("slow")) out.after = slow_;
    for (const auto b : bytes) {
      seen_.push_back(b);
      if (seen_.size() > 4) seen_.erase(seen_.begin());
      if (ends_with({0x1b, 0x06, 0x01})) {
        const auto said = status();
        out.bytes.insert(out.bytes.end(), said.begin(), said.end());
      } else if (seen_.size() == 4 && seen_[0] == 0x1b && seen_[1] == 0x1e && seen_[2] == 'a') {
        automatic_ = seen_[3] != 0;
      }
    }
    if (is_on("no-reply")) out.bytes.clear();
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override {
    seen_.clear();
    automatic_ = false;
  }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  bool ends_with(const Bytes& end) const {
    return seen_.size() >= end.size() && std::equal(end.rbegin(), end.rend(), seen_.rbegin());
  }

  Bytes status() const {
    Bytes out(length_);
    // The length stands in bits 1 to 3 and 5 to 6 of the first header, the version in the second.
    out[0] = static_cast<std::uint8_t>(0x01 | (length_ & 0x07) << 1 | (length_ & 0x18) << 2);
    out[1] = length_ == 7 ? 0x02 : 0x06;
    for (const auto& row : rows) {
      if (row.byte >= length_ || !is_on(row.condition)) continue;
      out[row.byte] = static_cast<std::uint8_t>(out[row.byte] | row.bit);
      if (row.stops) out[2] |= 0x08;
    }
    return out;
  }

  std::size_t length_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes seen_;  ///< at most the last four bytes
  bool automatic_ = false;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<StarPlayer>(settings)};
}

}  // namespace

PlayerCard star_player() { return {.protocol = "star", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
