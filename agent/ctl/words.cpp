#include "agent/ctl/words.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/ctl/messages.hpp"
#include "agent/ctl/state_words.hpp"
#include "common/wire/conditions.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

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

/// 20 and 33.33: two digits behind the point at most, none where there is nothing to say.
std::string plain_number(double value) {
  auto out = fmt::format("{:.2f}", value);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out == "-0" ? "0" : out;
}

/// A colour at the end is told in brackets, the number of one more of that type behind it; a type
/// that nobody knows is told as it is.
std::string type_word(const std::string& type, Lang lang) {
  const auto last = type.find_last_not_of("0123456789");
  if (last != std::string::npos && last > 0 && last + 1 < type.size() && type[last] == '_') {
    return type_word(type.substr(0, last), lang) + " " + type.substr(last + 1);
  }
  for (const auto& colour : colours) {
    const auto tail = "_" + std::string{colour.value};
    if (!type.ends_with(tail)) continue;
    const auto what = word(consumable_types, type.substr(0, type.size() - tail.size()), lang);
    return fmt::format(fmt::runtime(message::of_colour.in(lang)), what, colour.text.in(lang));
  }
  return word(consumable_types, type, lang);
}

/// Of a component and of a supply: what makes a device's health worse (wire::health_of).
constexpr std::string_view unwell[] = {"inoperable", "tampered", "fading"};
constexpr std::string_view run_down[] = {"low", "out", "jammed", "high", "missing", "inoperative"};

std::ptrdiff_t goodness(const json::object& consumable) {
  const auto state = text(at(consumable, "state"));
  // A bin that is full is as bad as a supply that is out.
  if (state == "full" && at(consumable, "direction") == "bin") return 0;
  return std::ranges::find(consumable_states, state, &Word::value) - std::begin(consumable_states);
}

}  // namespace

const json::value& at(const json::object& object, std::string_view key) {
  static const json::value none = nullptr;
  const auto* found = object.if_contains(key);
  return found == nullptr ? none : *found;
}

std::string text(const json::value& value, std::string_view otherwise) {
  if (value.is_null()) return std::string{otherwise};
  if (value.is_string()) return std::string{std::string_view{value.get_string()}};
  if (value.is_double()) return plain_number(value.get_double());
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

std::string health_word(const std::string& health, Lang lang) {
  return word(healths, health, lang);
}

Colour health_colour(std::string_view health) {
  if (health == "ok" || health == "busy") return Colour::good;
  if (health == "warning" || health == "unknown") return Colour::warning;
  if (health == "fault") return Colour::bad;
  return Colour::faint;
}

std::string phase_word(const std::string& phase, Lang lang) { return word(phases, phase, lang); }

std::string device_state_word(const std::string& state, Lang lang) {
  return word(device_states, state, lang);
}

std::string media_word(const std::string& media, Lang lang) {
  return word(media_states, media, lang);
}

std::string evidence_word(const std::string& evidence, Lang lang) {
  return word(evidences, evidence, lang);
}

namespace {

/// The condition's name alone: the driver's own table first, then the standard one, else its code.
std::string condition_word(const json::object& condition, const std::string& driver, Lang lang) {
  const auto code = text(at(condition, "code"));
  const wire::ConditionRow* row = nullptr;
  if (const auto* card = drivers::find(driver)) {
    for (const auto& own : card->conditions) {
      if (own.code == code) row = &own;
    }
  }
  if (row == nullptr) row = wire::find_condition(code);
  return row == nullptr ? code : std::string{row->text.in(lang)};
}

}  // namespace

std::string condition_text(const json::object& condition, const std::string& driver, Lang lang) {
  auto out = condition_word(condition, driver, lang);
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

std::string advice_text(const json::object& condition, const std::string& driver, Lang lang) {
  return condition_word(condition, driver, lang) + (lang == Lang::en ? ": " : "：") +
         word(actions, text(at(condition, "action"), "none"), lang);
}

namespace {

std::string component_text(const json::object& component, Lang lang) {
  return word(components, text(at(component, "name")), lang) + " " +
         word(component_states, text(at(component, "state")), lang);
}

}  // namespace

std::string components_text(const json::object& device, Lang lang) {
  std::string out;
  for (const auto& component : array_at(device, "components")) {
    if (!component.is_object()) continue;
    out += out.empty() ? "" : lang == Lang::en ? ", " : "，";
    out += component_text(component.get_object(), lang);
  }
  return out;
}

std::string reasons_text(const json::object& device, Lang lang) {
  auto out = conditions_text(device, lang);
  if (out != "-") return out;
  out.clear();
  const auto add = [&out](const std::string& what) { out += (out.empty() ? "" : "; ") + what; };
  for (const auto& component : array_at(device, "components")) {
    if (!component.is_object()) continue;
    const auto state = text(at(component.get_object(), "state"));
    if (std::ranges::find(unwell, state) != std::end(unwell)) {
      add(component_text(component.get_object(), lang));
    }
  }
  for (const auto& consumable : worst_first(array_at(device, "consumables"))) {
    const auto state = text(at(consumable, "state"));
    const bool full_bin = state == "full" && at(consumable, "direction") == "bin";
    const bool off = at(consumable, "enabled") == false;
    if (off || (!full_bin && std::ranges::find(run_down, state) == std::end(run_down))) continue;
    add(consumable_text(consumable, lang));
  }
  return out.empty() ? "-" : out;
}

std::string supply_word(const std::string& type, Lang lang) { return type_word(type, lang); }

std::string unit_word(const std::string& unit, Lang lang) { return word(units, unit, lang); }

std::string consumable_text(const json::object& consumable, Lang lang) {
  auto out = type_word(text(at(consumable, "type")), lang) + " " +
             word(consumable_states, text(at(consumable, "state")), lang);
  if (!at(consumable, "available").is_null()) {
    out += " " + text(at(consumable, "available"));
    if (const auto unit = text(at(consumable, "unit"), ""); !unit.empty()) {
      out += " " + word(units, unit, lang);
    }
  } else if (!at(consumable, "percent").is_null()) {
    out += " " + text(at(consumable, "percent")) + " %";
  }
  return out;
}

std::string supply_text(const json::object& consumable, Lang lang) {
  auto out = consumable_text(consumable, lang);
  const auto& capacity = at(consumable, "capacity");
  if (!at(consumable, "available").is_null() && !capacity.is_null() &&
      text(at(consumable, "unit"), "") != "percent") {
    out += " / " + text(capacity);
  }
  const auto source = text(at(consumable, "source"), "");
  if (!source.empty() && source != "unknown") {
    out = fmt::format(fmt::runtime(message::of_colour.in(lang)), out,
                      word(level_sources, source, lang));
  }
  if (const auto& days = at(consumable, "days_left"); !days.is_null()) {
    out += lang == Lang::en ? ", " : "，";
    out += fmt::format(fmt::runtime(message::days_left.in(lang)), text(days));
  }
  if (at(consumable, "enabled") == false) {
    out = fmt::format(fmt::runtime(message::of_colour.in(lang)), out,
                      message::health_disabled.in(lang));
  }
  return out;
}

std::vector<json::object> worst_first(const json::array& consumables) {
  std::multimap<std::ptrdiff_t, json::object> sorted;
  for (const auto& entry : consumables) {
    if (entry.is_object()) sorted.emplace(goodness(entry.get_object()), entry.get_object());
  }
  std::vector<json::object> out;
  for (auto& [rank, consumable] : sorted) out.push_back(std::move(consumable));
  return out;
}

std::string test_detail(const std::string& detail, Lang lang) {
  const auto begin = detail.find("health=");
  if (begin == std::string::npos) return detail;
  const auto value = [&](std::string_view key) {
    const auto found = detail.find(std::string{key} + "=", begin);
    if (found == std::string::npos) return std::string{};
    const auto from = found + key.size() + 1;
    return detail.substr(from, detail.find(' ', from) - from);
  };
  auto out = detail.substr(0, begin) + fmt::format(fmt::runtime(message::test_found.in(lang)),
                                                   word(healths, value("health"), lang),
                                                   word(device_states, value("state"), lang),
                                                   value("reply_ms"));
  const auto codes = value("conditions");
  for (std::size_t from = 0; from < codes.size();) {
    const auto end = std::min(codes.find(',', from), codes.size());
    const auto* row = wire::find_condition(codes.substr(from, end - from));
    out += from == 0 ? ": " : "; ";
    out += row == nullptr ? codes.substr(from, end - from) : std::string{row->text.in(lang)};
    from = end + 1;
  }
  return out;
}

}  // namespace kw::agent::ctl
