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
    Setting{"enquiry",
            SettingType::boolean,
            "true",
            {"先应答 06，收到 05 后再发送应答", "acknowledges with 06 and answers on 05"}},
    Setting{"addressed",
            SettingType::boolean,
            "false",
            {"要求帧前有地址字节 00", "wants an address byte 00 before each frame"}},
    Setting{"sensors",
            SettingType::integer,
            "5",
            {"红外传感器数量（V2 为 5，V3 为 6）；0 表示不支持该命令",
             "number of light barriers (V2 has 5, V3 has 6); 0: does not know the command"},
            0,
            6},
    Setting{"rear_entry",
            SettingType::boolean,
            "false",
            {"后端允许进卡", "cards may enter at the rear"}},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Where a card can be, as a condition and as the first byte of the status.
struct Position {
  std::string_view condition;
  std::uint8_t byte;
};
constexpr std::array positions{
    Position{"card-too-long", 0x46},     Position{"card-too-short", 0x47},
    Position{"card-at-front", 0x48},     Position{"card-held-at-front", 0x49},
    Position{"card-inside", 0x4a},       Position{"card-at-contacts", 0x4b},
    Position{"card-held-at-rear", 0x4c}, Position{"card-at-rear", 0x4d},
};
/// Errors with which every command is answered, and what happens on the wire.
constexpr std::array<std::string_view, 10> other_conditions{
    "card-length", "power",      "reader-error", "shutter-open", "entry-forbidden",
    "refuses",     "link-noise", "no-reply",     "garbage",      "slow"};

std::uint8_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint8_t out = 0;
  for (const auto b : bytes) out = static_cast<std::uint8_t>(out ^ b);
  return out;
}

/// A motorised reader. It says loudly when it is told to do anything, by whoever should only ask.
class Crt310Player final : public Player {
 public:
  explicit Crt310Player(const drivers::Settings& settings)
      : enquiry_(settings.boolean("enquiry")),
        addressed_(settings.boolean("addressed")),
        sensors_(static_cast<std::size_t>(settings.integer("sensors"))),
        rear_entry_(settings.boolean("rear_entry")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& position : positions) conditions_.emplace_back(position.condition);
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
    for (const auto b : bytes) take(b, out);
    if (is_on("no-reply")) out.bytes.clear();
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override {
    heard_.clear();
    waiting_.clear();
  }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  void take(std::uint8_t b, Answer& out) {
    const std::size_t prefix = addressed_ ? 1 : 0;
    if (heard_.empty()) {
      if (b == 0x05 && !waiting_.empty()) {
        out.bytes.insert(out.bytes.end(), waiting_.begin(), waiting_.end());
        return;
      }
      if (b == 0x04 || b == 0x06) waiting_.clear();
      if (b == (addressed_ ? 0x00 : 0x02)) heard_.push_back(b);
      return;
    }
    heard_.push_back(b);
    if (addressed_ && heard_.size() == 2 && b != 0x02) {
      heard_.clear();
      return;
    }
    if (heard_.size() < prefix + 3) return;
    const std::size_t length = heard_[prefix + 1] * 256U + heard_[prefix + 2];
    if (length > 512) {
      heard_.clear();
      return;
    }
    if (heard_.size() < prefix + 5 + length) return;
    const Bytes frame{heard_.begin() + static_cast<std::ptrdiff_t>(prefix), heard_.end()};
    heard_.clear();
    const bool whole = checksum(frame) == 0 && frame[frame.size() - 2] == 0x03 && length >= 2;
    // Judged before anything that makes it answer otherwise.
    if (whole && !may_ask(frame[3], frame[4])) {
      out.offence = fmt::format("command {:02X} {:02X}", frame[3], frame[4]);
    }
    if (!whole || is_on("refuses")) {
      out.bytes.push_back(0x15);
      return;
    }
    auto reply = obey(frame);
    if (is_on("link-noise")) reply.back() ^= 0x20U;
    if (!enquiry_) {
      out.bytes.insert(out.bytes.end(), reply.begin(), reply.end());
      return;
    }
    out.bytes.push_back(0x06);
    waiting_ = std::move(reply);
  }

  static Bytes framed(const Bytes& payload) {
    Bytes out{0x02, static_cast<std::uint8_t>(payload.size() >> 8U),
              static_cast<std::uint8_t>(payload.size() & 0xffU)};
    out.insert(out.end(), payload.begin(), payload.end());
    out.push_back(0x03);
    out.push_back(checksum(out));
    return out;
  }

  static bool may_ask(std::uint8_t command, std::uint8_t parameter) {
    return command == 0x31 && (parameter == 0x30 || parameter == 0x2f);
  }

  Bytes obey(const Bytes& frame) const {
    const auto command = frame[3];
    const auto parameter = frame[4];
    const auto negative = [command](std::uint8_t error) { return framed({0x4e, command, error}); };
    if (is_on("power")) return negative(0x05);
    if (is_on("card-length")) return negative(0x06);
    if (is_on("reader-error")) return negative(0x02);
    if (command == 0x31 && parameter == 0x30) {
      std::uint8_t position = 0x4e;
      for (const auto& p : positions) {
        if (is_on(p.condition)) position = p.byte;
      }
      const std::uint8_t front = is_on("entry-forbidden") ? 0x4e : 0x49;
      const std::uint8_t rear = rear_entry_ ? 0x4a : 0x4e;
      return framed({0x31, 0x30, position, front, rear});
    }
    if (command == 0x31 && parameter == 0x2f) {
      if (sensors_ == 0) return negative(0x00);
      Bytes payload{0x31, 0x2f};
      payload.insert(payload.end(), sensors_, 0x30);
      payload.push_back(is_on("shutter-open") ? 0x31 : 0x30);
      payload.push_back(0x30);
      return framed(payload);
    }
    return negative(0x00);
  }

  bool enquiry_;
  bool addressed_;
  std::size_t sensors_;
  bool rear_entry_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes heard_;    ///< a frame that is not whole yet
  Bytes waiting_;  ///< the answer that 05 fetches
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<Crt310Player>(settings)};
}

}  // namespace

PlayerCard crt310_player() {
  return {.protocol = "crt310", .settings = settings_table, .make = make};
}

}  // namespace kw::devices
