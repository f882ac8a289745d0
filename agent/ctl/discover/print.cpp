#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "agent/ctl/discover/guess.hpp"
#include "agent/ctl/discover/messages.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

template <class... Args>
std::string fill(const Text& text, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

/// A TOML basic string.
std::string quoted(std::string_view text) {
  std::string out{"\""};
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// The name, with a number behind it when it is taken.
std::string unique(const std::string& wanted, std::set<std::string>& taken) {
  std::string out = wanted;
  for (int number = 2; !taken.insert(out).second; ++number) {
    out = fmt::format("{}-{}", wanted, number);
  }
  return out;
}

std::string table_of(const Candidate& one, const std::string& name, std::string_view before) {
  auto out = fmt::format("{0}[[device]]\n{0}name = {1}\n{0}driver = {2}\n{0}port = {3}\n", before,
                         quoted(name), quoted(one.driver), quoted(one.port));
  if (one.settings.empty()) return out;
  std::string settings;
  for (const auto& [key, value] : one.settings) {
    settings += fmt::format("{}{} = {}", settings.empty() ? "" : ", ", key, quoted(value));
  }
  return out + fmt::format("{}settings = {{ {} }}\n", before, settings);
}

void put_candidate(std::string& out, const Candidate& one, bool first, std::set<std::string>& taken,
                   Lang lang) {
  if (!one.built_in) {
    out += fmt::format("# {}\n#   {}\n", one.reason,
                       fill(message::note_no_driver, lang, one.driver, one.port));
    return;
  }
  if (first && one.sure) {
    out += fmt::format("# {}\n", one.reason) + table_of(one, unique(one.name, taken), "");
    return;
  }
  out += fmt::format("# {}\n#   {}\n", one.reason,
                     fill(message::note_elsewhere, lang, probe_command(one)));
  out += table_of(one, one.name, "#   ");
}

/// As one word of a shell. Double quotes are what sh, PowerShell and cmd have in common.
std::string word_of_shell(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=@%+";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string out{"\""};
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> asked_with(const Candidate& one) {
  auto out = one.settings;
  constexpr std::string_view ours = "port_is_ours";
  const auto* card = drivers::find(one.driver);
  const auto named = [&](const auto& setting) { return setting.first == ours; };
  if (card != nullptr && std::ranges::none_of(out, named) &&
      std::ranges::find(card->settings, ours, &drivers::Setting::name) != card->settings.end()) {
    out.emplace_back(ours, "true");
  }
  return out;
}

std::string probe_command(const Candidate& one) {
  auto out = fmt::format("kioskctl probe {} {}", one.driver, word_of_shell(one.port));
  for (const auto& [name, value] : asked_with(one)) {
    out += " --set " + word_of_shell(name + "=" + value);
  }
  return out;
}

std::string discovered_toml(const std::vector<Found>& found, Lang lang) {
  if (found.empty()) return fmt::format("# {}\n", message::discovered_nothing.in(lang));
  std::string out;
  std::set<std::string> taken;
  for (const auto& thing : found) {
    out += fmt::format("{}# {}{}\n", out.empty() ? "" : "\n", thing.what,
                       thing.text.empty() ? "" : ": " + thing.text);
    if (!thing.note.empty()) out += fmt::format("# {}\n", thing.note);
    bool first = true;
    for (const auto& one : thing.candidates) {
      put_candidate(out, one, first, taken, lang);
      first = first && !one.built_in;
    }
  }
  return out;
}

json::object discovered_json(const std::vector<Found>& found, Lang lang) {
  json::array list;
  for (const auto& thing : found) {
    json::array candidates;
    for (const auto& one : thing.candidates) {
      json::object settings;
      for (const auto& [key, value] : one.settings) settings[key] = value;
      json::object to;
      to["driver"] = one.driver;
      to["port"] = one.port;
      to["settings"] = std::move(settings);
      to["reason"] = one.reason;
      to["sure"] = one.sure;
      to["built_in"] = one.built_in;
      candidates.push_back(std::move(to));
    }
    json::object to;
    to["what"] = thing.what;
    to["text"] = thing.text;
    to["note"] = thing.note;
    to["failed"] = thing.failed;
    to["candidates"] = std::move(candidates);
    list.push_back(std::move(to));
  }
  json::object out;
  out["devices"] = std::move(list);
  out["toml"] = discovered_toml(found, lang);
  return out;
}

}  // namespace kw::agent::ctl
