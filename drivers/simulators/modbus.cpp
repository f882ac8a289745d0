#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

// A cabinet's I/O board that speaks Modbus (Modbus Application Protocol 1.1b3, serial line 1.02,
// TCP 1.0b), written from those and not from the driver. It is wired as the driver's generic map
// says.

constexpr std::array settings_table{
    Setting{"framing",
            SettingType::text,
            "tcp",
            {"帧格式：tcp 或 rtu", "how frames are told apart: tcp or rtu"}},
    Setting{"unit", SettingType::integer, "1", {"从站地址", "its unit id"}, 0, 255},
    Setting{"temperature_tenths",
            SettingType::integer,
            "253",
            {"温度（0.1 ℃）", "temperature in tenths of a degree"},
            -32768,
            32767},
    Setting{"humidity_tenths",
            SettingType::integer,
            "415",
            {"湿度（0.1 %）", "humidity in tenths of a percent"},
            0,
            65535},
    Setting{
        "fan_rpm", SettingType::integer, "2380", {"风扇转速", "how fast the fan turns"}, 0, 65535},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Things that happen to a cabinet, then things that happen to the board and the wire.
constexpr auto all_conditions = std::to_array<std::string_view>({"cabinet-door-open",
                                                                 "cabinet-unlocked",
                                                                 "smoke",
                                                                 "cabinet-tilted",
                                                                 "water",
                                                                 "mains-lost",
                                                                 "temperature-high",
                                                                 "over-temperature",
                                                                 "under-temperature",
                                                                 "humidity-high",
                                                                 "fan-stopped",
                                                                 "supply-voltage-low",
                                                                 "lamp-off",
                                                                 "fan-off",
                                                                 "no-inputs",
                                                                 "device-failure",
                                                                 "busy",
                                                                 "gateway-timeout",
                                                                 "noise",
                                                                 "bad-crc",
                                                                 "other-unit",
                                                                 "no-reply",
                                                                 "garbage",
                                                                 "slow"});

enum Function : std::uint8_t { coils = 1, inputs = 2, holding = 3, registers = 4 };
enum Exception : std::uint8_t {
  illegal_function = 1,
  illegal_address = 2,
  illegal_value = 3,
  device_failure = 4,
  device_busy = 6,
  gateway_timeout = 11,
};

constexpr unsigned table_size = 16;

unsigned word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return unsigned{bytes[at]} << 8 | bytes[at + 1];
}

void push_word(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

/// CRC-16 by the table-free way of the serial line specification's appendix B.
unsigned crc_of(std::span<const std::uint8_t> bytes) {
  unsigned crc = 0xffff;
  for (const auto b : bytes) {
    crc ^= b;
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 1) != 0;
      crc >>= 1;
      if (carry) crc ^= 0xa001;
    }
  }
  return crc;
}

class ModbusPlayer final : public Player {
 public:
  explicit ModbusPlayer(const drivers::Settings& settings)
      : rtu_(settings.text("framing") == "rtu"),
        unit_(static_cast<std::uint8_t>(settings.integer("unit"))),
        temperature_(settings.integer("temperature_tenths")),
        humidity_(settings.integer("humidity_tenths")),
        fan_(settings.integer("fan_rpm")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}),
        conditions_(all_conditions.begin(), all_conditions.end()) {}

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return {};  // a board says nothing unasked
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    Answer out;
    if (is_on("slow")) out.after = slow_;
    while (auto reply = rtu_ ? next_rtu() : next_tcp()) {
      out.bytes.insert(out.bytes.end(), reply->begin(), reply->end());
    }
    if (is_on("no-reply")) out.bytes.clear();
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override { heard_.clear(); }

  std::string_view scheme() const override { return rtu_ ? "modbus+rtu" : "modbus+tcp"; }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }
  std::uint8_t own_unit() const {
    return static_cast<std::uint8_t>(is_on("other-unit") ? unit_ + 1 : unit_);
  }

  /// The answer to the next whole frame; no bytes for one that is not for this board.
  std::optional<Bytes> next_tcp() {
    if (heard_.size() < 7) return std::nullopt;
    const std::size_t length = word(heard_, 4);
    if (word(heard_, 2) != 0 || length < 2 || length > 254) {
      heard_.clear();
      return std::nullopt;
    }
    if (heard_.size() < 6 + length) return std::nullopt;
    const Bytes frame = take(6 + length);
    if (frame[6] != unit_) return Bytes{};
    const auto pdu = obey(std::span{frame}.subspan(7));
    Bytes out{frame[0], frame[1], 0, 0};
    push_word(out, static_cast<unsigned>(pdu.size() + 1));
    out.push_back(own_unit());
    out.insert(out.end(), pdu.begin(), pdu.end());
    return out;
  }

  /// Every request that this board knows has eight bytes; what does not fit is dropped byte by
  /// byte.
  std::optional<Bytes> next_rtu() {
    constexpr std::size_t length = 8;
    while (heard_.size() >= length) {
      const auto crc = unsigned{heard_[6]} | unsigned{heard_[7]} << 8;
      if (crc_of(std::span{heard_}.first(6)) != crc) {
        heard_.erase(heard_.begin());
        continue;
      }
      const Bytes frame = take(length);
      if (frame[0] != unit_) continue;
      return framed(obey(std::span{frame}.subspan(1, 5)));
    }
    return std::nullopt;
  }

  Bytes framed(const Bytes& pdu) const {
    Bytes body{own_unit()};
    body.insert(body.end(), pdu.begin(), pdu.end());
    const auto crc = crc_of(body) ^ (is_on("bad-crc") ? 0x0001U : 0U);
    body.push_back(static_cast<std::uint8_t>(crc & 0xff));
    body.push_back(static_cast<std::uint8_t>(crc >> 8));
    // What a transceiver that is switched on makes of the line.
    if (is_on("noise")) body.insert(body.begin(), {0x00, 0xff, unit_, 0x02});
    return body;
  }

  Bytes take(std::size_t count) {
    const auto end = heard_.begin() + static_cast<std::ptrdiff_t>(count);
    Bytes out{heard_.begin(), end};
    heard_.erase(heard_.begin(), end);
    return out;
  }

  Bytes obey(std::span<const std::uint8_t> pdu) const {
    const auto refuse = [&](Exception why) {
      return Bytes{static_cast<std::uint8_t>(pdu[0] | 0x80), why};
    };
    if (is_on("device-failure")) return refuse(device_failure);
    if (is_on("busy")) return refuse(device_busy);
    if (is_on("gateway-timeout")) return refuse(gateway_timeout);
    const auto function = pdu[0];
    if (function < coils || function > registers) return refuse(illegal_function);
    if (is_on("no-inputs") && function == inputs) return refuse(illegal_function);
    if (pdu.size() != 5) return refuse(illegal_value);
    const auto address = word(pdu, 1);
    const auto count = word(pdu, 3);
    if (count == 0 || count > (function <= inputs ? 2000U : 125U)) return refuse(illegal_value);
    if (address + count > table_size) return refuse(illegal_address);
    Bytes out{function};
    if (function <= inputs) {
      out.push_back(static_cast<std::uint8_t>((count + 7) / 8));
      out.resize(2 + (count + 7) / 8);
      for (unsigned i = 0; i < count; ++i) {
        if (bit(function, address + i)) out[2 + i / 8] |= static_cast<std::uint8_t>(1U << i % 8);
      }
      return out;
    }
    out.push_back(static_cast<std::uint8_t>(2 * count));
    for (unsigned i = 0; i < count; ++i) push_word(out, value(function, address + i));
    return out;
  }

  bool bit(std::uint8_t function, unsigned address) const {
    if (function == coils) {
      return address == 0 ? !is_on("lamp-off") : address == 1 && !is_on("fan-off");
    }
    switch (address) {
      case 0:
        return is_on("cabinet-door-open");
      case 1:
        return !is_on("cabinet-unlocked");
      case 2:
        return is_on("smoke");
      case 3:
        return is_on("cabinet-tilted");
      case 4:
        return is_on("water");
      case 5:
        return !is_on("mains-lost");
      default:
        return false;
    }
  }

  unsigned value(std::uint8_t function, unsigned address) const {
    if (function == holding) return 0;
    const bool still = is_on("fan-stopped") || is_on("fan-off");
    switch (address) {
      case 0:
        return static_cast<unsigned>(degrees()) & 0xffff;
      case 1:
        return static_cast<unsigned>(is_on("humidity-high") ? 921 : humidity_);
      case 2:
        return static_cast<unsigned>(still ? 0 : fan_);
      case 3:
        return is_on("supply-voltage-low") ? 10'420 : 12'050;
      default:
        return 0;
    }
  }

  std::int64_t degrees() const {
    if (is_on("over-temperature")) return 645;
    if (is_on("temperature-high")) return 525;
    return is_on("under-temperature") ? -50 : temperature_;
  }

  bool rtu_;
  std::uint8_t unit_;
  std::int64_t temperature_;
  std::int64_t humidity_;
  std::int64_t fan_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes heard_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  const auto& framing = settings.text("framing");
  if (framing != "tcp" && framing != "rtu") {
    return Error{Errc::invalid, "framing = \"" + framing + "\": expected tcp or rtu"};
  }
  return std::unique_ptr<Player>{std::make_unique<ModbusPlayer>(settings)};
}

}  // namespace

PlayerCard modbus_player() {
  return {.protocol = "modbus", .settings = settings_table, .make = make};
}

}  // namespace kw::devices
