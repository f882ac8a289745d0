#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr std::array settings_table{
    Setting{"model",
            SettingType::text,
            "ZT588D",
            {"应答的型号（6 个字符）", "model it says it is, 6 characters"}},
    Setting{"serial_number",
            SettingType::text,
            "0007",
            {"应答的序列号（4 个字符）", "its serial number, 4 characters"}},
    Setting{"owner",
            SettingType::text,
            "",
            {"用户信息（50 个字符）", "the owner's text in it, 50 characters"}},
    Setting{
        "key", SettingType::text, "5", {"条件 key 按下的键", "the key that condition key presses"}},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// A condition that makes the keypad refuse with an error byte.
struct Refusal {
  std::string_view condition;
  std::uint8_t code;
};
constexpr std::array refusals{Refusal{"battery", 0xe0}, Refusal{"key-required", 0xe2},
                              Refusal{"keypad-locked", 0xed}, Refusal{"keypad-error", 0xef}};

/// Anything but the question for information acts on a keypad: it is refused.
constexpr std::uint8_t not_authorised = 0xec;

class Zt588Player final : public Player {
 public:
  explicit Zt588Player(const drivers::Settings& settings)
      : model_(settings.text("model")),
        serial_(settings.text("serial_number")),
        owner_(settings.text("owner")),
        key_(settings.text("key")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& one : refusals) conditions_.emplace_back(one.condition);
    for (const auto* more :
         {"key-missing", "input", "key", "hex-punctuation", "no-reply", "garbage", "slow"}) {
      conditions_.emplace_back(more);
    }
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (condition == "key") return on ? Bytes{key_.begin(), key_.end()} : Bytes{};
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
    seen_.insert(seen_.end(), bytes.begin(), bytes.end());
    while (const auto command = next_command()) {
      // It would press keys, set them or wipe them.
      if (*command != "3") out.offence = "a command that acts was sent to a keypad";
      const auto reply = frame(reply_to(*command));
      out.bytes.insert(out.bytes.end(), reply.begin(), reply.end());
    }
    if (is_on("no-reply")) out.bytes.clear();
    // What a wrong baud rate looks like.
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override { seen_.clear(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  /// A whole and right command, taken off what was seen; wrong ones are dropped as by the keypad.
  std::optional<std::string> next_command() {
    while (true) {
      const auto start = std::ranges::find(seen_, std::uint8_t{0x02});
      seen_.erase(seen_.begin(), start);
      if (seen_.size() < 4) return std::nullopt;
      std::size_t length = 0;
      for (int i = 1; i <= 3; ++i) length = length * 10 + (seen_[std::size_t(i)] & 0x0fU);
      const auto whole = length + 7;
      if (seen_.size() < whole) return std::nullopt;
      const std::string text{seen_.begin() + 4, seen_.begin() + 4 + std::ptrdiff_t(length)};
      const Bytes given{seen_.begin(), seen_.begin() + std::ptrdiff_t(whole)};
      seen_.erase(seen_.begin(), seen_.begin() + std::ptrdiff_t(whole));
      if (given == frame(text)) return text;
    }
  }

  std::string reply_to(const std::string& command) const {
    const auto error = [](std::uint8_t code) { return std::string(1, static_cast<char>(code)); };
    if (command != "3") return error(not_authorised);
    for (const auto& one : refusals) {
      if (is_on(one.condition)) return error(one.code);
    }
    const auto fixed = [](std::string text, std::size_t size) {
      text.resize(size, ' ');
      return text;
    };
    const int flags = 0x04 | (is_on("key-missing") ? 1 : 0) | (is_on("input") ? 2 : 0);
    // Flags, a spare byte, input time 30 s, mask FF, PIN of 1 to 16, 9600 baud, hexadecimal, beep.
    std::string settings =
        hex({static_cast<std::uint8_t>(flags), 0, 30, 0xff, 1, 16, '3', '7', 10, 0});
    std::string keys = hex({'1', '2', '3', 0x1b, '4', '5', '6', 0x08, '7', '8', '9', 0x07,
                            '.', '0', '#', 0x0d, 'A', 'C', 'E', 'G',  'B', 'D', 'F', 'H'});
    return "3" + fixed(owner_, 50) + keys + settings + "00000000" + fixed(model_, 6) + "1.2" +
           "3.4" + "1903" + fixed(serial_, 4);
  }

  /// Two digits a byte; in the other way of writing they run on behind 9 with ":" to "?".
  std::string hex(const Bytes& bytes) const {
    std::string out;
    for (const auto b : bytes) out += fmt::format("{:02X}", b);
    if (!is_on("hex-punctuation")) return out;
    for (auto& c : out) {
      if (c >= 'A') c = static_cast<char>(c - 'A' + ':');
    }
    return out;
  }

  static Bytes frame(const std::string& text) {
    const auto inner = fmt::format("{:03}", text.size()) + text + "\x03";
    unsigned check = 0;
    for (const char c : inner) check ^= static_cast<std::uint8_t>(c);
    const auto whole = "\x02" + inner + fmt::format("{:02X}", check);
    return {whole.begin(), whole.end()};
  }

  std::string model_;
  std::string serial_;
  std::string owner_;
  std::string key_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes seen_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<Zt588Player>(settings)};
}

}  // namespace

PlayerCard zt588_player() {
  return {.protocol = "zt588", .settings = settings_table, .make = make};
}

}  // namespace kw::devices
