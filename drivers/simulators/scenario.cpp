#include "drivers/simulators/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/mistakes.hpp"
#include "drivers/simulators/wire.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

constexpr double widest = 1e15;
constexpr std::int64_t longest_ms = 86'400'000;

/// What a row allows, where it says nothing as wide as can be read.
std::pair<double, double> bounds_of(const Setting& row) {
  if (row.least == 0 && row.most == 0) return {-widest, widest};
  return {row.least, row.most};
}

/// The device's own settings as text, for the one validation that settings have. Every one is asked
/// for, so that an unknown key is told beside them all.
std::map<std::string, std::string, std::less<>> given_settings(config::Reader& from,
                                                               std::span<const Setting> rows) {
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& row : rows) {
    const std::string fallback{row.fallback};
    const auto [least, most] = bounds_of(row);
    switch (row.type) {
      case SettingType::boolean:
        out.emplace(row.name, from.boolean(row.name, fallback == "true") ? "true" : "false");
        break;
      case SettingType::integer:
        out.emplace(row.name, std::to_string(from.integer(row.name, std::stoll(fallback),
                                                          static_cast<std::int64_t>(least),
                                                          static_cast<std::int64_t>(most))));
        break;
      case SettingType::number:
        out.emplace(row.name,
                    fmt::format("{}", from.number(row.name, std::stod(fallback), least, most)));
        break;
      case SettingType::text:
        out.emplace(row.name, from.text(row.name, fallback));
        break;
    }
  }
  return out;
}

std::vector<Step> read_steps(config::Reader& from, const Player& player) {
  std::vector<Step> out;
  for (auto& row : from.sections("step")) {
    Step step;
    step.after = std::chrono::milliseconds{row.integer("after_ms", 0, 0, longest_ms)};
    step.condition = row.required_text("condition");
    step.on = row.boolean("on", true);
    step.lasts = std::chrono::milliseconds{row.integer("for_ms", 0, 0, longest_ms)};
    step.every = std::chrono::milliseconds{row.integer("every_ms", 0, 0, longest_ms)};
    step.times = row.integer("times", 0, 0, 1'000'000);
    if (step.every > Duration::zero() && step.lasts == Duration::zero()) {
      row.object("every_ms", "for_ms beside it: what is never switched back cannot come again");
    }
    if (step.every > Duration::zero() && step.lasts >= step.every) {
      row.object("for_ms", "less than every_ms");
    }
    if (step.times > 0 && step.every == Duration::zero()) row.object("times", "every_ms beside it");
    const auto& known = player.conditions();
    if (!step.condition.empty() && std::ranges::find(known, step.condition) == known.end()) {
      row.object("condition", list_of(known));
    }
    row.done();
    out.push_back(std::move(step));
  }
  return out;
}

Device read_device(config::Reader& from) {
  Device out;
  out.name = from.required_text("name");
  out.protocol = from.required_text("protocol");
  out.port = from.required_text("port");
  const auto cards = players();
  const auto card = std::ranges::find(cards, out.protocol, &PlayerCard::protocol);
  if (card == cards.end()) {
    std::vector<std::string> known;
    for (const auto& c : cards) known.emplace_back(c.protocol);
    if (!out.protocol.empty()) from.object("protocol", list_of(known));
    from.sections("step");
    return out;
  }
  std::vector<Error> none;  // the reader has told them all
  const auto settings =
      drivers::Settings::read(card->settings, given_settings(from, card->settings), none);
  // A setting of the same name is the player's own.
  std::vector<Setting> of_the_wire;
  for (const auto& row : wire_settings()) {
    const bool own = std::ranges::find(card->settings, row.name, &Setting::name) !=
                     std::ranges::end(card->settings);
    if (!own) of_the_wire.push_back(row);
  }
  const auto wire =
      drivers::Settings::read(wire_settings(), given_settings(from, of_the_wire), none);
  auto player = card->make(settings);
  if (!player) {
    const auto& why = player.error().text();
    const auto about = drivers::setting_in(card->settings, why);
    from.refuse(about.empty() ? "protocol" : about, why);
  }
  if (player) {
    out.player = on_wire(std::move(*player), wire);
    out.steps = read_steps(from, *out.player);
  } else {
    from.sections("step");
  }
  from.done();
  return out;
}

/// `text` as it reads for one kiosk.
std::string numbered(std::string text, std::int64_t kiosk) {
  constexpr std::string_view place = "{kiosk}";
  const auto number = std::to_string(kiosk);
  for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at)) {
    text.replace(at, place.size(), number);
    at += number.size();
  }
  return text;
}

}  // namespace

std::string list_of(const std::vector<std::string>& names) {
  std::string out = "known: ";
  for (const auto& name : names) {
    if (&name != names.data()) out += ", ";
    out += name;
  }
  return out;
}

Result<std::vector<Device>> read_scenario(const config::Document& document,
                                          std::vector<config::Problem>& problems) {
  const auto before = problems.size();
  config::Reader top{document, problems};
  std::vector<Device> out;
  std::set<std::string, std::less<>> names;
  auto rows = top.sections("device");
  if (rows.empty() && problems.size() == before) top.object("device", "at least one [[device]]");
  for (auto& row : rows) {
    out.push_back(read_device(row));
    if (!names.insert(out.back().name).second) row.object("name", "a name of its own");
  }
  top.done();
  if (problems.size() > before) return Error{Errc::invalid, problems[before].in(Lang::en)};
  return out;
}

Result<std::vector<Device>> load_scenario(const std::filesystem::path& path,
                                          std::vector<config::Problem>& problems,
                                          const Copies& copies) {
  // What cannot be read, and what is no TOML, is told as of any configuration.
  const auto once = config::load(path, problems);
  if (!once) return once.error();
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  std::vector<Device> out;
  for (std::int64_t kiosk = 1; kiosk <= std::max<std::int64_t>(copies.kiosks, 1); ++kiosk) {
    const auto document = config::parse(numbered(text, kiosk), path.string(), problems);
    if (!document) return document.error();
    auto devices = read_scenario(*document, problems);
    if (!devices) return devices;
    for (auto& device : *devices) {
      if (copies.kiosks > 0) {
        device.kiosk = kiosk;
        device.name = fmt::format("{}/{}", kiosk, device.name);
        for (auto& step : device.steps) step.after += copies.stagger * (kiosk - 1);
      }
      out.push_back(std::move(device));
    }
  }
  return out;
}

}  // namespace kw::devices
