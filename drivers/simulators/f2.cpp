#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr std::array settings_table{
    Setting{"address",
            SettingType::integer,
            "0",
            {"拨码开关设定的地址", "address set by its switches"},
            0,
            15},
    Setting{"negative_head",
            SettingType::text,
            "N",
            {"否定应答的头字节：N 或 E", "head of negative replies: N or E"}},
    Setting{
        "serial_number", SettingType::text, "KWF2000001", {"应答的序列号", "its serial number"}},
    Setting{"firmware", SettingType::text, "V1.20", {"应答的固件版本", "its firmware"}},
    Setting{"captured",
            SettingType::integer,
            "0",
            {"已回收卡片数（A5）", "cards captured so far (A5)"},
            0,
            100000},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Conditions that are answered with an error.
struct Failure {
  std::string_view condition;
  std::string_view error;
};
constexpr std::array failures{
    Failure{"jam", "10"},           Failure{"shutter-failed", "11"},
    Failure{"sensor-failed", "12"}, Failure{"card-length", "13"},
    Failure{"eeprom-failed", "15"}, Failure{"power", "30"},
    Failure{"motor-failed", "51"},  Failure{"reader-error", "41"},
    Failure{"retain-full", "A1"},   Failure{"not-initialised", "B0"},
};
constexpr std::array<std::string_view, 10> other_conditions{
    "card-at-gate", "card-inside", "card-stock-low", "card-stock-empty", "bin-full",
    "refuses",      "link-noise",  "no-reply",       "garbage",          "slow"};

std::uint8_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint8_t out = 0;
  for (const auto b : bytes) out = static_cast<std::uint8_t>(out ^ b);
  return out;
}

/// A card issuing machine. It says loudly when it is told to do anything, by whoever should only
/// ask.
class F2Player final : public Player {
 public:
  explicit F2Player(const drivers::Settings& settings)
      : address_(static_cast<std::uint8_t>(settings.integer("address"))),
        negative_head_(static_cast<std::uint8_t>(settings.text("negative_head").front())),
        serial_(settings.text("serial_number")),
        firmware_(settings.text("firmware")),
        captured_(settings.integer("captured")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& failure : failures) conditions_.emplace_back(failure.condition);
    conditions_.insert(conditions_.end(), other_conditions.begin(), other_conditions.end());
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return {};
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    Answer out;
    if (is_on("slow")) out.after = slow_;
    for (const auto b : bytes) {
      if (heard_.empty() && b != 0xf2) continue;
      heard_.push_back(b);
      if (heard_.size() < 4) continue;
      const std::size_t length = heard_[2] * 256U + heard_[3];
      if (length > 512) heard_.clear();
      if (heard_.size() < length + 6 || heard_.empty()) continue;
      const auto frame = std::exchange(heard_, {});
      // Another machine on the same line is meant.
      if (frame[1] != address_) continue;
      const bool whole =
          checksum(frame) == 0 && frame[frame.size() - 2] == 0x03 && length >= 3 && frame[4] == 'C';
      // Judged before anything that makes it answer otherwise.
      if (whole && !may_ask(frame[5], frame[6])) {
        out.offence = fmt::format("command {:02X} {:02X}", frame[5], frame[6]);
      }
      if (!whole || is_on("refuses")) {
        out.bytes.push_back(0x15);
        continue;
      }
      auto reply = obey(frame);
      if (is_on("link-noise")) reply.back() ^= 0x20U;
      out.bytes.push_back(0x06);
      out.bytes.insert(out.bytes.end(), reply.begin(), reply.end());
    }
    if (is_on("no-reply")) out.bytes.clear();
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override { heard_.clear(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  Bytes framed(const Bytes& payload) const {
    Bytes out{0xf2, address_, static_cast<std::uint8_t>(payload.size() >> 8U),
              static_cast<std::uint8_t>(payload.size() & 0xffU)};
    out.insert(out.end(), payload.begin(), payload.end());
    out.push_back(0x03);
    out.push_back(checksum(out));
    return out;
  }

  static bool may_ask(std::uint8_t command, std::uint8_t parameter) {
    if (command == 0x31) return parameter == 0x30 || parameter == 0x31;
    return command >= 0xa2 && command <= 0xa5 && parameter == 0x30;
  }

  Bytes obey(const Bytes& frame) const {
    const auto command = frame[5];
    const auto parameter = frame[6];
    const auto negative = [&](std::string_view error) {
      return framed({negative_head_, command, parameter, static_cast<std::uint8_t>(error[0]),
                     static_cast<std::uint8_t>(error[1])});
    };
    const auto positive = [&](std::string_view text) {
      Bytes payload{'P',    command, parameter,
                    card(), stock(), static_cast<std::uint8_t>(is_on("bin-full") ? 0x31 : 0x30)};
      payload.insert(payload.end(), text.begin(), text.end());
      return framed(payload);
    };
    for (const auto& failure : failures) {
      if (is_on(failure.condition)) return negative(failure.error);
    }
    if (command == 0x31 && parameter == 0x30) return positive({});
    if (command == 0x31 && parameter == 0x31) return positive("000000000000");
    if (command == 0xa2 && parameter == 0x30) return positive(serial_);
    if (command == 0xa3 && parameter == 0x30) return positive("00");
    if (command == 0xa4 && parameter == 0x30) return positive(firmware_);
    if (command == 0xa5 && parameter == 0x30) return positive(fmt::format("{:03}", captured_));
    return negative("00");
  }

  std::uint8_t card() const {
    if (is_on("card-inside")) return 0x32;
    return is_on("card-at-gate") ? 0x31 : 0x30;
  }

  std::uint8_t stock() const {
    if (is_on("card-stock-empty")) return 0x30;
    return is_on("card-stock-low") ? 0x31 : 0x32;
  }

  std::uint8_t address_;
  std::uint8_t negative_head_;
  std::string serial_;
  std::string firmware_;
  std::int64_t captured_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes heard_;  ///< a frame that is not whole yet
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  const auto& head = settings.text("negative_head");
  if (head != "N" && head != "E") {
    return Error{Errc::invalid, "negative_head = \"" + head + "\": expected N or E"};
  }
  return std::unique_ptr<Player>{std::make_unique<F2Player>(settings)};
}

}  // namespace

PlayerCard f2_player() { return {.protocol = "f2", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
