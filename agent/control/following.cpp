#include "agent/control/following.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/control/recent.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

// How late it is noticed that the client has gone while nothing happens.
constexpr auto look_at_least_every = std::chrono::seconds{5};
constexpr auto state_at_least_every = std::chrono::seconds{5};
constexpr auto state_at_most_every = std::chrono::seconds{1};
constexpr std::size_t shown_at_once = 64;

json::object line(std::string_view key, json::value value) {
  json::object out;
  out[key] = std::move(value);
  return out;
}

/// What moves all the time and is no news: ages and times spent.
void leave_out_ages(json::value& value) {
  if (auto* object = value.if_object()) {
    for (const char* key : {"age_ms", "elapsed_ms", "process", "measurements", "bytes"}) {
      object->erase(key);
    }
    for (auto& [key, inner] : *object) leave_out_ages(inner);
  } else if (auto* array = value.if_array()) {
    for (auto& inner : *array) leave_out_ages(inner);
  }
}

std::string gist(const json::object& answer) {
  json::value copy(answer);  // braces would make a list of it
  leave_out_ages(copy);
  return json::serialize(copy);
}

struct News {
  OutboxView view;
  std::vector<json::object> events;
};

Position end_of(const OutboxView& view) {
  return {view.epochs.back().epoch, view.epochs.back().last};
}

}  // namespace

/// What a follower has been told.
struct Following::Seen {
  RecentEvents wanted;  ///< next
  std::map<std::uint64_t, std::uint64_t> acked;
  std::map<std::string, std::string> gists;  ///< by verb
  MonoTime told{};
};

Task<Result<void>> Following::run(json::object args, platform::ControlServer::Lines& to) {
  const auto asked = recent_from(args);
  if (!asked) co_return asked.error();
  const auto wanted = *asked;
  const auto look = [wanted](Outbox& outbox) {
    return News{outbox.view(), recent_events(outbox, wanted)};
  };
  auto first = co_await journal_.ask(look);
  Seen seen;
  seen.wanted = wanted;
  seen.wanted.count = shown_at_once;
  seen.wanted.after = end_of(first.view);
  for (const auto& epoch : first.view.epochs) seen.acked[epoch.epoch] = epoch.acked;
  for (auto& event : first.events) {
    const bool taken = co_await to.send(line("event", std::move(event)));
    if (!taken) co_return Result<void>{};
  }
  const auto* wish = args.if_contains("watch");
  const bool watch = wish != nullptr && *wish == true;
  for (bool taken = true; taken && to.open();) {
    const auto rung = uplink_.moved().rung();
    if (watch) taken = co_await tell_state(seen, to);
    if (taken) taken = co_await tell_events(seen, to);
    if (taken)
      co_await uplink_.moved().heard(rung, watch ? state_at_most_every : look_at_least_every);
  }
  co_return Result<void>{};
}

Task<bool> Following::tell_events(Seen& seen, platform::ControlServer::Lines& to) {
  const auto wanted = seen.wanted;
  const auto look = [wanted](Outbox& outbox) {
    News out{outbox.view(), {}};
    if (end_of(out.view) != *wanted.after) out.events = recent_events(outbox, wanted);
    return out;
  };
  auto news = co_await journal_.ask(look);
  seen.wanted.after = end_of(news.view);
  if (news.events.size() == wanted.count) {  // perhaps there were more
    const bool taken = co_await to.send(line("missed", true));
    if (!taken) co_return false;
  }
  for (auto& event : news.events) {
    const bool taken = co_await to.send(line("event", std::move(event)));
    if (!taken) co_return false;
  }
  for (const auto& epoch : news.view.epochs) {
    auto& told = seen.acked[epoch.epoch];
    if (epoch.acked <= told) continue;
    told = epoch.acked;
    json::object mark;
    mark["epoch"] = fmt::format("{:016x}", epoch.epoch);
    mark["upto"] = epoch.acked;
    const bool taken = co_await to.send(line("acknowledged", std::move(mark)));
    if (!taken) co_return false;
  }
  co_return true;
}

Task<bool> Following::tell_state(Seen& seen, platform::ControlServer::Lines& to) {
  const auto now = clock_.mono();
  if (!seen.gists.empty() && now - seen.told < state_at_most_every) co_return true;
  const bool due = seen.gists.empty() || now - seen.told >= state_at_least_every;
  for (const std::string verb : {"status", "devices"}) {
    const json::object no_args;
    auto answer = co_await verbs_.answer(verb, no_args);
    if (!answer) continue;
    auto fresh = gist(*answer);
    auto& told = seen.gists[verb];
    if (!due && told == fresh) continue;
    told = std::move(fresh);
    seen.told = now;
    auto value = verb == "devices" ? answer->at("devices") : json::value(std::move(*answer));
    const bool taken = co_await to.send(line(verb, std::move(value)));
    if (!taken) co_return false;
  }
  co_return true;
}

}  // namespace kw::agent
