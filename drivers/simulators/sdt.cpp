#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/simulators/canary.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr std::array settings_table{
    Setting{
        "allow_reads",
        SettingType::boolean,
        "false",
        {"场景中预告了操作员自检：允许寻卡、选卡和读基本信息，应答金丝雀身份",
         "the scenario announces an operator's self-test: finding, selecting and reading a card "
         "are allowed and give canary identities"}},
    Setting{"sam_date",
            SettingType::integer,
            "20120411",
            {"模块号中的日期", "the date in the module's number"},
            19990101,
            29991231},
    Setting{"sam_serial",
            SettingType::integer,
            "2011994",
            {"模块号中的序号", "the serial in the module's number"},
            0,
            4294967295},
    Setting{"read_ms",
            SettingType::integer,
            "300",
            {"读一次卡所需的时间（毫秒）", "how long reading a card takes, in milliseconds"},
            1,
            60000},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

constexpr std::array<std::uint8_t, 5> preamble{0xaa, 0xaa, 0xaa, 0x96, 0x69};
constexpr std::size_t longest_request = 256;

// What `set` can switch; the first two and link-noise are the driver's codes for them.
constexpr std::array<std::string_view, 10> known_conditions{
    "sam-self-test", "sam-unauthorised", "link-noise",     "request-noise", "unknown-error",
    "card-present",  "no-reply",         "vendor-timeout", "garbage",       "slow"};

std::uint8_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint8_t out = 0;
  for (const auto b : bytes) out = static_cast<std::uint8_t>(out ^ b);
  return out;
}

void add_text(Bytes& to, std::u16string_view text, std::size_t field_bytes) {
  for (std::size_t i = 0; i < field_bytes / 2; ++i) {
    const char16_t c = i < text.size() ? text[i] : u' ';
    to.push_back(static_cast<std::uint8_t>(c & 0xffU));
    to.push_back(static_cast<std::uint8_t>(c >> 8U));
  }
}

void add_little_endian(Bytes& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    to.push_back(static_cast<std::uint8_t>(value & 0xffU));
    value >>= 8U;
  }
}

/// A SAM-V module with its reader. It says loudly when anybody asks it for what a health poll must
/// not: whatever touches a card, changes a setting, or is not known at all.
class SdtPlayer final : public Player {
 public:
  explicit SdtPlayer(const drivers::Settings& settings)
      : allow_reads_(settings.boolean("allow_reads")),
        sam_date_(settings.integer("sam_date")),
        sam_serial_(settings.integer("sam_serial")),
        read_(std::chrono::milliseconds{settings.integer("read_ms")}),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}),
        conditions_(known_conditions.begin(), known_conditions.end()) {}

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    if (condition == "card-present") card_known_ = false;  // another card, or none
    return {};
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    Answer out;
    if (is_on("slow")) out.after = slow_;
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    for (;;) {
      const auto start = std::ranges::search(heard_, preamble).begin();
      if (start == heard_.end()) {
        // What is left may begin a preamble.
        if (heard_.size() >= preamble.size()) {
          heard_.erase(heard_.begin(), heard_.end() - (std::ssize(preamble) - 1));
        }
        break;
      }
      heard_.erase(heard_.begin(), start);
      if (heard_.size() < preamble.size() + 2) break;
      const std::size_t length = heard_[5] * 256U + heard_[6];
      if (length < 3 || length > longest_request) {
        heard_.erase(heard_.begin());
        add(out, reply(0x11));
        continue;
      }
      const auto whole = preamble.size() + 2 + length;
      if (heard_.size() < whole) break;
      const Bytes frame{heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(whole)};
      heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(whole));
      const std::span summed{frame.data() + preamble.size(), 2 + length};
      add(out, checksum(summed) == 0 ? obey(frame, out) : reply(0x10));
    }
    return out;
  }

  void meet() override { heard_.clear(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  static Bytes reply(std::uint8_t code, const Bytes& data = {}) {
    Bytes out{preamble.begin(), preamble.end()};
    const auto length = data.size() + 4;
    out.push_back(static_cast<std::uint8_t>(length >> 8U));
    out.push_back(static_cast<std::uint8_t>(length & 0xffU));
    out.insert(out.end(), {0x00, 0x00, code});
    out.insert(out.end(), data.begin(), data.end());
    out.push_back(checksum(std::span{out}.subspan(preamble.size())));
    return out;
  }

  void add(Answer& to, Bytes reply) const {
    if (is_on("no-reply")) return;
    if (is_on("link-noise")) reply.back() ^= 0x40U;
    if (is_on("vendor-timeout")) {
      reply.assign(preamble.begin(), preamble.end());
      reply.insert(reply.end(), {0x00, 0x05, 0x05, 0x05, 0x05});
    }
    // What a wrong baud rate looks like: bytes, but no reply's.
    if (is_on("garbage")) std::ranges::fill(reply, std::uint8_t{0xfd});
    to.bytes.insert(to.bytes.end(), reply.begin(), reply.end());
  }

  /// Whether a module may be asked that: judged before anything that makes it answer otherwise.
  bool may_ask(std::uint8_t command, std::uint8_t parameter, bool bare) const {
    if (!bare) return false;
    if ((command == 0x11 || command == 0x12) && parameter == 0xff) return true;
    const bool finds = command == 0x20 && (parameter == 0x01 || parameter == 0x02);
    return allow_reads_ && (finds || (command == 0x30 && parameter == 0x01));
  }

  Bytes obey(const Bytes& frame, Answer& out) {
    const auto command = frame[7];
    const auto parameter = frame[8];
    const bool allowed = may_ask(command, parameter, frame.size() == 10);
    if (!allowed) {
      out.offence = fmt::format("command {:02X} {:02X}{}", command, parameter,
                                allow_reads_ ? "" : " outside an announced self-test");
    }
    if (is_on("request-noise")) return reply(0x10);
    if (!allowed) return reply(0x21);
    if (command == 0x11) return reply(module_state());
    if (command == 0x12) return module_number();
    if (command == 0x30) return read_card(out);
    return parameter == 0x01 ? find_card() : select_card();
  }

  std::uint8_t module_state() const {
    if (is_on("sam-self-test")) return 0x60;
    if (is_on("sam-unauthorised")) return 0x66;
    if (is_on("unknown-error")) return 0x24;
    return 0x90;
  }

  Bytes module_number() const {
    if (module_state() != 0x90) return reply(module_state());
    Bytes data;
    add_little_endian(data, 5, 2);
    add_little_endian(data, 1, 2);
    add_little_endian(data, static_cast<std::uint64_t>(sam_date_), 4);
    add_little_endian(data, static_cast<std::uint64_t>(sam_serial_), 4);
    add_little_endian(data, 1, 4);
    return reply(0x90, data);
  }

  /// A card that was found and selected is not found a second time while it stays, and can still be
  /// read.
  Bytes find_card() {
    if (!is_on("card-present") || card_known_) return reply(0x80);
    return reply(0x9f, Bytes(4, 0));
  }

  Bytes select_card() {
    if (!is_on("card-present") || card_known_) return reply(0x81);
    card_known_ = true;
    const auto& serial = next().card_serial;
    return reply(0x90, Bytes{serial.begin(), serial.end()});
  }

  Bytes read_card(Answer& out) {
    if (!is_on("card-present")) return reply(0x41);
    const auto& card = next();
    Bytes data{0x01, 0x00, 0x04, 0x00};
    add_text(data, card.name, 30);
    add_text(data, u"1", 2);
    add_text(data, u"01", 4);
    add_text(data, u"19000101", 16);
    add_text(data, card.address, 70);
    add_text(data, card.number, 36);
    add_text(data, card.issuer, 30);
    add_text(data, u"20200101", 16);
    add_text(data, u"20400101", 16);
    add_text(data, u"", 36);
    for (std::size_t i = 0; i < 1024; ++i) {
      data.push_back(static_cast<std::uint8_t>(card.photo[i % card.photo.size()]));
    }
    ++sent_;
    out.note = fmt::format("canary identity sent, {} so far", sent_);
    out.after += read_;
    return reply(0x90, data);
  }

  const Canary& next() const { return canaries[sent_ % canaries.size()]; }

  bool allow_reads_;
  std::int64_t sam_date_;
  std::int64_t sam_serial_;
  Duration read_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes heard_;
  bool card_known_ = false;  ///< found and selected, and not lifted since
  std::size_t sent_ = 0;     ///< identities
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<SdtPlayer>(settings)};
}

}  // namespace

PlayerCard sdt_player() { return {.protocol = "sdt", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
