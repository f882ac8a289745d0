#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/config.hpp"
#include "drivers/profiles.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr std::array settings_table{
    Setting{"model",
            SettingType::text,
            "generic",
            {"型号（同驱动的型号表）", "model, as in the driver's profiles"}},
    Setting{"maker", SettingType::text, "EPSON", {"应答的厂商名", "maker it says it is"}},
    Setting{"product", SettingType::text, "TM-T88VI", {"应答的型号名", "model it says it is"}},
    Setting{
        "serial_number", SettingType::text, "KW00000001", {"应答的序列号", "its serial number"}},
    Setting{"paper_left_cm",
            SettingType::integer,
            "5100",
            {"剩余纸长（厘米）", "paper left, in centimetres"},
            0,
            100000},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Conditions of the wire; those of the printer come from the profile's bits.
constexpr std::array<std::string_view, 3> wire_conditions{"no-reply", "garbage", "slow"};

/// Conditions for which a real printer goes off-line by itself.
constexpr std::array<std::string_view, 9> off_line_causes{
    "media-empty",       "media-jam",       "cover-open", "cutter-error",    "unrecoverable-error",
    "recoverable-error", "head-overheated", "feeding",    "waiting-recovery"};
constexpr std::array<std::string_view, 5> error_causes{
    "cutter-error", "unrecoverable-error", "recoverable-error", "head-overheated", "media-jam"};

struct Bit {
  std::size_t byte;
  std::uint8_t any;
  std::string means;
};

struct ReplyTable {
  std::uint8_t idle = 0;
  std::vector<Bit> bits;
};

struct Model {
  std::vector<std::string> polls;
  std::vector<std::string> answers;
  std::map<std::string, ReplyTable, std::less<>> replies;

  bool knows(std::string_view command) const {
    return std::ranges::find(answers, command) != answers.end() ||
           std::ranges::find(polls, command) != polls.end();
  }
};

void read_profile(const config::Document& document, std::vector<config::Problem>& problems,
                  Model& model) {
  config::Reader top{document, problems};
  if (auto polls = top.texts("polls"); !polls.empty()) model.polls = std::move(polls);
  if (auto answers = top.texts("answers"); !answers.empty()) model.answers = std::move(answers);
  if (!top.texts("identify").empty()) model.answers.emplace_back("gs-i");
  for (const std::string_view reply : {"eot1", "eot2", "eot3", "eot4", "full"}) {
    if (!document.root.contains(reply)) continue;
    auto section = top.section(reply);
    ReplyTable table;
    table.idle = static_cast<std::uint8_t>(section.integer("idle", 0, 0, 255));
    for (auto& row : section.sections("bits")) {
      table.bits.push_back({static_cast<std::size_t>(row.integer("byte", 0, 0, 5)),
                            static_cast<std::uint8_t>(row.integer("any", 0, 0, 255)),
                            row.required_text("means")});
    }
    model.replies.insert_or_assign(std::string{reply}, std::move(table));
  }
}

Result<Model> model_of(std::string_view name) {
  const auto profiles = drivers::profiles_of("escpos");
  std::vector<config::Problem> problems;
  std::string known;
  std::optional<Model> out;
  Model generic;
  for (const auto& p : profiles) {
    if (p.model != "generic") continue;
    const auto document = config::parse(p.text, "generic.toml", problems);
    if (document) read_profile(*document, problems, generic);
  }
  for (const auto& p : profiles) {
    known += (known.empty() ? "" : ", ") + std::string{p.model};
    if (p.model != name) continue;
    out = generic;
    const auto document = config::parse(p.text, std::string{p.model} + ".toml", problems);
    if (document) read_profile(*document, problems, *out);
  }
  if (!problems.empty()) return Error{Errc::invalid, problems.front().in(Lang::en)};
  if (!out) {
    return Error{Errc::invalid,
                 fmt::format("model = \"{}\": unknown model (known: {})", name, known)};
  }
  return std::move(*out);
}

/// A receipt printer: answers what its model answers, byte for byte, and swallows the rest as print
/// data. As a real one it obeys real-time requests wherever they stand.
class EscposPlayer final : public Player {
 public:
  EscposPlayer(Model model, const drivers::Settings& settings)
      : model_(std::move(model)),
        maker_(settings.text("maker")),
        product_(settings.text("product")),
        serial_(settings.text("serial_number")),
        paper_left_cm_(settings.integer("paper_left_cm")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& [name, table] : model_.replies) {
      if (!model_.knows(name)) continue;
      for (const auto& bit : table.bits) {
        const bool derived = bit.means == "off-line" || bit.means == "error";
        if (derived || std::ranges::find(conditions_, bit.means) != conditions_.end()) continue;
        conditions_.push_back(bit.means);
      }
    }
    std::ranges::sort(conditions_);
    conditions_.insert(conditions_.end(), wire_conditions.begin(), wire_conditions.end());
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    const Bytes before = automatic_status();
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    const Bytes after = automatic_status();
    const bool tells = automatic_ != 0 && before != after && !is_on("no-reply");
    return tells ? after : Bytes{};
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    Answer out;
    if (is_on("slow")) out.after = slow_;
    for (const auto b : bytes) {
      seen_.push_back(b);
      if (seen_.size() > 3) seen_.erase(seen_.begin());
      const auto reply = reply_to_seen();
      if (!reply) continue;
      seen_.clear();
      out.bytes.insert(out.bytes.end(), reply->begin(), reply->end());
    }
    if (is_on("no-reply")) out.bytes.clear();
    // What a wrong baud rate looks like: bytes, but no reply's.
    if (is_on("garbage")) std::ranges::fill(out.bytes, std::uint8_t{0xfd});
    return out;
  }

  void meet() override {
    seen_.clear();
    automatic_ = 0;
  }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  template <std::size_t N>
  bool any_on(const std::array<std::string_view, N>& of) const {
    return std::ranges::any_of(of, [this](std::string_view c) { return is_on(c); });
  }

  bool off_line() const { return any_on(off_line_causes); }

  /// Whether a bit of that meaning is set now.
  bool holds(std::string_view means) const {
    if (means == "off-line") return off_line();
    if (means == "error") return any_on(error_causes);
    // A roll that has ended is near its end too: DLE EOT 4 says 7e, not 72.
    if (means == "media-low" && is_on("media-empty")) return true;
    return is_on(means);
  }

  Bytes status_reply(std::string_view name, Bytes bytes) const {
    const auto& bits = model_.replies.find(name)->second.bits;
    for (auto bit = bits.begin(); bit != bits.end(); ++bit) {
      // Where several bits say the same in more detail, the first is the plain one.
      const auto first = std::ranges::find(bits, bit->means, &Bit::means);
      if (first == bit && holds(bit->means)) bytes[bit->byte] |= bit->any;
    }
    return bytes;
  }

  /// GS a: four bytes, the first with bit 4 set.
  Bytes automatic_status() const {
    Bytes out{0x10, 0x00, 0x00, 0x0f};
    const auto flag = [&](std::size_t byte, int bits, bool on) {
      if (on) out[byte] = static_cast<std::uint8_t>(out[byte] | bits);
    };
    flag(0, 0x04, is_on("drawer-high"));
    flag(0, 0x08, off_line());
    flag(0, 0x20, is_on("cover-open"));
    flag(0, 0x40, is_on("feed-button"));
    flag(1, 0x08, is_on("cutter-error"));
    flag(1, 0x20, is_on("unrecoverable-error"));
    flag(1, 0x40, is_on("head-overheated"));
    flag(2, 0x03, is_on("media-low"));
    flag(2, 0x0c, is_on("media-empty"));
    return out;
  }

  std::uint8_t paper_byte() const {
    return static_cast<std::uint8_t>((is_on("media-low") ? 0x03 : 0) |
                                     (is_on("media-empty") ? 0x0c : 0));
  }

  static Bytes block(std::string_view text) {
    Bytes out{0x5f};
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
    return out;
  }

  /// The reply to the request that ends with the byte seen last. Nothing: no request ends here; no
  /// bytes: a request that gets no reply.
  std::optional<Bytes> reply_to_seen() {
    const auto n = seen_.size();
    if (n >= 2 && seen_[n - 2] == 0x1b && seen_[n - 1] == 0x76 && model_.knows("esc-v")) {
      return in_order(Bytes{paper_byte()});
    }
    if (n >= 2 && seen_[n - 2] == 0x1d && seen_[n - 1] == 0xe1 && model_.knows("paper-left")) {
      const auto text = std::to_string(paper_left_cm_) + "cm";
      return in_order(Bytes{text.begin(), text.end()});
    }
    if (n < 3) return std::nullopt;
    if (seen_[0] == 0x10 && seen_[1] == 0x04) return real_time(seen_[2]);
    if (seen_[0] == 0x1d && seen_[1] == 0x61 && model_.knows("gs-a")) {
      automatic_ = seen_[2];
      return automatic_ != 0 ? automatic_status() : Bytes{};
    }
    if (seen_[0] == 0x1d && seen_[1] == 0x72 && model_.knows("gs-r")) return transmit(seen_[2]);
    if (seen_[0] == 0x1d && seen_[1] == 0x49 && model_.knows("gs-i")) return identify(seen_[2]);
    return std::nullopt;
  }

  /// What is executed in order with the data is not executed while off-line.
  Bytes in_order(Bytes reply) const { return off_line() ? Bytes{} : std::move(reply); }

  std::optional<Bytes> real_time(std::uint8_t n) const {
    if (n >= 1 && n <= 4) {
      const auto name = fmt::format("eot{}", n);
      return status_reply(name, Bytes{model_.replies.find(name)->second.idle});
    }
    if (n == 0x14 && model_.knows("full")) {
      return status_reply("full", Bytes{0x10, 0x0f, 0x00, 0x00, 0x00, 0x00});
    }
    return std::nullopt;
  }

  std::optional<Bytes> transmit(std::uint8_t n) const {
    if (n == 1 || n == 49) return in_order(Bytes{paper_byte()});
    if (n == 2 || n == 50) {
      return in_order(Bytes{static_cast<std::uint8_t>(is_on("drawer-high") ? 1 : 0)});
    }
    return std::nullopt;
  }

  std::optional<Bytes> identify(std::uint8_t n) const {
    switch (n) {
      case 1:
      case 49:
        return in_order(Bytes{0x20});
      case 2:
      case 50:
        return in_order(Bytes{0x02});
      case 65:
        return in_order(block("1.00 ESC/POS"));
      case 66:
        return in_order(block(maker_));
      case 67:
        return in_order(block(product_));
      case 68:
        return in_order(block(serial_));
      default:
        return std::nullopt;
    }
  }

  Model model_;
  std::string maker_;
  std::string product_;
  std::string serial_;
  std::int64_t paper_left_cm_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  Bytes seen_;  ///< at most the last three bytes
  std::uint8_t automatic_ = 0;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  auto model = model_of(settings.text("model"));
  if (!model) return std::move(model).error();
  return std::unique_ptr<Player>{std::make_unique<EscposPlayer>(std::move(*model), settings)};
}

}  // namespace

PlayerCard escpos_player() {
  return {.protocol = "escpos", .settings = settings_table, .make = make};
}

}  // namespace kw::devices
