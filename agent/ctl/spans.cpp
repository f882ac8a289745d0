#include "agent/ctl/spans.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>

namespace kw::agent::ctl {
namespace {

struct Unit {
  Duration one;
  Duration from;  ///< used for lengths from here on
  Text text;
};

constexpr Unit units[] = {
    {std::chrono::hours{24}, std::chrono::hours{48}, {"{} 天", "{} days"}},
    {std::chrono::hours{1}, std::chrono::hours{2}, {"{} 小时", "{} h"}},
    {std::chrono::minutes{1}, std::chrono::minutes{2}, {"{} 分钟", "{} min"}},
    {std::chrono::seconds{1}, std::chrono::seconds{2}, {"{} 秒", "{} s"}},
    {std::chrono::milliseconds{1}, Duration{0}, {"{} 毫秒", "{} ms"}},
};

/// One thread, so the C library's own buffer will do.
std::string local_text(WallTime t, const char* form) {
  const auto seconds = static_cast<std::time_t>(micros(t) / 1'000'000);
  const auto* local = std::localtime(&seconds);
  std::array<char, 32> out{};
  if (local == nullptr || std::strftime(out.data(), out.size(), form, local) == 0) return {};
  return out.data();
}

}  // namespace

std::string span_text(Duration length, Lang lang) {
  const auto size = length < Duration::zero() ? -length : length;
  for (const auto& unit : units) {
    if (size < unit.from) continue;
    return fmt::format(fmt::runtime(unit.text.in(lang)), size / unit.one);
  }
  return {};
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view form = "yyyy-mm-ddThh:mm:ss.mmmZ";
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = form[i] >= 'a' && form[i] <= 'z';
    if (digit ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t from, std::size_t count) {
    int out = 0;
    for (const char c : text.substr(from, count)) out = out * 10 + (c - '0');
    return out;
  };
  const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                            day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok()) return std::nullopt;
  const auto at = sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} +
                  seconds{number(17, 2)} + milliseconds{number(20, 3)};
  return WallTime{duration_cast<Duration>(at.time_since_epoch())};
}

std::string minute_text(WallTime t) { return local_text(t, "%Y-%m-%d %H:%M"); }
std::string second_text(WallTime t) { return local_text(t, "%m-%d %H:%M:%S"); }

std::string since_text(const std::string& rfc3339, const View& view) {
  const auto at = from_rfc3339(rfc3339);
  if (!at || view.now == WallTime{}) return rfc3339;
  return span_text(view.now - *at, view.lang);
}

std::string day_text(WallTime t) { return rfc3339(t).substr(0, 10); }

}  // namespace kw::agent::ctl
