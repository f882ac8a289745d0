#include "agent/configuration/files.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr const char* trial_name = "trial";
constexpr const char* history_name = "history.json";

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{std::string_view{value->get_string()}};
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string hash_at(const json::object& object) {
  auto bytes = identity::from_hex(text_at(object, "hash"));
  return bytes ? std::move(*bytes) : std::string{};
}

json::object parsed(const std::string& text) {
  json::error_code wrong;
  auto value = json::parse(text, wrong);
  return !wrong && value.is_object() ? std::move(value.get_object()) : json::object{};
}

json::object to_json(const Judgement& from) {
  json::object out;
  out["hash"] = identity::to_hex(from.hash);
  out["state"] = static_cast<int>(from.state);
  out["detail"] = from.detail;
  out["version"] = from.version;
  out["wall_us"] = from.wall_us;
  return out;
}

Judgement from_json(const json::object& from) {
  Judgement out;
  out.hash = hash_at(from);
  const auto state = static_cast<int>(number_at(from, "state"));
  if (pb::ConfigurationReport::State_IsValid(state)) {
    out.state = static_cast<pb::ConfigurationReport::State>(state);
  }
  out.detail = text_at(from, "detail");
  out.version = text_at(from, "version");
  out.wall_us = number_at(from, "wall_us");
  return out;
}

}  // namespace

std::string ConfigurationFiles::read(const char* name) const {
  auto bytes = platform::read_file(folder_ / name);
  return bytes ? std::move(*bytes) : std::string{};
}

Result<void> ConfigurationFiles::write(const char* name, std::string_view bytes) const {
  auto made = platform::make_folder(folder_, true);
  if (!made) return made;
  return platform::write_file(folder_ / name, bytes, true);
}

std::optional<Trial> ConfigurationFiles::trial() const {
  const auto object = parsed(read(trial_name));
  Trial out{hash_at(object), static_cast<int>(number_at(object, "starts"))};
  if (out.hash.empty()) return std::nullopt;
  return out;
}

Result<void> ConfigurationFiles::write_trial(const Trial& trial) const {
  json::object out;
  out["hash"] = identity::to_hex(trial.hash);
  out["starts"] = trial.starts;
  return write(trial_name, json::serialize(out));
}

Result<void> ConfigurationFiles::try_on(const std::string& text,
                                        const std::string& previous) const {
  // The mark is about to name `text`: what it names now must not be left here without one.
  auto done = trial() ? settle(previous) : Result<void>{};
  if (done) done = write("previous.toml", previous);
  if (done) done = write_trial({identity::sha256(text), 0});
  if (done) done = write("pushed.toml", text);
  return done;
}

Result<void> ConfigurationFiles::settle(const std::string& text) const {
  auto done = read("pushed.toml") == text ? Result<void>{} : write("pushed.toml", text);
  if (!done) return done;
  // Written, not removed: a mark that the power brings back would roll back what is proved.
  return trial() ? write(trial_name, "{}") : Result<void>{};
}

History ConfigurationFiles::history() const {
  const auto object = parsed(read(history_name));
  History out;
  if (const auto* list = object.if_contains("rejected"); list != nullptr && list->is_array()) {
    for (const auto& entry : list->get_array()) {
      if (entry.is_object()) out.rejected.push_back(from_json(entry.get_object()));
    }
  }
  if (const auto* last = object.if_contains("last"); last != nullptr && last->is_object()) {
    out.last = from_json(last->get_object());
  }
  const auto* owed = object.if_contains("owed");
  out.owed = out.last && owed != nullptr && *owed == true;
  return out;
}

Result<void> ConfigurationFiles::write_history(const History& history) const {
  json::object out;
  json::array rejected;
  for (const auto& each : history.rejected) rejected.push_back(to_json(each));
  out["rejected"] = std::move(rejected);
  if (history.last) out["last"] = to_json(*history.last);
  out["owed"] = history.owed;
  return write(history_name, json::serialize(out));
}

}  // namespace kw::agent
