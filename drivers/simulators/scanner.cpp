#include <algorithm>
#include <array>
#include <map>
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
            "newland",
            {"命令格式：newland honeywell mindeo", "its commands: newland honeywell mindeo"}},
    Setting{"code",
            SettingType::text,
            "6901234567892",
            {"条件 scan 扫到的码", "the code that condition scan reads"}},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// A scanner with a few settings, by tag and subtag. A question is answered with the question's
/// words and the value, and 06 before each stop (15: no such question, 05: no such name). Anything
/// that would change a setting is an offence.
class ScannerPlayer final : public Player {
 public:
  ScannerPlayer(std::string model, const drivers::Settings& settings)
      : newland_(model == "newland"),
        code_(settings.text("code")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    if (model == "mindeo") {
      values_ = {{"0401", "4"}};
    } else {
      values_ = {{"C11ENA", "1"}, {"C11MIN", "12"}, {"C11MAX", "22"}, {"CBRENA", "1"},
                 {"CBRMIN", "2"}, {"CBRMAX", "60"}, {"232BAD", "9"}};
    }
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (condition == "scan") {
      if (!on) return {};
      const auto text = code_ + "\r\n";
      return {text.begin(), text.end()};
    }
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
    seen_.append(bytes.begin(), bytes.end());
    std::string reply;
    const std::string_view begins = newland_ ? "~\x01"
                                               "0000"
                                             : "\x16M\r";
    for (;;) {
      const auto start = seen_.find(begins);
      if (start == std::string::npos) break;
      const auto text_at = start + begins.size();
      const auto end = newland_ ? seen_.find(";\x03", text_at) : seen_.find_first_of(".!", text_at);
      if (end == std::string::npos) break;
      const auto size = newland_ ? std::size_t{2} : std::size_t{1};
      reply += reply_to(seen_.substr(text_at, end - text_at), seen_.substr(end, size), out);
      seen_.erase(0, end + size);
    }
    if (is_on("no-reply")) reply.clear();
    if (is_on("garbage")) std::ranges::fill(reply, '\xfd');
    out.bytes.assign(reply.begin(), reply.end());
    return out;
  }

  void meet() override { seen_.clear(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  std::string reply_to(std::string commands, const std::string& end, Answer& out) const {
    std::string reply;
    if (newland_) {
      reply =
          "\x02\x01"
          "0000" +
          commands.substr(0, 1);
      commands.erase(0, 1);
    }
    std::string tag;
    for (std::size_t at = 0; at <= commands.size();) {
      const auto stop = std::min(commands.find_first_of(",;", at), commands.size());
      const bool same_tag = at > 0 && commands[at - 1] == ',';
      reply += answered(commands.substr(at, stop - at), same_tag, tag, out);
      if (stop < commands.size()) reply += commands[stop];
      at = stop + 1;
    }
    return reply + end;
  }

  std::string answered(std::string command, bool same_tag, std::string& tag, Answer& out) const {
    const std::string letters = newland_ ? "*&^" : "?^*";
    if (command.empty() || letters.find(command.back()) == std::string::npos) {
      out.offence = "a setting was sent to a scanner";
      return command + "\x06";
    }
    const char letter = command.back();
    command.pop_back();
    std::ranges::transform(command, command.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    if (!same_tag) tag = command.substr(0, 3);
    const auto wanted = same_tag ? tag + command : command;
    const auto shown = [&](const std::string& value) {
      return letter == letters[2] ? std::string{"0-99"} : value;
    };
    std::string reply;
    for (const auto& [name, value] : values_) {
      if (!name.starts_with(wanted) || is_on("unknown-tag")) continue;
      const bool whole = name == wanted;
      const auto words =
          whole || reply.empty() ? (same_tag ? name.substr(3) : name) : name.substr(3);
      reply += (reply.empty() ? "" : "\x06,") + words + shown(value);
    }
    return reply.empty() ? command + letter + "\x05" : reply + "\x06";
  }

  bool newland_;
  std::string code_;
  Duration slow_;
  std::map<std::string, std::string> values_;
  std::vector<std::string> conditions_{"scan", "unknown-tag", "no-reply", "garbage", "slow"};
  std::set<std::string, std::less<>> on_;
  std::string seen_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  auto model = settings.text("model");
  if (model != "newland" && model != "honeywell" && model != "mindeo") {
    return Error{Errc::invalid,
                 fmt::format("model = \"{}\": unknown (known: newland, honeywell, mindeo)", model)};
  }
  return std::unique_ptr<Player>{std::make_unique<ScannerPlayer>(std::move(model), settings)};
}

}  // namespace

PlayerCard scanner_player() {
  return {.protocol = "scanner", .settings = settings_table, .make = make};
}

}  // namespace kw::devices
