#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "drivers/card_reader/card_stay.hpp"
#include "drivers/card_reader/f2/frame.hpp"
#include "drivers/ports/quiet.hpp"

namespace kw::drivers {
namespace {

using f2::Found;
using f2::PollCommand;
using Bytes = std::vector<std::uint8_t>;

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "consumables",
                                             "identity"};
constexpr std::array settings_table{
    Setting{"timeout_ms",
            SettingType::integer,
            "500",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
    Setting{"address",
            SettingType::integer,
            "0",
            {"拨码开关设定的地址", "address set by the machine's switches"},
            0,
            15},
    Setting{"stacker",
            SettingType::boolean,
            "true",
            {"有发卡箱；只读卡、不发卡的型号设为 false",
             "there is a card stacker; false for models that only read cards"}},
    Setting{"bin", SettingType::boolean, "true", {"有回收箱", "there is a retain bin"}},
    Setting{"bin_counter",
            SettingType::boolean,
            "false",
            {"读取机器的回收计数（A5）；仅限支持的型号",
             "read the machine's own count of captured cards (A5), where the model has one"}},
    Setting{"bin_capacity",
            SettingType::integer,
            "0",
            {"回收箱容量（张）；0 表示未知", "how many cards the retain bin holds; 0: not known"},
            0,
            1000},
    Setting{"identify",
            SettingType::boolean,
            "true",
            {"打开后读取一次序列号和固件版本", "ask for serial number and firmware after opening"}},
    Setting{"card_left_s",
            SettingType::integer,
            "300",
            {"卡片停留多久视为遗留（秒）；0 表示不判断",
             "a card that stays longer than this was left behind, in seconds; 0: never"},
            0,
            86400},
};

constexpr std::array own_conditions{
    wire::ConditionRow{"part-failed",
                       wire::Severity::fault,
                       wire::Action::maintenance,
                       {"部件故障", "a part of the machine failed"}},
    wire::ConditionRow{"reader-error",
                       wire::Severity::warning,
                       wire::Action::maintenance,
                       {"读卡器报错", "card reader reports an error"}},
};
constexpr const wire::ConditionRow& part_failed = own_conditions[0];
constexpr const wire::ConditionRow& reader_error = own_conditions[1];

constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};

constexpr int tries = 2;
constexpr int noise_reported = 2;  // damaged exchanges within one poll that make a condition
constexpr Duration line_quiet = std::chrono::milliseconds{100};
constexpr Duration identity_every = std::chrono::hours{1};

/// Errors that name a part (section 2.2).
struct Part {
  std::string_view error;
  std::string_view name;
};
constexpr std::array parts{Part{"11", "shutter"}, Part{"12", "sensor"}, Part{"15", "eeprom"},
                           Part{"51", "motor"}};

wire::Condition standard(std::string_view code, std::string vendor) {
  return wire::condition(*wire::find_condition(code), std::move(vendor));
}

struct Heard {
  std::string error;  ///< of a negative reply; empty: positive
  Bytes data;         ///< of a positive one: ST0 ST1 ST2 and more
};

bool is_one_of(std::string_view error, std::initializer_list<std::string_view> of) {
  return std::ranges::find(of, error) != of.end();
}

// ---- the driver -------------------------------------------------------------------------------

class F2 final : public Driver {
 public:
  explicit F2(const Settings& settings)
      : timeout_(std::chrono::milliseconds{settings.integer("timeout_ms")}),
        address_(static_cast<std::uint8_t>(settings.integer("address"))),
        stacker_(settings.boolean("stacker")),
        bin_(settings.boolean("bin")),
        bin_counter_(settings.boolean("bin_counter")),
        bin_capacity_(static_cast<double>(settings.integer("bin_capacity"))),
        identify_(settings.boolean("identify")),
        card_stay_(std::chrono::seconds{settings.integer("card_left_s")}) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    out_of_step_ = false;
    first_.reset();
    noise_ = 0;
    auto heard = ask_again(PollCommand::status, deadline);
    if (!heard) card_stay_.unseen();
    if (heard || noise_ > 0) {
      if (heard) first_ = std::move(*heard);
      return {};
    }
    if (heard.error().code() == Errc::garbled) {
      return Error{Errc::refused,
                   "f2: no F2 card machine, or another baud rate: " + heard.error().text()};
    }
    return std::move(heard).error().within("f2");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "f2: not open"};
    if (!first_) noise_ = 0;
    auto heard = first_ ? Result<Heard>{std::move(*std::exchange(first_, {}))}
                        : ask_again(PollCommand::status, deadline);
    if (!heard) card_stay_.unseen();
    if (!heard && noise_ == 0) return std::move(heard).error().within("f2");

    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.device = wire::DeviceState::online;
    status.media = wire::Media::unknown;
    wire::Consumable stock{.type = "card_stock", .unit = "count"};
    wire::Consumable bin{.type = "retain_bin", .direction = wire::Direction::bin, .unit = "count"};
    if (bin_capacity_ > 0) bin.capacity = bin_capacity_;
    if (heard && !heard->error.empty()) {
      card_stay_.unseen();
      judge_error(heard->error, status, stock, bin);
    } else if (heard) {
      judge_state(heard->data, status, stock, bin);
      if (identify_) ask_identity(deadline);
      if (bin_ && bin_counter_) ask_count(deadline, bin);
    }
    if (noise_ >= noise_reported) {
      status.conditions.push_back(standard("link-noise", noise_code_));
    }
    if (stacker_) status.consumables.push_back(std::move(stock));
    if (bin_) status.consumables.push_back(std::move(bin));
    status.identity = identity_;
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
    auto sent = port_->write(f2::encode(command, address_), until);
    if (!sent) return std::move(sent).error();

    Bytes in;
    std::size_t dropped = 0;
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
        // A 06 and nothing after it, or not all of it, is a machine that needs longer.
        if (acknowledged && dropped == 1) {
          return Error{Errc::timeout, "the request was heard, and no whole answer came"};
        }
        return Error{Errc::garbled,
                     fmt::format("{} bytes and no reply among them", dropped + in.size())};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      for (;;) {
        const auto found = f2::find_frame(in);
        if (found.kind == Found::Kind::control && found.control == f2::refused) {
          count_noise("NAK");
          return Error{Errc::garbled, "the machine did not understand the request"};
        }
        if (found.kind == Found::Kind::control && found.control == f2::acknowledged &&
            !acknowledged) {
          acknowledged = true;
          until = std::min(deadline, port_->now() + timeout_);
        }
        if (found.kind == Found::Kind::frame && found.address == address_) {
          auto heard = answer_to(command, found.payload);
          if (heard) {
            out_of_step_ = false;
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

  /// A frame that answers another question is no answer to this one; an echo is none either.
  static std::optional<Heard> answer_to(PollCommand command,
                                        std::span<const std::uint8_t> payload) {
    const auto message = f2::read_message(payload);
    const auto asked = static_cast<std::uint16_t>(command);
    if (!message || message->command != asked >> 8U || message->parameter != (asked & 0xffU) ||
        message->kind == f2::Message::Kind::request) {
      return std::nullopt;
    }
    return Heard{message->error, {message->data.begin(), message->data.end()}};
  }

  /// Serial number and firmware, once an hour; a machine that does not answer is asked no sooner.
  void ask_identity(MonoTime deadline) {
    const auto now = port_->now();
    if (identity_asked_ && now - *identity_asked_ < identity_every) return;
    identity_asked_ = now;
    // An answer that is lost changes nothing: it would look like another unit.
    auto serial = text_of(PollCommand::serial, deadline);
    if (!serial.empty()) identity_.serial = std::move(serial);
    auto firmware = text_of(PollCommand::version, deadline);
    if (!firmware.empty()) identity_.firmware = std::move(firmware);
  }

  std::string text_of(PollCommand command, MonoTime deadline) {
    if (out_of_step_) return {};
    const auto heard = ask(command, deadline);
    if (!heard || !heard->error.empty() || heard->data.size() <= 3) return {};
    std::string out{heard->data.begin() + 3, heard->data.end()};
    std::erase_if(out, [](char c) { return c < ' ' || c > '~'; });
    return out;
  }

  /// The machine's own counter, as decimal digits behind the three states.
  void ask_count(MonoTime deadline, wire::Consumable& bin) {
    const auto text = text_of(PollCommand::bin_counter, deadline);
    unsigned count = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    if (read.ec != std::errc{} || read.ptr != end) return;
    bin.source = wire::LevelSource::counted;
    bin.available = count;
    if (bin.capacity) bin.percent = std::min(100.0, 100.0 * count / *bin.capacity);
  }

  // ---- judging

  static void stock_is(wire::ConsumableState state, std::string vendor, wire::Status& status,
                       wire::Consumable& stock) {
    stock.source = wire::LevelSource::flag;
    stock.state = state;
    if (state == wire::ConsumableState::full) return;
    auto condition = standard("card-stock", std::move(vendor));
    if (state == wire::ConsumableState::out) {
      stock.available = 0;
      condition.severity = wire::Severity::fault;
    }
    status.conditions.push_back(std::move(condition));
  }

  static void bin_is_full(std::string vendor, wire::Status& status, wire::Consumable& bin) {
    bin.source = wire::LevelSource::flag;
    bin.state = wire::ConsumableState::full;
    status.conditions.push_back(standard("retain-full", std::move(vendor)));
  }

  void judge_error(const std::string& error, wire::Status& status, wire::Consumable& stock,
                   wire::Consumable& bin) const {
    using wire::DeviceState;
    const auto vendor = "E=" + error;
    const auto part = std::ranges::find(parts, error, &Part::error);
    if (part != parts.end()) {
      status.device = DeviceState::hardware_error;
      status.components.push_back(
          {std::string{part->name}, wire::ComponentState::inoperable, true});
      status.conditions.push_back(wire::condition(part_failed, vendor, std::string{part->name}));
    } else if (is_one_of(error, {"10", "17"})) {
      status.device = DeviceState::hardware_error;
      status.media = wire::Media::jammed;
      status.conditions.push_back(standard("jam", vendor));
    } else if (is_one_of(error, {"13", "14"})) {
      status.device = DeviceState::user_error;
      status.media = wire::Media::jammed;
      status.conditions.push_back(standard("card-length", vendor));
    } else if (is_one_of(error, {"30", "32", "33"})) {
      status.device = DeviceState::power_off;
      status.conditions.push_back(standard("power", vendor));
    } else if (error == "A0" && stacker_) {
      stock_is(wire::ConsumableState::out, vendor, status, stock);
    } else if (is_one_of(error, {"50", "A1"}) && bin_) {
      bin_is_full(vendor, status, bin);
    } else if (error == "B0") {
      status.device = DeviceState::starting;
      status.conditions.push_back(standard("not-initialised", vendor));
    } else {
      status.conditions.push_back(wire::condition(reader_error, vendor));
    }
  }

  void judge_state(const Bytes& data, wire::Status& status, wire::Consumable& stock,
                   wire::Consumable& bin) {
    const auto state = [&](std::size_t i) { return i < data.size() ? data[i] : std::uint8_t{0}; };
    const auto vendor = [&](std::size_t i) { return fmt::format("ST{}={:02x}", i, state(i)); };
    if (state(0) == 0x30) status.media = wire::Media::not_present;
    if (state(0) == 0x31 || state(0) == 0x32) status.media = wire::Media::present;
    if (card_stay_.left_behind(status.media == wire::Media::present, port_->now())) {
      status.conditions.push_back(standard("card-left", vendor(0)));
    }
    if (stacker_) {
      using enum wire::ConsumableState;
      if (state(1) == 0x30) stock_is(out, vendor(1), status, stock);
      if (state(1) == 0x31) stock_is(low, vendor(1), status, stock);
      if (state(1) == 0x32) stock_is(full, vendor(1), status, stock);
    }
    if (bin_ && state(2) == 0x30) {
      bin.source = wire::LevelSource::flag;
      bin.state = wire::ConsumableState::ok;
    }
    if (bin_ && state(2) == 0x31) bin_is_full(vendor(2), status, bin);
  }

  Duration timeout_;
  std::uint8_t address_;
  bool stacker_;
  bool bin_;
  bool bin_counter_;
  double bin_capacity_;
  bool identify_;
  CardStay card_stay_;

  Port* port_ = nullptr;
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  std::optional<Heard> first_;  ///< what `open` heard, until the first poll
  int noise_ = 0;               ///< damaged exchanges of this poll
  std::string noise_code_;
  std::optional<MonoTime> identity_asked_;
  wire::Identity identity_;
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<F2>(settings)};
}

}  // namespace

Card f2_card() {
  return {.name = "f2",
          .kind = "card_reader",
          .title = {"发卡读卡器", "card issuing reader"},
          .settings = settings_table,
          .conditions = own_conditions,
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
