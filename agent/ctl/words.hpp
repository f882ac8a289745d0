#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "agent/ctl/table.hpp"

/// Reading the agent's JSON without ever failing on it, and its codes as people say them.
namespace kw::agent::ctl {

/// null, an empty object, an empty array where there is none.
const boost::json::value& at(const boost::json::object& object, std::string_view key);
const boost::json::object& object_at(const boost::json::object& object, std::string_view key);
const boost::json::array& array_at(const boost::json::object& object, std::string_view key);
/// A string as it is, a fraction in plain digits, another value as JSON, null as `otherwise`.
std::string text(const boost::json::value& value, std::string_view otherwise = "-");

inline constexpr std::array<std::string_view, 6> all_healths{"ok",   "warning", "fault",
                                                             "busy", "unknown", "disabled"};
std::string health_word(const std::string& health, Lang lang);
Colour health_colour(std::string_view health);
std::string phase_word(const std::string& phase, Lang lang);
std::string device_state_word(const std::string& state, Lang lang);
std::string media_word(const std::string& media, Lang lang);
std::string evidence_word(const std::string& evidence, Lang lang);

/// The condition in words: the driver's own table first, then the standard one, else its code.
std::string condition_text(const boost::json::object& condition, const std::string& driver,
                           Lang lang);
/// All conditions of a status; "-" when there is none.
std::string conditions_text(const boost::json::object& device, Lang lang);
/// What is wrong, and who is to do something about it: "paper jam: on-site staff clear it".
std::string advice_text(const boost::json::object& condition, const std::string& driver, Lang lang);
/// Why a device's health is what it is: its conditions; else parts and supplies that are not well;
/// "-" when there is nothing.
std::string reasons_text(const boost::json::object& device, Lang lang);
/// "cover open, cutter ok"; empty when there is none.
std::string components_text(const boost::json::object& device, Lang lang);
/// "toner (cyan)"; "sheets".
std::string supply_word(const std::string& type, Lang lang);
std::string unit_word(const std::string& unit, Lang lang);
/// "toner (cyan) low 12 %".
std::string consumable_text(const boost::json::object& consumable, Lang lang);
/// The same with where the level comes from and how long it lasts: "receipt paper ok 42 m of 80
/// (counted), about 12 days left".
std::string supply_text(const boost::json::object& consumable, Lang lang);
/// The device's, those first that need a person.
std::vector<boost::json::object> worst_first(const boost::json::array& consumables);
/// What a self-test of the agent's own found: its `health=… state=…` in words, another text as is.
std::string test_detail(const std::string& detail, Lang lang);

}  // namespace kw::agent::ctl
