#include "drivers/simulators/wire.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr std::array conditions_table{
    WireCondition{unplug,
                  {"拔线：TCP 拒绝连接，串口设备节点消失；恢复后为新的连接",
                   "pulled out: TCP refuses, the serial device is gone; then it is a new one"}},
    WireCondition{"slow", {"应答延迟 slow_ms 毫秒", "every answer is late by slow_ms"}},
    WireCondition{"garbage",
                  {"应答被随机改动（由 seed 决定，可重现）",
                   "answers are changed at random, the same ones for the same seed"}},
    WireCondition{"silence", {"收到请求但不应答", "hears, and answers nothing"}},
};

constexpr std::array settings_table{
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"状况 slow 的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
    Setting{"seed",
            SettingType::integer,
            "1",
            {"状况 garbage 的随机种子", "what the garbage of condition garbage comes from"},
            0,
            4294967295.0},
};

class WiredPlayer final : public Player {
 public:
  WiredPlayer(std::unique_ptr<Player> device, Duration slow, std::uint32_t seed)
      : device_(std::move(device)), slow_(slow), random_(seed), conditions_(device_->conditions()) {
    for (const auto& row : conditions_table) {
      if (std::ranges::find(conditions_, row.name) != conditions_.end()) continue;
      conditions_.emplace_back(row.name);
      ours_.emplace(row.name);
    }
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (!ours_.contains(condition)) {
      auto said = device_->set(condition, on);
      return is_on("silence") || is_on(unplug) ? Bytes{} : said;
    }
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return {};
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    auto out = device_->answer(bytes);
    if (is_on("silence")) out.bytes.clear();
    if (is_on("garbage") && !out.bytes.empty()) mutate(out.bytes);
    if (is_on("slow")) out.after += slow_;
    return out;
  }

  void meet() override { device_->meet(); }

  std::string_view scheme() const override { return device_->scheme(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  /// Bits turned, bytes lost and added, the end cut off: what noise and bad firmware do.
  void mutate(Bytes& bytes) {
    const auto below = [this](std::size_t limit) {
      return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
    };
    const auto at = [&] {
      return bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size()));
    };
    for (auto left = 1 + below(4); left > 0 && !bytes.empty(); --left) {
      switch (below(4)) {
        case 0:
          *at() ^= static_cast<std::uint8_t>(1U << below(8));
          break;
        case 1:
          bytes.erase(at());
          break;
        case 2:
          bytes.insert(at(), static_cast<std::uint8_t>(below(256)));
          break;
        default:
          bytes.erase(at() + 1, bytes.end());
          break;
      }
    }
  }

  std::unique_ptr<Player> device_;
  Duration slow_;
  std::mt19937 random_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> ours_;
  std::set<std::string, std::less<>> on_;
};

}  // namespace

std::span<const WireCondition> wire_conditions() { return conditions_table; }

std::span<const Setting> wire_settings() { return settings_table; }

std::unique_ptr<Player> on_wire(std::unique_ptr<Player> device, const drivers::Settings& settings) {
  return std::make_unique<WiredPlayer>(std::move(device),
                                       std::chrono::milliseconds{settings.integer("slow_ms")},
                                       static_cast<std::uint32_t>(settings.integer("seed")));
}

}  // namespace kw::devices
