#include "agent/control/answers.hpp"

#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/bundle/mask.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/status_json.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(rfc3339(*time)) : json::value(nullptr);
}

struct Asked {
  OutboxView view;
  OutboxStats stats;
};

Asked ask_all(Outbox& outbox) { return {outbox.view(), outbox.stats()}; }

constexpr std::array all_health{wire::Health::ok,   wire::Health::warning, wire::Health::fault,
                                wire::Health::busy, wire::Health::unknown, wire::Health::disabled};

}  // namespace

Answers::Answers(std::shared_ptr<const AgentConfig> config, Journal& journal, const Board& board,
                 const Uplink& uplink, const Clock& clock, WallTime started,
                 std::function<json::object()> configuration)
    : config_(std::move(config)),
      journal_(journal),
      board_(board),
      uplink_(uplink),
      clock_(clock),
      started_(started),
      configuration_(std::move(configuration)) {}

json::array Answers::problems() const {
  json::array out;
  for (const auto& problem : config_->problems) {
    json::object to;
    to["file"] = problem.file;
    to["line"] = problem.line;
    to["key"] = problem.key;
    to["expected"] = problem.expected.in(config_->language);
    to["text"] = problem.in(config_->language);
    out.push_back(std::move(to));
  }
  return out;
}

json::object Answers::uplink() const {
  const auto& status = uplink_.status();
  json::object out;
  out["phase"] = name(status.phase);
  out["connected"] = status.phase == UplinkPhase::live || status.phase == UplinkPhase::draining;
  out["quarantined"] = status.quarantined;
  out["server"] = text_or_null(status.server);
  json::array servers;
  for (const auto& server : status.servers) servers.emplace_back(server);
  out["servers"] = std::move(servers);
  out["proxy"] = text_or_null(status.proxy);
  out["connected_since"] = time_or_null(status.connected_since);
  out["last_ack"] = time_or_null(status.last_ack);
  out["next_dial"] = time_or_null(status.next_dial);
  out["last_error"] = text_or_null(status.last_error);
  out["refusal"] = text_or_null(status.refusal);
  out["clock_offset_ms"] =
      status.clock_offset_us ? json::value(*status.clock_offset_us / 1'000) : json::value(nullptr);
  return out;
}

json::value Answers::certificate() const {
  const auto& status = uplink_.status();
  if (!status.certificate_ends) return nullptr;
  const auto now = clock_.wall() + Duration{status.clock_offset_us.value_or(0)};
  const auto left = std::chrono::floor<std::chrono::days>(*status.certificate_ends - now);
  const bool due = status.renewal_due && *status.renewal_due <= now;
  json::object out;
  out["not_after"] = rfc3339(*status.certificate_ends);
  out["days_left"] = left.count();
  out["renewal"] = !status.renewal_error.empty() ? "failing" : due ? "due" : "scheduled";
  out["renewal_due"] = time_or_null(status.renewal_due);
  out["renewal_error"] = text_or_null(status.renewal_error);
  return out;
}

json::object Answers::outbox(const OutboxStats& stats, const OutboxView& view) {
  json::object out;
  out["kept"] = stats.kept;
  out["unacknowledged"] = stats.unacked;
  out["bytes"] = stats.bytes;
  out["ceiling_bytes"] = stats.ceiling;
  out["oldest_unacknowledged"] = stats.oldest_unacked == WallTime{}
                                     ? json::value(nullptr)
                                     : json::value(rfc3339(stats.oldest_unacked));
  out["on_disk"] = stats.on_disk;
  json::array epochs;
  for (const auto& epoch : view.epochs) {
    json::object to;
    to["epoch"] = fmt::format("{:016x}", epoch.epoch);
    to["first_kept"] = epoch.first_kept;
    to["acknowledged"] = epoch.acked;
    to["last"] = epoch.last;
    epochs.push_back(std::move(to));
  }
  out["epochs"] = std::move(epochs);
  return out;
}

json::object Answers::device(const DeviceConfig& configured, const OutboxView& view,
                             const std::map<std::string, Look>& looks) const {
  const DeviceView* known = nullptr;
  for (const auto& candidate : view.devices) {
    if (candidate.status.device() == configured.name) known = &candidate;
  }
  wire::Status status;
  if (known != nullptr) {
    status = wire::from_wire(known->status);
    status.identity = known->identity;
  }
  status.enabled = configured.enabled;
  auto out = wire::to_json(status);
  out["name"] = configured.name;
  out["driver"] = configured.driver;
  out["kind"] = nullptr;
  if (const auto* card = configured.card; card != nullptr) {
    out["kind"] = drivers::kind_of(*card, configured.settings).name;
  }
  out["port"] = mask_line(configured.port);
  out["poll_ms"] = configured.poll.count() / 1'000;
  out["since"] = known == nullptr
                     ? json::value(nullptr)
                     : json::value(rfc3339(wall_from(known->status.since().wall_us())));
  out["age_ms"] = nullptr;
  out["elapsed_ms"] = nullptr;
  out["misses"] = nullptr;
  out["report_age_ms"] = nullptr;
  out["measurements"] = json::object{};
  if (const auto look = looks.find(configured.name); look != looks.end()) {
    out["age_ms"] = (clock_.mono() - look->second.at).count() / 1'000;
    out["elapsed_ms"] = look->second.took.count() / 1'000;
    out["misses"] = look->second.misses;
    if (const auto& reported = look->second.reported_at) {
      out["report_age_ms"] = (clock_.mono() - *reported).count() / 1'000;
    }
    out["measurements"] = wire::measurements_json(look->second.status.measurements);
  }
  return out;
}

json::array Answers::devices(const OutboxView& view) const {
  const auto looks = board_.all();
  json::array out;
  for (const auto& configured : config_->devices) out.push_back(device(configured, view, looks));
  return out;
}

Task<Result<json::object>> Answers::answer(std::string verb, json::object) {
  if (verb != "status" && verb != "devices" && verb != "outbox") {
    co_return Error{Errc::unsupported, "no such verb: " + verb.substr(0, 64)};
  }
  const auto asked = co_await journal_.ask(ask_all);
  json::object out;
  if (verb == "outbox") {
    out["outbox"] = outbox(asked.stats, asked.view);
    co_return out;
  }
  auto listed = devices(asked.view);
  if (verb == "devices") {
    out["devices"] = std::move(listed);
    co_return out;
  }
  json::array consumables;
  for (const auto& entry : listed) {
    for (const auto& consumable : entry.at("consumables").get_array()) {
      json::object to = consumable.get_object();
      to["device"] = entry.at("name");
      consumables.push_back(std::move(to));
    }
  }
  json::object summary;
  for (const auto health : all_health) summary[wire::name(health)] = 0;
  for (const auto& entry : listed) {
    auto& count = summary[std::string_view{entry.at("health").get_string()}];
    count = count.to_number<std::int64_t>() + 1;
  }
  out["terminal"] = text_or_null(uplink_.status().terminal);
  out["version"] = KW_VERSION;
  out["started"] = rfc3339(started_);
  out["uplink"] = uplink();
  out["certificate"] = certificate();
  out["outbox"] = outbox(asked.stats, asked.view);
  out["devices"] = std::move(summary);
  out["consumables"] = std::move(consumables);
  json::object config;
  config["readable"] = config_->readable;
  config["problems"] = problems();
  out["config"] = std::move(config);
  out["configuration"] = configuration_();
  out["assistant"] = assistant_ ? json::value(assistant_()) : json::value(nullptr);
  co_return out;
}

}  // namespace kw::agent
