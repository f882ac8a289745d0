#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "common/platform/modem_lines.hpp"
#include "drivers/keypad/zt588/frame.hpp"

namespace kw::drivers {
namespace {

using zt588::Piece;

constexpr std::string_view capabilities[] = {"conditions", "components", "identity"};
constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};

constexpr std::array settings_table{
    Setting{"timeout_ms",
            SettingType::integer,
            "1000",
            {"单次应答的等待时间（毫秒）", "how long a reply may take, in milliseconds"},
            50,
            5000},
    Setting{"quiet_after_key_s",
            SettingType::integer,
            "60",
            {"检测到按键或输入已启用后，多久不查询（秒）",
             "how long nothing is asked after a key was pressed or input was enabled, in seconds"},
            5,
            3600},
};

/// E0 to EF (source E1). What speaks of a command that was not understood is the line's.
struct ErrorRow {
  std::uint8_t code;
  std::string_view condition;
  std::string_view says;
};
constexpr std::array errors{
    ErrorRow{0xe0, "battery", "low battery"},
    ErrorRow{0xe1, "key-missing", "IMK required"},
    ErrorRow{0xe2, "key-missing", "TMK required"},
    ErrorRow{0xe3, "keypad-error", "key size"},
    ErrorRow{0xe4, "key-missing", "key not found"},
    ErrorRow{0xe5, "key-missing", "key not found or not fitting"},
    ErrorRow{0xe6, "keypad-error", "key parity"},
    ErrorRow{0xe7, "keypad-error", "key not valid"},
    ErrorRow{0xe8, "link-noise", "command length"},
    ErrorRow{0xe9, "link-noise", "data"},
    ErrorRow{0xeb, "link-noise", "parameter"},
    ErrorRow{0xec, "keypad-error", "authorisation required"},
    ErrorRow{0xed, "keypad-locked", "authorisation locked for a time"},
    ErrorRow{0xee, "keypad-error", "input timed out"},
    ErrorRow{0xef, "keypad-error", "general error"},
};

wire::Condition condition_of(std::uint8_t error) {
  static constexpr ErrorRow unknown{0, "keypad-error", ""};
  const auto known = std::ranges::find(errors, error, &ErrorRow::code);
  const auto& row = known != errors.end() ? *known : unknown;
  return wire::condition(*wire::find_condition(row.condition), fmt::format("{:02X}", error),
                         std::string{row.says});
}

/// Bytes from the keypad, which may be somebody's key presses: wiped wherever they stood.
class Inbox {
 public:
  Inbox() = default;
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  std::span<std::uint8_t> room() { return std::span{bytes_}.subspan(used_); }
  void came(std::size_t count) { used_ += count; }
  std::span<const std::uint8_t> bytes() const { return std::span{bytes_}.first(used_); }
  void drop(std::size_t count) {
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(count),
              bytes_.begin() + static_cast<std::ptrdiff_t>(used_), bytes_.begin());
    used_ -= count;
    OPENSSL_cleanse(bytes_.data() + used_, bytes_.size() - used_);
  }

 private:
  std::array<std::uint8_t, 2048> bytes_{};  ///< more than the longest frame, 1006
  std::size_t used_ = 0;
};

/// Nobody presses more keys than this while a reply is waited for.
constexpr std::size_t most_keys = 8;

class Zt588 final : public Driver {
 public:
  Zt588(Duration timeout, Duration quiet) : timeout_(timeout), quiet_(quiet) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    lines_ = dynamic_cast<platform::ModemLines*>(&port);
    auto seen = look(deadline);
    if (seen) {
      first_ = std::move(*seen);
      return {};
    }
    if (seen.error().code() == Errc::garbled) {
      return Error{Errc::refused, "zt588: not a ZT588: " + seen.error().text()};
    }
    return std::move(seen).error().within("zt588");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "zt588: not open"};
    // The look that told what the device is counts for the poll that follows at once.
    if (first_) return *std::exchange(first_, std::nullopt);
    auto seen = look(deadline);
    if (!seen) return std::move(seen).error().within("zt588");
    return seen;
  }

  void close() noexcept override {
    port_ = nullptr;
    lines_ = nullptr;
    first_.reset();
  }

 private:
  Result<wire::Status> look(MonoTime deadline) {
    Inbox inbox;
    if (auto heard = hear(inbox); !heard) return std::move(heard).error();
    if (in_use_until_ && port_->now() < *in_use_until_) return in_use();
    in_use_until_.reset();
    const auto until = std::min(deadline, port_->now() + timeout_);
    static const auto question = zt588::encode(zt588::information);
    const auto sent = port_->write(question, until);
    const auto reply = sent ? await_reply(inbox, until) : Result<zt588::Reply>{sent.error()};
    if (reply) return told(*reply);
    if (reply.error().code() == Errc::timeout) {
      if (in_use_until_) return in_use();  // a key was pressed meanwhile
      if (lines_ != nullptr && lines_->data_set_ready() == false) return switched_off();
    }
    return reply.error();
  }

  /// Takes what came unasked: key presses. Bounded, as a line of noise never ends.
  Result<void> hear(Inbox& inbox) {
    for (int i = 0; i < 16; ++i) {
      const auto got = port_->read(inbox.room(), port_->now());
      if (!got && got.error().code() != Errc::timeout) return got.error();
      if (!got) break;
      inbox.came(*got);
      // A late reply goes with the rest: it is asked for again.
      if (read(inbox).keys > 0) in_use_until_ = port_->now() + quiet_;
    }
    inbox.drop(inbox.bytes().size());
    return {};
  }

  struct Heard {
    std::optional<Result<zt588::Reply>> reply;  ///< of the last whole frame
    std::size_t keys = 0;
    bool noise = false;
  };
  /// Takes from `inbox` all that is whole.
  static Heard read(Inbox& inbox) {
    Heard out;
    while (!inbox.bytes().empty()) {
      const auto piece = zt588::first_piece(inbox.bytes());
      if (piece.kind == Piece::Kind::part) {
        if (!inbox.room().empty()) break;
        out.noise = true;
        inbox.drop(inbox.bytes().size());
        break;
      }
      if (piece.kind == Piece::Kind::noise) out.noise = true;
      if (piece.kind == Piece::Kind::key) ++out.keys;
      if (piece.kind == Piece::Kind::frame) out.reply = zt588::decode(piece.text);
      inbox.drop(piece.length);
    }
    return out;
  }

  /// Key presses may come before the reply. Bytes that are no reply, and more than anybody can
  /// press in the time, are noise: another baud rate, or another device.
  Result<zt588::Reply> await_reply(Inbox& inbox, MonoTime until) {
    std::size_t keys = 0;
    bool noise = false;
    std::optional<Result<zt588::Reply>> reply;
    while (!reply) {
      const auto got = port_->read(inbox.room(), until);
      if (!got && got.error().code() != Errc::timeout) return got.error();
      if (!got) break;
      inbox.came(*got);
      auto heard = read(inbox);
      reply = std::move(heard.reply);
      keys += heard.keys;
      noise = noise || heard.noise;
      // Noise without end keeps every read from timing out.
      if (port_->now() >= until) break;
    }
    if (!reply && (noise || keys > most_keys || !inbox.bytes().empty())) {
      return Error{Errc::garbled, "what came is no reply"};
    }
    if (keys > 0) in_use_until_ = port_->now() + quiet_;
    if (!reply) return Error{Errc::timeout, "no reply"};
    return std::move(*reply);
  }

  wire::Status told(const zt588::Reply& reply) {
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.evidence = wire::Evidence::protocol_reply;
    if (reply.error != 0) {
      out.conditions.push_back(condition_of(reply.error));
      if (reply.error == 0xe0) {
        out.components.push_back({"battery", wire::ComponentState::fading, false});
      }
      out.identity = identity_;
      return last_ = out;
    }
    const auto& info = reply.information;
    identity_ = {"SZZT", info.model, info.serial, info.hardware};
    if (!info.software.empty()) {
      identity_.firmware += (identity_.firmware.empty() ? "" : "-") + info.software;
    }
    out.identity = identity_;
    out.components.push_back(
        {"keys", info.blank ? wire::ComponentState::inoperable : wire::ComponentState::ok, true});
    if (info.blank) {
      out.conditions.push_back(wire::condition(*wire::find_condition("key-missing"), "blank"));
    }
    last_ = out;
    if (info.input_enabled) {
      in_use_until_ = port_->now() + quiet_;
      return in_use();
    }
    return out;
  }

  /// Somebody is typing, or may be: what was known before holds, and nothing is asked.
  wire::Status in_use() const {
    auto out = last_;
    out.device = wire::DeviceState::device_busy;
    out.evidence = wire::Evidence::protocol_reply;
    return out;
  }

  wire::Status switched_off() const {
    wire::Status out;
    out.device = wire::DeviceState::power_off;
    out.evidence = wire::Evidence::presence_only;
    out.identity = identity_;
    out.conditions.push_back(wire::condition(*wire::find_condition("not-present"), "DSR=0",
                                             "switched off or unplugged"));
    return out;
  }

  Duration timeout_;
  Duration quiet_;

  Port* port_ = nullptr;
  const platform::ModemLines* lines_ = nullptr;  ///< the port's, where it has any
  std::optional<wire::Status> first_;            ///< what `open` saw, until the first poll
  std::optional<MonoTime> in_use_until_;
  wire::Status last_;
  wire::Identity identity_;
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{
      std::make_unique<Zt588>(std::chrono::milliseconds{settings.integer("timeout_ms")},
                              std::chrono::seconds{settings.integer("quiet_after_key_s")})};
}

}  // namespace

Card zt588_card() {
  return {.name = "zt588",
          .kind = "keypad",
          .title = {"密码键盘", "PIN keypad"},
          .settings = settings_table,
          .conditions = {},
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
