#include "agent/ctl/print.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/ctl/messages.hpp"
#include "agent/ctl/spans.hpp"
#include "agent/ctl/table.hpp"
#include "agent/ctl/words.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

std::string say(const Text& text, Lang lang) { return std::string{text.in(lang)}; }

std::string counts(const json::object& devices, Lang lang) {
  std::string out;
  for (const auto health : all_healths) {
    const auto& count = at(devices, health);
    if (!count.is_number() || count.to_number<std::int64_t>() == 0) continue;
    out += out.empty() ? "" : "  ";
    out += health_word(std::string{health}, lang) + " " + text(count);
  }
  return out.empty() ? say(message::none, lang) : out;
}

/// "12 min ago"; what stands there when it is no time.
std::string ago(const json::value& when, const View& view, std::string_view otherwise = "-") {
  if (!when.is_string()) return text(when, otherwise);
  const auto at = from_rfc3339(text(when));
  if (!at || view.now == WallTime{}) return text(when);
  return fmt::format(fmt::runtime(message::ago.in(view.lang)),
                     span_text(view.now - *at, view.lang));
}

Colour phase_colour(const std::string& phase) {
  if (phase == "live" || phase == "draining") return Colour::good;
  const bool passing = phase == "connecting" || phase == "waiting";
  return passing ? Colour::warning : Colour::bad;
}

/// That nothing but its presence is known of a device is said with its state.
std::string state_text(const json::object& device, Lang lang) {
  auto out = device_state_word(text(at(device, "device_state")), lang);
  const auto evidence = text(at(device, "evidence"));
  if (evidence == wire::name(wire::Evidence::presence_only)) {
    out += " (" + evidence_word(evidence, lang) + ")";
  }
  return out;
}

std::string mebibytes(const json::value& bytes) {
  if (!bytes.is_number()) return "-";
  return fmt::format("{:.1f} MiB", bytes.to_number<double>() / 1024 / 1024);
}

template <class... Args>
std::string fill(const Text& words, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(words.in(lang)), args...);
}

std::string short_hash(const json::value& hash) { return text(hash).substr(0, 12); }

std::string configuration_source(const json::object& from, Lang lang) {
  auto out = text(at(from, "source")) == "pushed"
                 ? fill(message::configuration_pushed, lang, short_hash(at(from, "hash")))
                 : fill(message::configuration_local, lang, text(at(from, "local_file")));
  if (at(from, "state") == "trial") out += ", " + say(message::configuration_trial, lang);
  return out;
}

/// Why the last pushed one is not in force, with its mistakes; empty when it is.
std::string configuration_verdict(const json::object& from, Lang lang) {
  const auto state = text(at(from, "state"));
  if (state != "refused" && state != "rolled-back") return {};
  const auto& words =
      state == "refused" ? message::configuration_refused : message::configuration_rolled_back;
  auto out = fill(words, lang, short_hash(at(from, "reported_hash"))) + ":\n";
  const auto detail = text(at(from, "detail"));
  for (std::size_t begin = 0; begin <= detail.size();) {
    const auto end = std::min(detail.find('\n', begin), detail.size());
    out += "  " + detail.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

/// Where applications reach the data assistant, why not, and whether a citizen is being served.
Cell assistant_cell(const json::object& assistant, const View& view) {
  if (const auto why = text(at(assistant, "problem"), ""); !why.empty()) return {why, Colour::bad};
  auto out = text(at(assistant, "address"));
  if (const auto& open = object_at(assistant, "session"); !open.empty()) {
    out += ", " + fill(message::serving, view.lang, since_text(text(at(open, "since")), view));
  } else if (at(object_at(assistant, "last_session"), "reason") == "timeout") {
    return {out + ", " + say(message::timed_out, view.lang), Colour::warning};
  }
  return {out};
}

}  // namespace

std::string status_text(const json::object& answer, const View& view) {
  const auto lang = view.lang;
  const auto& uplink = object_at(answer, "uplink");
  const auto& outbox = object_at(answer, "outbox");
  const auto& config = object_at(answer, "config");
  Table table;
  table.row(
      {say(message::terminal, lang), text(at(answer, "terminal"), message::not_enrolled.in(lang))});
  table.row({say(message::version, lang), text(at(answer, "version"))});
  table.row({say(message::collector, lang), text(at(uplink, "server"))});
  if (const auto proxy = text(at(uplink, "proxy"), ""); !proxy.empty()) {
    table.row({say(message::proxy, lang), proxy});
  }
  std::string others;
  for (const auto& server : array_at(uplink, "servers")) {
    if (server == at(uplink, "server")) continue;
    others += others.empty() ? "" : ", ";
    others += text(server);
  }
  if (!others.empty()) table.row({say(message::other_collectors, lang), others});
  auto connection = phase_word(text(at(uplink, "phase")), lang);
  if (at(uplink, "quarantined") == true) {
    connection +=
        ", " + say(message::quarantined, lang) + ": " + say(message::quarantined_what, lang);
  }
  // Of a kiosk that is not enrolled the error only says which file is not there.
  const bool enrolled = !at(answer, "terminal").is_null();
  if (const auto why = text(at(uplink, "last_error"), ""); !why.empty() && enrolled) {
    connection += " (" + why + ")";
  }
  table.row(
      {say(message::connection, lang), {connection, phase_colour(text(at(uplink, "phase")))}});
  table.row(
      {say(message::last_ack, lang), ago(at(uplink, "last_ack"), view, message::never.in(lang))});
  table.row({say(message::backlog, lang), text(at(outbox, "unacknowledged"))});
  table.row({say(message::oldest, lang), ago(at(outbox, "oldest_unacknowledged"), view)});
  auto disk = mebibytes(at(outbox, "bytes")) + " / " + mebibytes(at(outbox, "ceiling_bytes"));
  if (at(outbox, "on_disk") == false) disk += ", " + say(message::not_written, lang);
  table.row({say(message::on_disk, lang), disk});
  table.row({say(message::devices, lang), counts(object_at(answer, "devices"), lang)});
  for (const auto& consumable : worst_first(array_at(answer, "consumables"))) {
    table.row({say(message::consumables, lang),
               text(at(consumable, "device")) + ": " + supply_text(consumable, lang)});
  }
  if (const auto& assistant = object_at(answer, "assistant"); at(assistant, "enabled") == true) {
    table.row({say(message::assistant, lang), assistant_cell(assistant, view)});
  }
  const auto& configuration = object_at(answer, "configuration");
  table.row({say(message::configuration, lang), configuration_source(configuration, lang)});
  std::string out = table.text(view) + configuration_verdict(configuration, lang);
  const auto& problems = array_at(config, "problems");
  if (problems.empty()) return out;
  out += say(message::problems, lang) + ":\n";
  if (at(config, "readable") == false) out += "  " + say(message::unreadable, lang) + "\n";
  for (const auto& problem : problems) {
    if (problem.is_object()) out += "  " + text(at(problem.get_object(), "text")) + "\n";
  }
  return out;
}

std::string devices_text(const json::object& answer, const View& view) {
  const auto lang = view.lang;
  Table table{{say(message::device_name, lang), say(message::kind, lang),
               say(message::health, lang), say(message::device_state, lang),
               say(message::since, lang), say(message::conditions, lang)}};
  for (const auto& entry : array_at(answer, "devices")) {
    if (!entry.is_object()) continue;
    const auto& device = entry.get_object();
    std::string kind = text(at(device, "kind"));
    if (const auto* card = drivers::find(text(at(device, "driver")))) {
      kind = drivers::title_of(*card, kind).in(lang);
    }
    table.row(
        {text(at(device, "name")),
         kind,
         {health_word(text(at(device, "health")), lang), health_colour(text(at(device, "health")))},
         state_text(device, lang),
         since_text(text(at(device, "since")), view),
         reasons_text(device, lang)});
  }
  return table.text(view);
}

std::string device_text(const json::object& device, const View& view) {
  const auto lang = view.lang;
  const auto health = text(at(device, "health"));
  Table table;
  table.row({say(message::device_name, lang), text(at(device, "name"))});
  table.row({say(message::driver, lang), text(at(device, "driver"))});
  table.row({say(message::port, lang), text(at(device, "port"))});
  table.row({say(message::health, lang), {health_word(health, lang), health_colour(health)}});
  table.row({say(message::device_state, lang),
             device_state_word(text(at(device, "device_state")), lang)});
  table.row({say(message::since, lang), since_text(text(at(device, "since")), view)});
  table.row({say(message::evidence, lang), evidence_word(text(at(device, "evidence")), lang)});
  if (const auto& age = at(device, "report_age_ms"); age.is_number()) {
    table.row({say(message::report_age, lang),
               fill(message::ago, lang,
                    span_text(std::chrono::milliseconds{age.to_number<std::int64_t>()}, lang))});
  }
  table.row({say(message::conditions, lang), conditions_text(device, lang)});
  for (const auto& consumable : worst_first(array_at(device, "consumables"))) {
    table.row({say(message::consumables, lang), supply_text(consumable, lang)});
  }
  return table.text(view);
}

std::string outbox_text(const json::object& answer, const View& view) {
  const auto lang = view.lang;
  const auto& outbox = object_at(answer, "outbox");
  Table summary;
  summary.row({say(message::backlog, lang), text(at(outbox, "unacknowledged"))});
  summary.row({say(message::oldest, lang), ago(at(outbox, "oldest_unacknowledged"), view)});
  summary.row({say(message::on_disk, lang),
               mebibytes(at(outbox, "bytes")) + " / " + mebibytes(at(outbox, "ceiling_bytes"))});
  Table epochs{{say(message::epoch, lang), say(message::first_kept, lang),
                say(message::acknowledged, lang), say(message::last, lang)}};
  for (const auto& entry : array_at(outbox, "epochs")) {
    if (!entry.is_object()) continue;
    const auto& epoch = entry.get_object();
    epochs.row({text(at(epoch, "epoch")), text(at(epoch, "first_kept")),
                text(at(epoch, "acknowledged")), text(at(epoch, "last"))});
  }
  return summary.text(view) + "\n" + epochs.text(view);
}

std::string probe_text(const json::object& probed, const View& view) {
  const auto lang = view.lang;
  Table table;
  table.row({say(message::driver, lang), text(at(probed, "driver"))});
  table.row({say(message::health, lang), health_word(text(at(probed, "health")), lang)});
  table.row({say(message::device_state, lang),
             device_state_word(text(at(probed, "device_state")), lang)});
  table.row({say(message::media, lang), media_word(text(at(probed, "media")), lang)});
  table.row({say(message::evidence, lang), evidence_word(text(at(probed, "evidence")), lang)});
  std::string identity;
  for (const auto& [key, value] : object_at(probed, "identity")) {
    if (value.is_null()) continue;
    identity += identity.empty() ? "" : " ";
    identity += text(value);
  }
  table.row({say(message::identity, lang), identity.empty() ? "-" : identity});
  table.row({say(message::conditions, lang), conditions_text(probed, lang)});
  for (const auto& condition : array_at(probed, "conditions")) {
    if (!condition.is_object()) continue;
    const auto advice = advice_text(condition.get_object(), text(at(probed, "driver"), ""), lang);
    table.row({say(message::what_to_do, lang), advice});
  }
  if (const auto why = text(at(probed, "error"), ""); !why.empty()) {
    table.row({say(message::unanswered, lang), why});
  }
  if (const auto parts = components_text(probed, lang); !parts.empty()) {
    table.row({say(message::components, lang), parts});
  }
  for (const auto& consumable : worst_first(array_at(probed, "consumables"))) {
    table.row({say(message::consumables, lang), supply_text(consumable, lang)});
  }
  for (const auto& [name, value] : object_at(probed, "measurements")) {
    table.row({say(message::measurements, lang), std::string{name} + " " + text(value)});
  }
  table.row({say(message::elapsed, lang), text(at(probed, "elapsed_ms"))});
  return table.text(view);
}

std::string drivers_text(const View& view) {
  const auto lang = view.lang;
  std::string out;
  for (const auto& card : drivers::catalogue()) {
    std::string ports;
    for (const auto scheme : card.schemes) ports.append(ports.empty() ? "" : ", ").append(scheme);
    out +=
        fmt::format("{}  {}  {}: {}  {}: {}\n", card.name, card.title.in(lang),
                    message::port.in(lang), ports.empty() ? "-" : ports, message::evidence.in(lang),
                    evidence_word(std::string{wire::name(card.evidence)}, lang));
    Table table;
    for (const auto& s : card.settings) {
      table.row({"  ", std::string{s.name}, std::string{s.fallback.empty() ? "-" : s.fallback},
                 std::string{s.help.in(lang)}});
    }
    out += table.text(view);
  }
  return out;
}

json::object drivers_json(Lang lang) {
  constexpr std::string_view types[] = {"boolean", "integer", "number", "text"};
  json::array list;
  for (const auto& card : drivers::catalogue()) {
    json::object to;
    to["name"] = card.name;
    to["kind"] = card.kind;
    to["title"] = card.title.in(lang);
    json::array kinds;
    for (const auto& kind : card.kinds) kinds.emplace_back(kind.name);
    to["kinds"] = std::move(kinds);
    json::array schemes;
    for (const auto scheme : card.schemes) schemes.emplace_back(scheme);
    to["schemes"] = std::move(schemes);
    json::array settings;
    for (const auto& s : card.settings) {
      json::object setting;
      setting["name"] = s.name;
      setting["type"] = types[static_cast<std::size_t>(s.type)];
      setting["default"] = s.fallback;
      setting["help"] = s.help.in(lang);
      if (s.least != 0 || s.most != 0) {
        setting["least"] = s.least;
        setting["most"] = s.most;
      }
      settings.push_back(std::move(setting));
    }
    to["settings"] = std::move(settings);
    json::array tests;
    for (const auto test : card.self_tests) tests.emplace_back(test);
    to["self_tests"] = std::move(tests);
    json::array capabilities;
    for (const auto part : card.capabilities) capabilities.emplace_back(part);
    to["capabilities"] = std::move(capabilities);
    to["evidence"] = wire::name(card.evidence);
    to["maturity"] = drivers::name(card.maturity);
    to["peers"] = card.peers;
    list.push_back(std::move(to));
  }
  json::object out;
  out["drivers"] = std::move(list);
  return out;
}

}  // namespace kw::agent::ctl
