#include "agent/bundle/bundle.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include "agent/bundle/mask.hpp"
#include "agent/outbox/event_json.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t events_most = 500;
// Together with what has bounds of its own (64 devices, 500 log lines) below `bundle_limit`.
constexpr std::size_t events_bytes = 1024 * 1024;
constexpr std::size_t log_bytes = 512 * 1024;
constexpr std::size_t configuration_bytes = 256 * 1024;

std::string in_json(std::string_view text) { return json::serialize(json::string{text}); }

/// The newest events as JSON texts, oldest first, as many as fit.
std::vector<std::string> newest_events(Outbox& outbox) {
  std::vector<std::string> out;
  std::size_t bytes = 0;
  for (const auto& [epoch, record] : outbox.newest(events_most)) {
    auto text = json::serialize(event_json(epoch, record));
    bytes += text.size() + 2;
    if (bytes > events_bytes) break;
    out.push_back(std::move(text));
  }
  std::ranges::reverse(out);
  return out;
}

std::vector<std::string> newest_lines() {
  std::vector<std::string> out;
  std::size_t bytes = 0;
  auto lines = log::last_lines();
  std::ranges::reverse(lines);
  for (const auto& line : lines) {
    auto text = in_json(mask_line(line));
    bytes += text.size() + 2;
    if (bytes > log_bytes) break;
    out.push_back(std::move(text));
  }
  std::ranges::reverse(out);
  return out;
}

void add(std::string& out, std::string_view key, std::string_view value) {
  out.append(",\n").append(in_json(key)).append(":").append(value);
}

void add(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  add(out, key, "[");
  for (std::size_t i = 0; i < values.size(); ++i) out.append(i == 0 ? "\n" : ",\n") += values[i];
  out += "]";
}

}  // namespace

Task<std::string> compose_bundle(BundleSources from) {
  std::string out = R"({"bundle":"kioskwatch-agent","version":1)";
  add(out, "made_at", in_json(rfc3339(from.clock.wall())));
  const json::object no_args;
  for (const std::string verb : {"status", "devices", "outbox"}) {
    auto answer = co_await from.ask(verb, no_args);
    json::value value;
    if (!answer) {
      // One part that cannot be had must not cost the others.
      value = json::object{{"error", answer.error().text()}};
    } else if (verb == "status") {
      value = std::move(*answer);
    } else {
      value = answer->contains(verb) ? answer->at(verb) : json::value(std::move(*answer));
    }
    add(out, verb, mask_line(json::serialize(value)));
  }
  const auto shown = from.configuration.substr(0, configuration_bytes);
  add(out, "configuration", in_json(mask_configuration(shown)));
  add(out, "log", newest_lines());
  const auto events = co_await from.journal.ask(newest_events);
  add(out, "events", events);
  out += "}\n";
  co_return out;
}

}  // namespace kw::agent
