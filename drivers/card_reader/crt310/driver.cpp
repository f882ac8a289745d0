#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "drivers/card_reader/card_stay.hpp"
#include "drivers/card_reader/crt310/frame.hpp"
#include "drivers/ports/quiet.hpp"

namespace kw::drivers {
namespace {

using crt310::Found;
using crt310::PollCommand;
using Bytes = std::vector<std::uint8_t>;

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "consumables"};
constexpr std::array settings_table{
    Setting{"timeout_ms",
            SettingType::integer,
            "500",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
    Setting{
        "enquiry",
        SettingType::boolean,
        "true",
        {"收到 06 后发送 05 取应答（个别型号直接应答，设为 false）",
         "send 05 after the reader's 06 to get its answer; false for models that answer at once"}},
    Setting{"addressed",
            SettingType::boolean,
            "false",
            {"帧前带地址字节 00 的型号", "the model wants an address byte 00 before each frame"}},
    Setting{
        "sensors",
        SettingType::boolean,
        "true",
        {"同时查询传感器，得知闸门状态", "also ask the sensors, which tell the shutter's state"}},
    Setting{"card_left_s",
            SettingType::integer,
            "300",
            {"卡片停留多久视为遗留（秒）；0 表示不判断",
             "a card that stays longer than this was left behind, in seconds; 0: never"},
            0,
            86400},
    Setting{"retain_capacity",
            SettingType::integer,
            "0",
            {"回收箱容量（张）；0 表示未知或没有回收箱",
             "how many cards the retain bin holds; 0: not known, or there is none"},
            0,
            1000},
};

constexpr std::array own_conditions{
    wire::ConditionRow{"reader-error",
                       wire::Severity::warning,
                       wire::Action::maintenance,
                       {"读卡器报错", "card reader reports an error"}},
};

constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};

constexpr int tries = 2;
constexpr int noise_reported = 2;  // damaged exchanges within one poll that make a condition
constexpr Duration line_quiet = std::chrono::milliseconds{100};
constexpr Duration sensors_again = std::chrono::minutes{10};

// Status reply, section 2.1.
constexpr std::uint8_t too_long = 0x46;
constexpr std::uint8_t too_short = 0x47;
constexpr std::uint8_t at_front = 0x48;
constexpr std::uint8_t held_at_front = 0x49;
constexpr std::uint8_t inside = 0x4a;
constexpr std::uint8_t at_contacts = 0x4b;
constexpr std::uint8_t held_at_rear = 0x4c;
constexpr std::uint8_t at_rear = 0x4d;
constexpr std::uint8_t no_card = 0x4e;
constexpr std::uint8_t entry_forbidden = 0x4e;
constexpr std::uint8_t rear_allowed = 0x4a;

// Errors of negative replies.
constexpr std::uint8_t unknown_command = 0x00;
constexpr std::uint8_t bad_data = 0x04;
constexpr std::uint8_t supply_voltage = 0x05;
constexpr std::uint8_t abnormal_card = 0x06;
constexpr std::uint8_t power_down = 0x07;

wire::Condition standard(std::string_view code, std::string vendor) {
  return wire::condition(*wire::find_condition(code), std::move(vendor));
}

wire::Media media_at(std::uint8_t position) {
  switch (position) {
    case too_long:
    case too_short:
      return wire::Media::jammed;
    case at_front:
    case at_rear:
      return wire::Media::entering;
    case held_at_front:
    case inside:
    case at_contacts:
    case held_at_rear:
      return wire::Media::present;
    case no_card:
      return wire::Media::not_present;
    default:
      return wire::Media::unknown;
  }
}

/// What a reply to one of our two questions was.
struct Heard {
  std::optional<std::uint8_t> error;  ///< of a negative reply
  Bytes data;
};

// ---- the driver -------------------------------------------------------------------------------

class Crt310 final : public Driver {
 public:
  explicit Crt310(const Settings& settings)
      : timeout_(std::chrono::milliseconds{settings.integer("timeout_ms")}),
        enquiry_(settings.boolean("enquiry")),
        addressed_(settings.boolean("addressed")),
        sensors_(settings.boolean("sensors")),
        card_stay_(std::chrono::seconds{settings.integer("card_left_s")}),
        retain_capacity_(static_cast<int>(settings.integer("retain_capacity"))) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    out_of_step_ = false;
    first_.reset();
    noise_ = 0;
    auto heard = ask_again(PollCommand::status, deadline);
    if (!heard) card_stay_.unseen();
    if (heard && heard->error == unknown_command) {
      return Error{Errc::refused, "crt310: the device does not know the status command"};
    }
    if (heard || noise_ > 0) {
      if (heard) first_ = std::move(*heard);
      return {};
    }
    if (heard.error().code() == Errc::garbled) {
      return Error{Errc::refused,
                   "crt310: no CRT-310, or another baud rate: " + heard.error().text()};
    }
    return std::move(heard).error().within("crt310");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "crt310: not open"};
    if (!first_) noise_ = 0;
    auto heard = first_ ? Result<Heard>{std::move(*std::exchange(first_, {}))}
                        : ask_again(PollCommand::status, deadline);
    if (!heard) card_stay_.unseen();
    if (!heard && noise_ == 0) return std::move(heard).error().within("crt310");

    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.device = wire::DeviceState::online;
    status.media = wire::Media::unknown;
    if (heard && heard->error) {
      card_stay_.unseen();
      judge_error(*heard->error, status);
    } else if (heard) {
      judge_position(heard->data, status);
      if (sensors_ && port_->now() >= sensors_due_) ask_sensors(deadline, status);
    }
    if (noise_ >= noise_reported) {
      status.conditions.push_back(standard("link-noise", noise_code_));
    }
    if (retain_capacity_ > 0) status.consumables.push_back(retain_bin());
    if (retain_capacity_ > 0 && retained_ >= retain_capacity_) {
      status.conditions.push_back(standard("retain-full", "counted"));
    }
    return status;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  // ---- asking

  Result<Heard> ask_again(PollCommand command, MonoTime deadline) {
    Error last{Errc::timeout, "no reply"};
    for (int i = 0; i < tries && port_->now() < deadline; ++i) {
      if (out_of_step_) {
        auto quiet = wait_until_quiet(*port_, line_quiet, deadline);
        if (!quiet) return std::move(quiet).error();
        out_of_step_ = false;
      }
      auto heard = ask(command, deadline);
      if (heard) return heard;
      last = heard.error();
      if (last.code() != Errc::timeout && last.code() != Errc::garbled) break;
    }
    return last;
  }

  void count_noise(std::string code) {
    ++noise_;
    noise_code_ = std::move(code);
  }

  /// `timeout_` for the 06, and once more for the answer behind it.
  Result<Heard> ask(PollCommand command, MonoTime deadline) {
    auto until = std::min(deadline, port_->now() + timeout_);
    port_->discard();
    out_of_step_ = true;  // until the answer is here
    auto request = crt310::encode(command);
    if (addressed_) request.insert(request.begin(), 0);
    auto sent = port_->write(request, until);
    if (!sent) return std::move(sent).error();

    Bytes in;
    std::size_t dropped = 0;
    bool awaited = !enquiry_;  // an answer is on its way
    bool acknowledged = false;
    bool corrupted = false;
    for (;;) {
      std::array<std::uint8_t, 128> chunk{};
      const auto wait = corrupted ? std::min(until, port_->now() + line_quiet) : until;
      auto got = port_->read(chunk, wait);
      if (!got) {
        if (got.error().code() != Errc::timeout) return std::move(got).error();
        if (corrupted) {
          count_noise("BCC");
          return Error{Errc::garbled, "a reply with a wrong checksum or length"};
        }
        if (dropped + in.size() == 0) return Error{Errc::timeout, "no reply"};
        // A 06 and nothing after it, or not all of it, is a reader that needs longer.
        if (acknowledged && dropped == 1) {
          return Error{Errc::timeout, "the request was heard, and no whole answer came"};
        }
        return Error{Errc::garbled,
                     fmt::format("{} bytes and no reply among them", dropped + in.size())};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      for (;;) {
        const auto found = crt310::find_frame(in);
        if (found.kind == Found::Kind::control && found.control == crt310::refused) {
          count_noise("NAK");
          return Error{Errc::garbled, "the reader did not understand the request"};
        }
        if (found.kind == Found::Kind::control && found.control == crt310::acknowledged &&
            !acknowledged) {
          acknowledged = true;
          until = std::min(deadline, port_->now() + timeout_);
          if (!awaited) {
            auto asked = port_->write(std::span{&crt310::enquiry, 1}, until);
            if (!asked) return std::move(asked).error();
          }
          awaited = true;
        }
        if (found.kind == Found::Kind::frame) {
          auto heard = answer_to(command, found.payload);
          if (heard) {
            out_of_step_ = false;
            if (enquiry_) {
              auto thanked = port_->write(std::span{&crt310::acknowledged, 1}, until);
              if (!thanked) return std::move(thanked).error();
            }
            return std::move(*heard);
          }
        }
        if (found.kind == Found::Kind::corrupted) corrupted = true;
        dropped += found.skip;
        in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
        if (found.kind == Found::Kind::partial) break;
      }
      if (port_->now() >= until) return Error{Errc::garbled, "a line that is never quiet"};
    }
  }

  /// A frame that answers another question is no answer to this one.
  static std::optional<Heard> answer_to(PollCommand command,
                                        std::span<const std::uint8_t> payload) {
    const auto message = crt310::read_message(payload);
    if (!message) return std::nullopt;
    const auto asked = static_cast<std::uint16_t>(command);
    const auto high = static_cast<std::uint8_t>(asked >> 8U);
    const auto low = static_cast<std::uint8_t>(asked & 0xffU);
    if (message->negative) {
      if (message->parameter != high) return std::nullopt;
      return Heard{message->error, {}};
    }
    if (message->command != high || message->parameter != low || message->data.empty()) {
      return std::nullopt;
    }
    return Heard{std::nullopt, {message->data.begin(), message->data.end()}};
  }

  // ---- judging

  static void judge_error(std::uint8_t error, wire::Status& status) {
    const auto vendor = fmt::format("ERR={:02x}", error);
    switch (error) {
      case abnormal_card:
        status.device = wire::DeviceState::user_error;
        status.media = wire::Media::jammed;
        status.conditions.push_back(standard("card-length", vendor));
        return;
      case supply_voltage:
      case power_down:
        status.device = wire::DeviceState::power_off;
        status.conditions.push_back(standard("power", vendor));
        return;
      case bad_data:
        status.conditions.push_back(standard("link-noise", vendor));
        return;
      default:
        status.conditions.push_back(wire::condition(own_conditions.front(), vendor));
        return;
    }
  }

  void judge_position(const Bytes& data, wire::Status& status) {
    using wire::ComponentState;
    const auto position = data[0];
    const auto vendor = fmt::format("POS={:02x}", position);
    status.media = media_at(position);
    if (status.media == wire::Media::jammed) {
      status.device = wire::DeviceState::user_error;
      status.conditions.push_back(standard("card-length", vendor));
    }
    if (data.size() > 1) {
      status.components.push_back(
          {"front_entry", data[1] == entry_forbidden ? ComponentState::off : ComponentState::on,
           false});
    }
    if (data.size() > 2) {
      status.components.push_back(
          {"rear_entry", data[2] == rear_allowed ? ComponentState::on : ComponentState::off,
           false});
    }
    count_retained(position, data.size() > 2 && data[2] == rear_allowed);
    if (card_stay_.left_behind(status.media == wire::Media::present, port_->now())) {
      status.conditions.push_back(standard("card-left", vendor));
    }
  }

  /// The protocol has no counter. A card that was seen at the rear and is then gone has left that
  /// way, into the bin, unless the rear is an entry at which somebody can take it. Captures between
  /// two polls are not seen: what is counted is the least that the bin holds.
  void count_retained(std::uint8_t position, bool rear_is_entry) {
    const bool was_at_rear = last_position_ == held_at_rear || last_position_ == at_rear;
    if (was_at_rear && position == no_card && !rear_is_entry) ++retained_;
    last_position_ = position;
  }

  wire::Consumable retain_bin() const {
    wire::Consumable bin{.type = "retain_bin",
                         .direction = wire::Direction::bin,
                         .state = wire::ConsumableState::unknown,
                         .source = wire::LevelSource::counted,
                         .unit = "count",
                         .available = retained_,
                         .capacity = retain_capacity_};
    bin.percent = std::min(100.0, 100.0 * retained_ / retain_capacity_);
    // Section 4.2: high at three quarters, full at capacity. Below, the count proves nothing.
    if (retained_ >= retain_capacity_) {
      bin.state = wire::ConsumableState::full;
    } else if (4 * retained_ >= 3 * retain_capacity_) {
      bin.state = wire::ConsumableState::high;
    }
    return bin;
  }

  /// Five or six light barriers, the shutter's switch, the entry's switch: 30 or 31 each. A model
  /// that has no such command is not asked again for a while.
  void ask_sensors(MonoTime deadline, wire::Status& status) {
    const auto heard = ask(PollCommand::sensors, deadline);
    const auto is_switch = [](std::uint8_t b) { return b == 0x30 || b == 0x31; };
    const bool readable = heard && !heard->error &&
                          (heard->data.size() == 7 || heard->data.size() == 8) &&
                          std::ranges::all_of(heard->data, is_switch);
    if (!readable) {
      sensors_due_ = port_->now() + sensors_again;
      return;
    }
    const bool open = heard->data[heard->data.size() - 2] == 0x31;
    status.components.push_back(
        {"shutter", open ? wire::ComponentState::open : wire::ComponentState::closed, false});
  }

  Duration timeout_;
  bool enquiry_;
  bool addressed_;
  bool sensors_;
  CardStay card_stay_;
  int retain_capacity_;

  Port* port_ = nullptr;
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  std::optional<Heard> first_;  ///< what `open` heard, until the first poll
  int noise_ = 0;               ///< damaged exchanges of this poll
  std::string noise_code_;
  MonoTime sensors_due_;
  std::optional<std::uint8_t> last_position_;
  int retained_ = 0;
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<Crt310>(settings)};
}

}  // namespace

Card crt310_card() {
  return {.name = "crt310",
          .kind = "card_reader",
          .title = {"读卡器", "card reader"},
          .settings = settings_table,
          .conditions = own_conditions,
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
