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
#include "agent/ctl/table.hpp"
#include "common/wire/conditions.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

const json::value& at(const json::object& object, std::string_view key) {
  static const json::value none = nullptr;
  const auto* found = object.if_contains(key);
  return found == nullptr ? none : *found;
}

std::string text(const json::value& value, std::string_view otherwise = "-") {
  if (value.is_null()) return std::string{otherwise};
  if (value.is_string()) return std::string{std::string_view{value.get_string()}};
  return json::serialize(value);
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object none;
  const auto& found = at(object, key);
  return found.is_object() ? found.get_object() : none;
}

const json::array& array_at(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto& found = at(object, key);
  return found.is_array() ? found.get_array() : none;
}

struct Word {
  std::string_view value;
  const Text& text;
};

constexpr Word healths[] = {
    {"ok", message::health_ok},           {"warning", message::health_warning},
    {"fault", message::health_fault},     {"busy", message::health_busy},
    {"unknown", message::health_unknown}, {"disabled", message::health_disabled},
};
constexpr Word phases[] = {
    {"not_enrolled", message::phase_not_enrolled}, {"connecting", message::phase_connecting},
    {"draining", message::phase_draining},         {"live", message::phase_live},
    {"waiting", message::phase_waiting},           {"refused", message::phase_refused},
    {"stopped", message::phase_stopped},
};

template <std::size_t N>
std::string word(const Word (&words)[N], const std::string& value, Lang lang) {
  for (const auto& w : words) {
    if (w.value == value) return std::string{w.text.in(lang)};
  }
  return value;
}

std::string say(const Text& text, Lang lang) { return std::string{text.in(lang)}; }

/// The condition in words: the driver's own table first, then the standard one, else its code.
std::string condition_text(const json::object& condition, const std::string& driver, Lang lang) {
  const auto code = text(at(condition, "code"));
  const wire::ConditionRow* row = nullptr;
  if (const auto* card = drivers::find(driver)) {
    for (const auto& own : card->conditions) {
      if (own.code == code) row = &own;
    }
  }
  if (row == nullptr) row = wire::find_condition(code);
  std::string out = row == nullptr ? code : std::string{row->text.in(lang)};
  const auto vendor = text(at(condition, "vendor_code"), "");
  const auto detail = text(at(condition, "detail"), "");
  if (!vendor.empty() || !detail.empty()) {
    out += " (" + vendor + (vendor.empty() || detail.empty() ? "" : ", ") + detail + ")";
  }
  return out;
}

std::string conditions_text(const json::object& device, Lang lang) {
  std::string out;
  for (const auto& condition : array_at(device, "conditions")) {
    if (!condition.is_object()) continue;
    out += out.empty() ? "" : "; ";
    out += condition_text(condition.get_object(), text(at(device, "driver"), ""), lang);
  }
  return out.empty() ? "-" : out;
}

std::string counts(const json::object& devices, Lang lang) {
  std::string out;
  for (const auto& health : healths) {
    const auto& count = at(devices, health.value);
    if (!count.is_number() || count.to_number<std::int64_t>() == 0) continue;
    out += out.empty() ? "" : "  ";
    out += say(health.text, lang) + " " + text(count);
  }
  return out.empty() ? say(message::none, lang) : out;
}

std::string mebibytes(const json::value& bytes) {
  if (!bytes.is_number()) return "-";
  return fmt::format("{:.1f} MiB", bytes.to_number<double>() / 1024 / 1024);
}

}  // namespace

namespace {

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

}  // namespace

std::string status_text(const json::object& answer, Lang lang) {
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
  auto connection = word(phases, text(at(uplink, "phase")), lang);
  if (at(uplink, "quarantined") == true) connection += ", " + say(message::quarantined, lang);
  if (const auto why = text(at(uplink, "last_error"), ""); !why.empty()) {
    connection += " (" + why + ")";
  }
  table.row({say(message::connection, lang), connection});
  table.row({say(message::last_ack, lang), text(at(uplink, "last_ack"), message::never.in(lang))});
  table.row({say(message::backlog, lang), text(at(outbox, "unacknowledged"))});
  table.row({say(message::oldest, lang), text(at(outbox, "oldest_unacknowledged"))});
  auto disk = mebibytes(at(outbox, "bytes")) + " / " + mebibytes(at(outbox, "ceiling_bytes"));
  if (at(outbox, "on_disk") == false) disk += ", " + say(message::not_written, lang);
  table.row({say(message::on_disk, lang), disk});
  table.row({say(message::devices, lang), counts(object_at(answer, "devices"), lang)});
  const auto& configuration = object_at(answer, "configuration");
  table.row({say(message::configuration, lang), configuration_source(configuration, lang)});
  std::string out = table.text() + configuration_verdict(configuration, lang);
  const auto& problems = array_at(config, "problems");
  if (problems.empty()) return out;
  out += say(message::problems, lang) + ":\n";
  if (at(config, "readable") == false) out += "  " + say(message::unreadable, lang) + "\n";
  for (const auto& problem : problems) {
    if (problem.is_object()) out += "  " + text(at(problem.get_object(), "text")) + "\n";
  }
  return out;
}

std::string devices_text(const json::object& answer, Lang lang) {
  Table table{{say(message::device_name, lang), say(message::kind, lang),
               say(message::health, lang), say(message::device_state, lang),
               say(message::since, lang), say(message::conditions, lang)}};
  for (const auto& entry : array_at(answer, "devices")) {
    if (!entry.is_object()) continue;
    const auto& device = entry.get_object();
    std::string kind = text(at(device, "kind"));
    if (const auto* card = drivers::find(text(at(device, "driver")))) kind = card->title.in(lang);
    table.row({text(at(device, "name")), kind, word(healths, text(at(device, "health")), lang),
               text(at(device, "device_state")), text(at(device, "since")),
               conditions_text(device, lang)});
  }
  return table.text();
}

std::string outbox_text(const json::object& answer, Lang lang) {
  const auto& outbox = object_at(answer, "outbox");
  Table summary;
  summary.row({say(message::backlog, lang), text(at(outbox, "unacknowledged"))});
  summary.row({say(message::oldest, lang), text(at(outbox, "oldest_unacknowledged"))});
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
  return summary.text() + "\n" + epochs.text();
}

std::string probe_text(const json::object& probed, Lang lang) {
  Table table;
  table.row({say(message::driver, lang), text(at(probed, "driver"))});
  table.row({say(message::health, lang), word(healths, text(at(probed, "health")), lang)});
  table.row({say(message::device_state, lang), text(at(probed, "device_state"))});
  table.row({say(message::media, lang), text(at(probed, "media"))});
  table.row({say(message::evidence, lang), text(at(probed, "evidence"))});
  std::string identity;
  for (const auto& [key, value] : object_at(probed, "identity")) {
    if (value.is_null()) continue;
    identity += identity.empty() ? "" : " ";
    identity += text(value);
  }
  table.row({say(message::identity, lang), identity.empty() ? "-" : identity});
  table.row({say(message::conditions, lang), conditions_text(probed, lang)});
  for (const auto& entry : array_at(probed, "consumables")) {
    if (!entry.is_object()) continue;
    const auto& c = entry.get_object();
    std::string level = text(at(c, "state"));
    if (!at(c, "available").is_null()) {
      level += " " + text(at(c, "available")) + " " + text(at(c, "unit"), "");
    } else if (!at(c, "percent").is_null()) {
      level += " " + text(at(c, "percent")) + " %";
    }
    table.row({say(message::consumables, lang), text(at(c, "type")) + " " + level});
  }
  table.row({say(message::elapsed, lang), text(at(probed, "elapsed_ms"))});
  return table.text();
}

std::string drivers_text(Lang lang) {
  std::string out;
  for (const auto& card : drivers::catalogue()) {
    std::string ports;
    for (const auto scheme : card.schemes) ports.append(ports.empty() ? "" : ", ").append(scheme);
    out += fmt::format("{}  {}  {}: {}\n", card.name, card.title.in(lang), message::port.in(lang),
                       ports.empty() ? "-" : ports);
    Table table;
    for (const auto& s : card.settings) {
      table.row({"  ", std::string{s.name}, std::string{s.fallback.empty() ? "-" : s.fallback},
                 std::string{s.help.in(lang)}});
    }
    out += table.text();
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
      settings.push_back(std::move(setting));
    }
    to["settings"] = std::move(settings);
    json::array tests;
    for (const auto test : card.self_tests) tests.emplace_back(test);
    to["self_tests"] = std::move(tests);
    list.push_back(std::move(to));
  }
  json::object out;
  out["drivers"] = std::move(list);
  return out;
}

}  // namespace kw::agent::ctl
