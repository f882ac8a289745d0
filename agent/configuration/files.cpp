#include "agent/configuration/files.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr const char* pushed_name = "pushed.toml";
constexpr const char* previous_name = "previous.toml";
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

// What no bit may change unseen carries the SHA-256 of itself: a TOML text in a comment above it,
// an object as a member. What an older agent wrote has none and is taken as it is.
constexpr std::string_view check_line = "# kioskwatch sha256 ";

std::string with_check(std::string_view text) {
  if (text.empty()) return {};
  return std::string{check_line}.append(identity::sha256_hex(text)).append("\n").append(text);
}

/// The text without its check; nothing when that fails, or when its end is missing, or
/// its beginning.
std::optional<std::string> checked_text(std::string text) {
  const auto line = text.find('\n');
  if (text.empty()) return text;
  if (text.find('\0') != std::string::npos) return std::nullopt;
  // Cut off within its check line it is nobody's text.
  if (line == std::string::npos && check_line.starts_with(text)) return std::nullopt;
  if (!text.starts_with(check_line)) return text;
  if (line == std::string::npos) return std::nullopt;
  const auto said = text.substr(check_line.size(), line - check_line.size());
  text.erase(0, line + 1);
  if (said != identity::sha256_hex(text)) return std::nullopt;
  return text;
}

std::string with_check(json::object object) {
  object["check"] = identity::sha256_hex(json::serialize(object));
  return json::serialize(object);
}

/// The object without its check; nothing when that fails, or when it is none.
std::optional<json::object> checked_object(const std::string& text) {
  json::error_code wrong;
  auto value = json::parse(text, wrong);
  if (wrong || !value.is_object()) return std::nullopt;
  auto& object = value.get_object();
  if (!object.contains("check")) return std::move(object);
  const auto said = text_at(object, "check");
  object.erase("check");
  if (said != identity::sha256_hex(json::serialize(object))) return std::nullopt;
  return std::move(object);
}

void tell_damaged(const std::filesystem::path& file, std::string_view instead) {
  log::error("configuration-damaged", {{"file", file.string()}, {"instead", instead}});
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

std::string ConfigurationFiles::pushed() const {
  auto text = checked_text(read(pushed_name));
  if (text) return std::move(*text);
  // The collector sees by its hash that another one is in force, and pushes its own again.
  tell_damaged(folder_ / pushed_name, previous_name);
  return previous();
}

std::string ConfigurationFiles::previous() const {
  auto text = checked_text(read(previous_name));
  if (text) return std::move(*text);
  tell_damaged(folder_ / previous_name, "agent.toml");
  return {};
}

Result<void> ConfigurationFiles::write(const char* name, std::string_view bytes) const {
  auto made = platform::make_folder(folder_, true);
  if (!made) return made;
  return platform::write_file(folder_ / name, bytes, true);
}

std::optional<Trial> ConfigurationFiles::trial() const {
  const auto text = read(trial_name);
  if (text.empty()) return std::nullopt;
  const auto kept = checked_object(text);
  if (!kept) {
    // Whether it was proved cannot be known: it proves itself once more.
    tell_damaged(folder_ / trial_name, "a trial from the beginning");
    return Trial{identity::sha256(pushed()), 0};
  }
  const auto& object = *kept;
  Trial out{hash_at(object), static_cast<int>(number_at(object, "starts"))};
  if (out.hash.empty()) return std::nullopt;
  return out;
}

Result<void> ConfigurationFiles::write_trial(const Trial& trial) const {
  json::object out;
  out["hash"] = identity::to_hex(trial.hash);
  out["starts"] = trial.starts;
  return write(trial_name, with_check(std::move(out)));
}

Result<void> ConfigurationFiles::try_on(const std::string& text,
                                        const std::string& previous) const {
  // The mark is about to name `text`: what it names now must not be left here without one.
  auto done = trial() ? settle(previous) : Result<void>{};
  if (done) done = write(previous_name, with_check(previous));
  if (done) done = write_trial({identity::sha256(text), 0});
  if (done) done = write(pushed_name, with_check(text));
  return done;
}

Result<void> ConfigurationFiles::settle(const std::string& text) const {
  const auto kept = with_check(text);
  auto done = read(pushed_name) == kept ? Result<void>{} : write(pushed_name, kept);
  if (!done) return done;
  // Written, not removed: a mark that the power brings back would roll back what is proved.
  return trial() ? write(trial_name, "{}") : Result<void>{};
}

History ConfigurationFiles::history() const {
  const auto text = read(history_name);
  if (text.empty()) return {};
  const auto kept = checked_object(text);
  if (!kept) {
    tell_damaged(folder_ / history_name, "a history from the beginning");
    return {};
  }
  const auto& object = *kept;
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
  return write(history_name, with_check(std::move(out)));
}

}  // namespace kw::agent
