#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "drivers/ports/pcsc.hpp"

namespace kw::drivers {
namespace {

namespace pcsc = platform::pcsc;

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "identity"};
constexpr std::array<std::string_view, 1> port_schemes{"pcsc"};

constexpr std::array settings_table{
    Setting{"card_mute_after_s",
            SettingType::integer,
            "30",
            {"卡片无应答持续多久报警告（秒）",
             "how long a card must stay mute to be a warning, in seconds"},
            0,
            3600},
    Setting{"timeout_ms",
            SettingType::integer,
            "1500",
            {"等待智能卡服务应答的时间（毫秒）",
             "how long the PC/SC service may take to answer, in milliseconds"},
            50,
            10000},
};

std::string names_of(const std::vector<CardReader>& readers) {
  std::string out;
  for (const auto& one : readers) out += (out.empty() ? "" : "; ") + one.name;
  return out;
}

/// The readers that `wanted` may mean: one, or it is not clear which.
std::vector<CardReader> meant(const std::vector<CardReader>& readers, std::string_view wanted) {
  const auto exact = std::ranges::find(readers, wanted, &CardReader::name);
  if (exact != readers.end()) return {*exact};
  std::vector<CardReader> out;
  for (const auto& one : readers) {
    if (one.name.starts_with(wanted)) out.push_back(one);
  }
  return out;
}

class Pcsc final : public Driver {
 public:
  Pcsc(Duration card_mute_after, Duration timeout)
      : card_mute_after_(card_mute_after), timeout_(timeout) {}

  /// A reader that is not there and a service that does not run are states, told by a poll.
  Result<void> open(Port& port, MonoTime /*deadline*/) override {
    port_ = dynamic_cast<PcscPort*>(&port);
    if (port_ == nullptr) return Error{Errc::unsupported, "pcsc: needs a pcsc port"};
    return {};
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "pcsc: not open"};
    const auto readers = port_->readers(std::min(deadline, port_->now() + timeout_));
    wire::Status out;
    out.media = wire::Media::unknown;
    if (!readers) {
      // What the service does says nothing about the reader.
      out.conditions.push_back(
          wire::condition(*wire::find_condition("pcsc-service"), {}, readers.error().text()));
      return out;
    }
    out.evidence = wire::Evidence::driver_report;
    const auto found = meant(*readers, port_->reader());
    if (found.empty()) return not_present(std::move(out), names_of(*readers));
    if (found.size() > 1) {
      out.conditions.push_back(wire::condition(*wire::find_condition("bad-configuration"), {},
                                               "which reader: " + names_of(found)));
      return out;
    }
    return told(std::move(out), found.front());
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  wire::Status not_present(wire::Status out, const std::string& others) {
    mute_since_.reset();
    out.device = wire::DeviceState::no_device;
    // A reader without a driver looks to the service like none.
    auto detail = others.empty() ? std::string{"PC/SC works and knows no reader: plug it in, "
                                               "or install its driver"}
                                 : "attached: " + others;
    out.conditions.push_back(
        wire::condition(*wire::find_condition("not-present"), {}, std::move(detail)));
    return out;
  }

  wire::Status told(wire::Status out, const CardReader& reader) {
    const auto is = [&reader](std::uint32_t flag) { return (reader.state & flag) != 0; };
    if (is(pcsc::unknown) || is(pcsc::unavailable)) return not_present(std::move(out), {});
    out.identity.model = reader.name;
    out.device = wire::DeviceState::online;
    auto chip = wire::ComponentState::unknown;
    if (is(pcsc::empty)) out.media = wire::Media::not_present;
    if (is(pcsc::present)) out.media = wire::Media::present;
    if (!is(pcsc::mute)) {
      mute_since_.reset();
      if (is(pcsc::present)) chip = wire::ComponentState::ok;
    } else if (mute_for() >= card_mute_after_) {
      chip = wire::ComponentState::inoperable;
      // Whether somebody uses the card or it is powered changes by itself.
      const auto shown = reader.state & (pcsc::empty | pcsc::present | pcsc::mute);
      out.conditions.push_back(
          wire::condition(*wire::find_condition("card-mute"), fmt::format("{:04X}", shown)));
    }
    out.components.push_back({"chip", chip, false});
    return out;
  }

  Duration mute_for() {
    const auto now = port_->now();
    if (!mute_since_) mute_since_ = now;
    return now - *mute_since_;
  }

  Duration card_mute_after_;
  Duration timeout_;
  PcscPort* port_ = nullptr;
  std::optional<MonoTime> mute_since_;
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{
      std::make_unique<Pcsc>(std::chrono::seconds{settings.integer("card_mute_after_s")},
                             std::chrono::milliseconds{settings.integer("timeout_ms")})};
}

}  // namespace

Card pcsc_card() {
  return {.name = "pcsc",
          .kind = "card_reader",
          .title = {"智能卡读写器（PC/SC）", "smart card reader (PC/SC)"},
          .settings = settings_table,
          .conditions = {},
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .evidence = wire::Evidence::driver_report,
          .maturity = Maturity::peer,
          .peers = "pcscd 1.9.9 with libccid 1.5.2 on a mocked USB reader",
          .make = make};
}

}  // namespace kw::drivers
