#include "agent/ctl/words.hpp"

#include <boost/json/serialize.hpp>

#include "agent/ctl/messages.hpp"
#include "common/wire/conditions.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

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

}  // namespace

const json::value& at(const json::object& object, std::string_view key) {
  static const json::value none = nullptr;
  const auto* found = object.if_contains(key);
  return found == nullptr ? none : *found;
}

std::string text(const json::value& value, std::string_view otherwise) {
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

std::string consumable_text(const json::object& consumable) {
  std::string out = text(at(consumable, "type")) + " " + text(at(consumable, "state"));
  if (!at(consumable, "available").is_null()) {
    out += " " + text(at(consumable, "available")) + " " + text(at(consumable, "unit"), "");
  } else if (!at(consumable, "percent").is_null()) {
    out += " " + text(at(consumable, "percent")) + " %";
  }
  return out;
}

}  // namespace kw::agent::ctl
