#include "agent/local_api/fields.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "agent/local_api/id_number.hpp"
#include "agent/local_api/messages.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::string_view bad_field = "bad-field";
constexpr std::size_t name_shown = 64;

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool in_id(char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; }
bool in_code(char c) { return in_id(c) || c == ':' || c == '/'; }
bool in_text(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

/// What somebody else wrote, cut so that an answer stays an answer.
std::string shown(std::string_view name) {
  std::string out{name.substr(0, name_shown)};
  std::ranges::replace_if(
      out, [](char c) { return !in_text(c) || static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

}  // namespace

Fields::Fields(const json::object& from, std::string path) : from_(from), path_(std::move(path)) {}

void Fields::fail(Refusal refusal) {
  if (!wrong_) wrong_ = std::move(refusal);
}

const json::value* Fields::find(std::string_view name, Need need) {
  known_.push_back(name);
  const auto* value = from_.if_contains(name);
  if (value == nullptr && need == Need::required) {
    fail(refuse(400, "missing-field", full(name), message::missing_field, full(name)));
  }
  return value;
}

std::string Fields::checked(std::string_view name, Need need, std::size_t bytes, bool (*good)(char),
                            const Text& wanted) {
  const auto* value = find(name, need);
  if (value == nullptr) return {};
  const auto* text = value->if_string();
  if (text == nullptr || text->empty() || text->size() > bytes ||
      !std::ranges::all_of(*text, good)) {
    fail(refuse(400, bad_field, full(name), wanted, full(name), bytes));
    return {};
  }
  std::string out{std::string_view{*text}};
  if (holds_id_number(out)) {
    fail(refuse(400, "personal-data", full(name), message::id_number, full(name)));
    return {};
  }
  return out;
}

std::string Fields::id(std::string_view name, Need need) {
  return checked(name, need, wire::device_id_limit, in_id, message::want_id);
}

std::string Fields::code(std::string_view name, Need need) {
  return checked(name, need, wire::code_limit, in_code, message::want_code);
}

std::string Fields::text(std::string_view name, Need need, std::size_t bytes) {
  return checked(name, need, bytes, in_text, message::want_text);
}

std::string Fields::city(std::string_view name) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return {};
  if (const auto* text = value->if_string(); text != nullptr && wire::valid_division(*text)) {
    return std::string{std::string_view{*text}};
  }
  fail(refuse(400, bad_field, full(name), message::want_city, full(name)));
  return {};
}

std::size_t Fields::one_of(std::string_view name, Need need,
                           std::span<const std::string_view> words) {
  const auto* value = find(name, need);
  if (value == nullptr) return 0;
  if (const auto* text = value->if_string()) {
    const auto found = std::ranges::find(words, std::string_view{*text});
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  fail(refuse(400, bad_field, full(name), message::want_one_of, full(name), joined(words)));
  return 0;
}

std::optional<std::uint64_t> Fields::whole(std::string_view name, std::uint64_t least,
                                           std::uint64_t most) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return std::nullopt;
  json::error_code wrong;
  const auto number = value->to_number<std::uint64_t>(wrong);
  if (!wrong && !value->is_double() && number >= least && number <= most) return number;
  fail(refuse(400, bad_field, full(name), message::want_whole, full(name), least, most));
  return std::nullopt;
}

double Fields::amount(std::string_view name, double most) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return 0;
  json::error_code wrong;
  const auto number = value->to_number<double>(wrong);
  if (!wrong && std::isfinite(number) && number > 0 && number <= most) return number;
  fail(refuse(400, bad_field, full(name), message::want_amount, full(name), most));
  return 0;
}

bool Fields::boolean(std::string_view name) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return false;
  if (const auto* flag = value->if_bool()) return *flag;
  fail(refuse(400, bad_field, full(name), message::want_boolean, full(name)));
  return false;
}

std::vector<const json::object*> Fields::list(std::string_view name, std::size_t most) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return {};
  const auto* array = value->if_array();
  std::vector<const json::object*> out;
  if (array != nullptr && !array->empty() && array->size() <= most) {
    for (const auto& each : *array) {
      if (const auto* object = each.if_object()) out.push_back(object);
    }
    if (out.size() == array->size()) return out;
  }
  fail(refuse(400, bad_field, full(name), message::want_list, full(name), most));
  return {};
}

std::optional<Refusal> Fields::wrong() const {
  for (const auto& [key, value] : from_) {
    const std::string_view name = key;
    if (std::ranges::find(known_, name) != known_.end()) continue;
    // A name that is not ours may be anything at all.
    const auto told = holds_id_number(name) ? std::string{"?"} : full(shown(name));
    return refuse(400, "unknown-field", told, message::unknown_field, told, joined(known_));
  }
  return wrong_;
}

}  // namespace kw::agent
