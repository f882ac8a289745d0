#include "agent/poll/self_test.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/poll/messages.hpp"

namespace kw::agent {

Result<std::string> choose_self_test(const drivers::Card& card, std::string_view what,
                                     std::string_view device, Lang lang) {
  const auto own = card.self_tests;
  if (own.empty() && (what.empty() || what == poll_test)) return std::string{poll_test};
  if (what.empty() && own.size() == 1) return std::string{own.front()};
  if (std::ranges::find(own, what) != own.end()) return std::string{what};
  const auto known = own.empty() ? std::string{poll_test} : fmt::format("{}", fmt::join(own, ", "));
  return Error{
      what.empty() ? Errc::invalid : Errc::unsupported,
      fmt::format(fmt::runtime(message::no_such_test.in(lang)), device, what.substr(0, 64), known)};
}

drivers::SelfTest as_self_test(const wire::Status& status, Duration took) {
  const auto health = wire::health_of(status);
  drivers::SelfTest out;
  out.passed = health != wire::Health::fault && health != wire::Health::unknown;
  out.attempts.push_back(took);
  out.detail = fmt::format("health={} state={} reply_ms={}", wire::name(health),
                           wire::name(status.device), took.count() / 1'000);
  const char* before = " conditions=";
  for (const auto& condition : status.conditions) {
    out.detail.append(before).append(condition.code);
    before = ",";
  }
  return out;
}

}  // namespace kw::agent
