// What a vector's row says that its bytes mean, held against what the decoder says.
#include <algorithm>
#include <map>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Where `phrase` stands in `text` as words.
std::size_t find_words(const std::string& text, std::string_view phrase, std::size_t from) {
  for (auto at = text.find(phrase, from); at != std::string::npos; at = text.find(phrase, at + 1)) {
    const auto end = at + phrase.size();
    const bool begins = at == 0 || !is_word_byte(text[at - 1]);
    if (begins && (end == text.size() || !is_word_byte(text[end]))) return at;
  }
  return std::string::npos;
}

bool is_denied(const std::string& text, std::size_t at) {
  while (at > 0 && text[at - 1] == ' ') --at;
  for (const std::string_view word : {"no", "not", "without", "never", "nor", "isn't"}) {
    if (at < word.size() || text.compare(at - word.size(), word.size(), word) != 0) continue;
    if (at == word.size() || !is_word_byte(text[at - word.size() - 1])) return true;
  }
  return false;
}

std::vector<std::string> split(const std::string& text, char between) {
  std::istringstream in{text};
  std::vector<std::string> out;
  for (std::string word; std::getline(in, word, between);) out.push_back(word);
  return out;
}

/// What a meaning's words ask of the decoder.
struct Wanted {
  std::string_view words;
  std::vector<std::string> facts;  ///< any of them
  bool there = true;               ///< or none of them
};

bool could_say(const Outcome& outcome, const Wanted& wanted) {
  return std::ranges::any_of(wanted.facts,
                             [&](const std::string& f) { return outcome.could_say(f); });
}

bool holds(const Outcome& outcome, const Wanted& wanted) {
  return std::ranges::any_of(wanted.facts, [&](const std::string& f) { return outcome.says(f); }) ==
         wanted.there;
}

/// By what they are about, "media" of "media:jammed". Words that say two things of one ("over-long
/// card inside") are right when one of them holds.
std::map<std::string, std::vector<Wanted>> wanted_of(const Vector& vector, const Family& family) {
  auto text = plain_words(vector.meaning);
  std::vector<Phrase> phrases{family.phrases.begin(), family.phrases.end()};
  // The longer ones first: what they say is taken out before a shorter one sees it.
  std::ranges::sort(phrases, std::ranges::greater{},
                    [](const Phrase& p) { return p.words.size(); });
  std::map<std::string, std::vector<Wanted>> out;
  for (const auto& phrase : phrases) {
    for (auto at = find_words(text, phrase.words, 0); at != std::string::npos;
         at = find_words(text, phrase.words, at + 1)) {
      const bool denied = is_denied(text, at);
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), phrase.words.size(), '.');
      for (const auto& said : split(std::string{phrase.facts}, ' ')) {
        const bool inverse = said.starts_with('!');
        const Wanted wanted{phrase.words, split(said.substr(inverse ? 1 : 0), '|'),
                            inverse == denied};
        const auto& first = wanted.facts.front();
        const auto colon = wanted.there ? first.find(':') : std::string::npos;
        out[first.substr(0, colon) + (wanted.there ? "" : " not")].push_back(wanted);
      }
    }
  }
  return out;
}

/// "name=figure": where the meaning gives a figure to a name, it is one of those of that name.
std::size_t hold_figures(const Vector& vector, const Outcome& outcome) {
  const auto text = plain_words(vector.meaning);
  const auto number = [](std::string_view from) {
    return std::string{from.substr(0, from.find_first_not_of("0123456789"))};
  };
  std::map<std::string, std::vector<std::string>> figures;
  for (const auto& figure : outcome.figures) {
    const auto equals = figure.find('=');
    figures[plain_words(figure.substr(0, equals))].push_back(number(figure.substr(equals + 1)));
  }
  std::size_t held = 0;
  for (const auto& [name, values] : figures) {
    const auto at = find_words(text, name, 0);
    if (at == std::string::npos) continue;
    auto rest = std::string_view{text}.substr(at + name.size());
    while (rest.starts_with(' ') || rest.starts_with('=') || rest.starts_with(':')) {
      rest.remove_prefix(1);
    }
    const auto given = number(rest);
    if (given.empty()) continue;
    CHECK_MESSAGE(std::ranges::find(values, given) != values.end(), name << " " << given);
    ++held;
  }
  return held;
}

}  // namespace

bool Outcome::says(std::string_view fact) const {
  return std::ranges::find(facts, fact) != facts.end();
}

bool Outcome::could_say(std::string_view fact) const {
  return std::ranges::any_of(tells, [&](const std::string& t) { return fact.starts_with(t); });
}

std::size_t hold_meaning(const Vector& vector, const Family& family, const Outcome& outcome) {
  std::string facts;
  for (const auto& fact : outcome.facts) facts += fact + " ";
  CAPTURE(facts);
  std::size_t held = 0;
  const auto wanted = wanted_of(vector, family);
  for (const auto& [key, list] : wanted) {
    CAPTURE(key);
    const auto told = [&](const Wanted& want) { return could_say(outcome, want); };
    if (std::ranges::none_of(list, told)) continue;
    const auto right = [&](const Wanted& want) { return told(want) && holds(outcome, want); };
    CHECK_MESSAGE(std::ranges::any_of(list, right), list.front().words);
    ++held;
  }
  return held + hold_figures(vector, outcome);
}

void add_facts(const wire::Status& status, Outcome& out) {
  for (const auto& condition : status.conditions) out.add(condition.code);
  out.add(fmt::format("device:{}", name(status.device)));
  out.add(fmt::format("media:{}", name(status.media)));
  for (const auto& part : status.components) {
    out.add(fmt::format("{}:{}", part.name, name(part.state)));
  }
  for (const auto& item : status.consumables) {
    out.add(fmt::format("{}:{}", item.type, name(item.state)));
  }
}

Result<wire::Status> status_by(std::string_view driver,
                               std::initializer_list<std::pair<std::string, std::string>> settings,
                               const std::vector<std::uint8_t>& answer) {
  auto made = make_driver(driver, Given{settings.begin(), settings.end()});
  if (!made) return std::move(made).error();
  FakePort port;
  port.device = [&](const Bytes&) { port.arrive(answer); };
  const auto until = port.now() + std::chrono::seconds{5};
  if (auto opened = (*made)->open(port, until); !opened) return std::move(opened).error();
  return (*made)->poll(until);
}

}  // namespace kw::drivers
