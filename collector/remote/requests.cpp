#include "collector/remote/requests.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "common/config.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> verbs{"refresh", "self-test", "log-bundle"};
constexpr std::int64_t longest_wait_s = 7 * 86'400;
constexpr std::size_t reason_limit = 500;

Error expected(std::string text) { return {Errc::invalid, std::move(text)}; }

/// Refuses what nobody knows: a misspelt member must not look like an order that was taken.
Result<void> only(const json::object& asked, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : asked) {
    if (std::ranges::find(known, std::string_view{key}) != known.end()) continue;
    return expected(fmt::format("unknown member {}; known here: {}", std::string_view{key},
                                fmt::join(known, ", ")));
  }
  return {};
}

/// The text of a member; nothing when it is absent, an error when it is something else.
Result<std::optional<std::string>> text_of(const json::object& asked, std::string_view key) {
  const auto* value = asked.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<std::string>{};
  if (!value->is_string()) return expected(fmt::format("{}: a text", key));
  return std::optional<std::string>{std::string{value->get_string()}};
}

Result<void> check_args(const std::string& verb, const json::object& args) {
  const auto device = text_of(args, "device");
  if (!device) return expected("args." + device.error().text());
  if (*device && !wire::valid_device_id(**device)) {
    return expected("args.device: a device id, 1 to 64 of A-Z a-z 0-9 . _ -");
  }
  const auto test = text_of(args, "test");
  if (!test) return expected("args." + test.error().text());
  if (verb == "self-test" && !*device) return expected("args.device: which device to test");
  return {};
}

std::optional<int> number(std::string_view digits) {
  int out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  const bool whole = end == digits.data() + digits.size();
  if (error != std::errc{} || !whole || digits.front() == '-') return std::nullopt;
  return out;
}

/// "+08:00" or "Z" in minutes.
std::optional<int> offset_of(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = number(zone.substr(1, 2));
  const auto minutes = number(zone.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (*hours * 60 + *minutes);
}

}  // namespace

Result<CommandRequest> CommandRequest::read(const json::object& asked) {
  auto known = only(asked, {"verb", "args", "expires_in_s"});
  if (!known) return std::move(known).error();
  CommandRequest out;
  const auto verb = text_of(asked, "verb");
  if (!verb) return verb.error();
  if (!*verb || std::ranges::find(verbs, **verb) == verbs.end()) {
    return expected(fmt::format("verb: one of {}", fmt::join(verbs, ", ")));
  }
  out.verb = **verb;
  static const json::object no_args;
  const auto* args = asked.if_contains("args");
  if (args != nullptr && !args->is_object()) return expected("args: a JSON object");
  const auto& object = args != nullptr ? args->get_object() : no_args;
  auto good = check_args(out.verb, object);
  if (!good) return std::move(good).error();
  out.args = json::serialize(object);
  if (out.args.size() > wire::text_limit) return expected("args: at most 1024 bytes of JSON");
  if (const auto* wait = asked.if_contains("expires_in_s")) {
    boost::system::error_code wrong;
    const auto seconds = wait->is_number() ? wait->to_number<std::int64_t>(wrong) : 0;
    if (wrong || seconds < 1 || seconds > longest_wait_s) {
      return expected(fmt::format("expires_in_s: a whole number from 1 to {}", longest_wait_s));
    }
    out.expires_in = std::chrono::seconds{seconds};
  }
  return out;
}

Result<MaintenanceRequest> MaintenanceRequest::read(const json::object& asked) {
  auto known = only(asked, {"on", "reason", "until"});
  if (!known) return std::move(known).error();
  MaintenanceRequest out;
  const auto* on = asked.if_contains("on");
  if (on == nullptr || !on->is_bool()) return expected("on: true or false");
  out.on = on->get_bool();
  const auto reason = text_of(asked, "reason");
  if (!reason) return reason.error();
  out.reason = reason->value_or("");
  if (out.reason.size() > reason_limit) return expected("reason: at most 500 bytes");
  if (out.on && out.reason.empty()) return expected("reason: why the terminal is in maintenance");
  const auto until = text_of(asked, "until");
  if (!until) return until.error();
  if (*until) {
    if (!out.on) return expected("until: only when on is true");
    out.until = time_from(**until);
    if (!out.until) return expected("until: a time as in 2026-11-22T18:30:00+08:00");
  }
  return out;
}

Result<void> check_configuration(std::string_view body) {
  if (body.empty()) return expected("the text is empty; to take back what was pushed, use DELETE");
  if (body.size() > wire::configuration_limit) {
    return expected(
        fmt::format("{} bytes; at most {} can be pushed", body.size(), wire::configuration_limit));
  }
  std::vector<config::Problem> problems;
  const auto parsed = config::parse(body, "agent.toml", problems);
  if (!problems.empty()) return expected(problems.front().in(Lang::en));
  if (!parsed) return expected(parsed.error().text());
  return {};
}

std::optional<WallTime> time_from(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < form.size() + 1) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool time_mark = form[i] == 'T' && (text[i] == 't' || text[i] == ' ');
    if (form[i] == 'd' ? !digit : (text[i] != form[i] && !time_mark)) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t n) { return *number(text.substr(at, n)); };
  const std::chrono::year_month_day day{std::chrono::year{part(0, 4)},
                                        std::chrono::month{static_cast<unsigned>(part(5, 2))},
                                        std::chrono::day{static_cast<unsigned>(part(8, 2))}};
  if (!day.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) return std::nullopt;
  auto zone = text.substr(form.size());
  if (zone.front() == '.') {
    const auto end = zone.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1) return std::nullopt;
    zone = zone.substr(end);  // a fraction of a second changes no maintenance
  }
  const auto offset = offset_of(zone);
  if (!offset) return std::nullopt;
  const auto days = std::chrono::sys_days{day}.time_since_epoch();
  const auto within = std::chrono::hours{part(11, 2)} +
                      std::chrono::minutes{part(14, 2) - *offset} +
                      std::chrono::seconds{part(17, 2)};
  return WallTime{std::chrono::duration_cast<Duration>(days + within)};
}

}  // namespace kw::collector
