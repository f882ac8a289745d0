#include "agent/config.hpp"

#include <algorithm>
#include <utility>

#include "agent/config_messages.hpp"
#include "common/filled.hpp"
#include "common/link/tls.hpp"
#include "common/wire/codec.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/mistakes.hpp"

namespace kw::agent {
namespace {

using config::Problem;
using config::Reader;
using config::Table;
using config::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t collectors_most = 8;

/// "one of a, b, c".
Bilingual one_of(std::string_view list) { return filled(message::one_of, list); }

Bilingual known_drivers() {
  std::string out;
  for (const auto& card : drivers::catalogue()) {
    out.append(out.empty() ? "" : ", ").append(card.name);
  }
  return one_of(out);
}

/// The table of one device as it stands in the document, for the lines of its settings.
const Table* device_table(const Table& root, std::size_t index) {
  const auto devices = root.find("device");
  if (devices == root.end()) return nullptr;
  const auto* items = std::get_if<std::vector<Value>>(&devices->second.data);
  if (items == nullptr) return nullptr;
  std::size_t tables = 0;
  for (const auto& item : *items) {
    const auto* table = std::get_if<Table>(&item.data);
    if (table != nullptr && tables++ == index) return table;
  }
  return nullptr;
}

/// A number where the driver wants a text: 5.20 would be read as 5.2.
bool is_bare_text(const drivers::Card& card, const Table* settings, std::string_view name) {
  const auto row = std::ranges::find(card.settings, name, &drivers::Setting::name);
  if (row == card.settings.end() || row->type != drivers::SettingType::text) return false;
  if (settings == nullptr) return false;
  const auto it = settings->find(name);
  return it != settings->end() && !std::holds_alternative<std::string>(it->second.data);
}

std::uint32_t line_of(const Table* table, std::string_view key, std::uint32_t otherwise) {
  if (table == nullptr) return otherwise;
  const auto it = table->find(key);
  return it == table->end() ? otherwise : it->second.line;
}

struct Loader {
  const config::Document& document;
  AgentConfig out;

  void agent(Reader reader) {
    const auto language = reader.text("language", "zh-CN");
    if (const auto lang = lang_from(language)) {
      out.language = *lang;
    } else {
      reader.object("language", message::language);
    }
    out.heartbeat = seconds{reader.integer("heartbeat_s", 30, 1, 60)};
    out.reply_limit = seconds{reader.integer("reply_limit_s", 30, 1, 300)};
    out.sample = seconds{reader.integer("sample_s", 30, 1, 3'600)};
    out.poll_deadline = milliseconds{reader.integer("poll_deadline_ms", 2'000, 50, 30'000)};
    out.flapping.changes = static_cast<int>(reader.integer("flap_changes", 6, 0, 100));
    out.flapping.window = seconds{reader.integer("flap_window_s", 600, 10, 86'400)};
    out.flapping.calm = seconds{reader.integer("flap_calm_s", 120, 1, 86'400)};
    out.reconnect_first = milliseconds{reader.integer("reconnect_first_ms", 1'000, 10, 60'000)};
    out.reconnect_cap = seconds{reader.integer("reconnect_cap_s", 300, 1, 3'600)};
    out.reconnect_spread = seconds{reader.integer("reconnect_spread_s", 60, 0, 3'600)};
    out.outbox_bytes = reader.integer("outbox_mib", 256, 2, 4'096) * 1024 * 1024;
    out.accept_configuration = reader.boolean("accept_configuration", true);
    out.trial = seconds{reader.integer("configuration_trial_s", 120, 1, 3'600)};
    collectors(reader);
    proxy(reader);
    reader.done();
  }

  void collectors(Reader& reader) {
    for (const auto& text : reader.texts("collectors")) {
      const auto server = link::Endpoint::parse(text);
      if (!server || server->port == 0 || out.collectors.size() == collectors_most) {
        out.collectors.clear();
        reader.object("collectors", message::collectors);
        return;
      }
      out.collectors.push_back(*server);
    }
  }

  void proxy(Reader& reader) {
    const auto text = reader.text("proxy", "");
    if (text.empty()) return;
    auto parsed = link::Proxy::parse(text);
    if (parsed) {
      out.proxy = std::move(*parsed);
    } else {
      reader.refuse("proxy", parsed.wrong());
    }
  }

  /// Settings one by one, so that each mistake stands on its own line.
  void settings(DeviceConfig& device, Reader& reader, std::size_t index) {
    const auto given = reader.scalars("settings");
    if (device.card == nullptr) return;
    const Table* table = device_table(document.root, index);
    const Table* own = nullptr;
    if (table != nullptr) {
      if (const auto it = table->find("settings"); it != table->end()) {
        own = std::get_if<Table>(&it->second.data);
      }
    }
    std::map<std::string, std::string, std::less<>> good;
    const auto prefix = "device." + std::to_string(index) + ".settings";
    const auto mistake = [&](Problem::Kind kind, std::string_view name, Bilingual what) {
      const auto header = line_of(table, "settings", reader.line());
      out.problems.push_back({kind, document.file, line_of(own, name, header),
                              name.empty() ? prefix : prefix + "." + std::string{name},
                              std::move(what)});
    };
    for (const auto& [name, value] : given) {
      if (is_bare_text(*device.card, own, name)) {
        mistake(Problem::Kind::wrong_type, name, message::quoted_text);
        continue;
      }
      auto wrong = drivers::mistakes_in(device.card->settings, {{name, value}});
      for (auto& each : wrong) {
        const bool unknown = each.kind == drivers::SettingMistake::Kind::unknown;
        mistake(unknown ? Problem::Kind::unknown_key : Problem::Kind::bad_value, name,
                std::move(each.expected));
      }
      if (wrong.empty()) good.emplace(name, value);
    }
    std::vector<Error> none;
    device.settings = drivers::Settings::read(device.card->settings, good, none);
    // What was told above may be what the driver misses.
    if (good.size() < given.size()) return;
    const auto made = device.card->make(device.settings);
    if (made) {
      // The address is known by now.
      device.address.only_look = !(*made)->polls_port();
      return;
    }
    const auto& why = made.wrong();
    mistake(Problem::Kind::refused_value, drivers::setting_in(device.card->settings, why.en), why);
  }

  void port(DeviceConfig& device, Reader& reader) {
    device.port = reader.required_text("port");
    if (device.port.empty()) return;
    auto address = drivers::PortAddress::parse(device.port);
    if (!address) {
      reader.refuse("port", address.wrong());
      return;
    }
    device.address = std::move(*address);
    if (device.card == nullptr) return;
    if (!drivers::fits(*device.card, device.address.scheme)) {
      reader.object("port", drivers::ports_of(*device.card));
    }
  }

  /// A figure of a consumable; nothing when it is not given or cannot be.
  std::optional<double> figure(Reader& reader, std::string_view key) {
    const auto before = out.problems.size();
    const auto value = reader.number(key, 0, 0, 1'000'000);
    if (out.problems.size() > before || value <= 0) return std::nullopt;
    return value;
  }

  /// A mistake here costs this consumable's thresholds, not the device.
  void consumable(DeviceConfig& device, Reader reader) {
    const auto problems_before = out.problems.size();
    SupplyRules rules;
    rules.type = reader.required_text("type");
    if (!rules.type.empty() && !known_supply(rules.type)) {
      auto known = one_of(known_supplies());
      known.zh += message::of_a_colour.zh;
      known.en += message::of_a_colour.en;
      reader.object("type", std::move(known));
    }
    if (std::ranges::find(device.consumables, rules.type, &SupplyRules::type) !=
        device.consumables.end()) {
      reader.object("type", message::another_type);
    }
    rules.unit = reader.text("unit", "");
    if (!rules.unit.empty() && !known_unit(rules.unit)) {
      reader.object("unit", one_of(known_units()));
    }
    rules.capacity = figure(reader, "capacity");
    rules.warn = figure(reader, "warn");
    rules.critical = figure(reader, "critical");
    rules.near_end = figure(reader, "near_end");
    rules.per_use = figure(reader, "per_use");
    rules.enabled = reader.boolean("enabled", true);
    const auto at_most = [&](std::string_view key, const std::optional<double>& value,
                             std::string_view limit_key, const std::optional<double>& limit) {
      if (!value || !limit || *value <= *limit) return;
      reader.object(key, filled(message::number_up_to, limit_key, *limit));
    };
    at_most("warn", rules.warn, "capacity", rules.capacity);
    at_most("near_end", rules.near_end, "capacity", rules.capacity);
    at_most("critical", rules.critical, "warn", rules.warn ? rules.warn : rules.capacity);
    reader.done();
    if (out.problems.size() == problems_before) device.consumables.push_back(std::move(rules));
  }

  void device(Reader reader, std::size_t index) {
    DeviceConfig device;
    for (auto& entry : reader.sections("consumable")) consumable(device, std::move(entry));
    const auto problems_before = out.problems.size();
    device.name = reader.required_text("name");
    bool named = wire::valid_device_id(device.name);
    if (!named && !device.name.empty()) {
      reader.object("name", message::device_id);
    }
    if (named &&
        std::ranges::find(out.devices, device.name, &DeviceConfig::name) != out.devices.end()) {
      reader.object("name", message::another_name);
      named = false;
    }
    device.driver = reader.required_text("driver");
    if (!device.driver.empty()) {
      device.card = drivers::find(device.driver);
      if (device.card == nullptr) reader.object("driver", known_drivers());
    }
    port(device, reader);
    device.poll = milliseconds{reader.integer("poll_ms", 5'000, 100, 3'600'000)};
    device.settle = milliseconds{reader.integer("settle_ms", 0, 0, 2'000)};
    device.hold_port = reader.boolean("hold_port", false);
    device.poll_in_session = reader.boolean("poll_in_session", true);
    device.enabled = reader.boolean("enabled", true);
    device.results.age = seconds{reader.integer("result_limit_s", 900, 10, 86'400)};
    device.results.failures = static_cast<int>(reader.integer("result_failures", 3, 1, 100));
    settings(device, reader, index);
    reader.done();
    if (out.problems.size() > problems_before) device.mistake = out.problems[problems_before];
    if (!named) return;
    if (out.devices.size() == static_cast<std::size_t>(wire::devices_per_terminal)) {
      reader.object("name", message::devices_most);
      return;
    }
    out.devices.push_back(std::move(device));
  }
};

AgentConfig build(const config::Document& document) {
  Loader loader{document, {}};
  Reader root{document, loader.out.problems};
  loader.agent(root.section("agent"));
  loader.out.assistant = read_assistant(root.section("assistant"));
  auto devices = root.sections("device");
  for (std::size_t i = 0; i < devices.size(); ++i) loader.device(devices[i], i);
  root.done();
  return std::move(loader.out);
}

AgentConfig unreadable(std::vector<Problem> problems, const std::string& file, const Error& why) {
  AgentConfig out;
  out.readable = false;
  out.problems = std::move(problems);
  if (out.problems.empty()) {
    out.problems.push_back({Problem::Kind::unreadable, file, 0, {}, why.text()});
  }
  return out;
}

}  // namespace

AgentConfig parse_config(std::string_view text, const std::string& file) {
  std::vector<Problem> problems;
  const auto document = config::parse(text, file, problems);
  if (!document) return unreadable(std::move(problems), file, document.error());
  return build(*document);
}

AgentConfig load_config(const std::filesystem::path& file) {
  std::vector<Problem> problems;
  const auto document = config::load(file, problems);
  if (!document) return unreadable(std::move(problems), file.string(), document.error());
  return build(*document);
}

}  // namespace kw::agent
