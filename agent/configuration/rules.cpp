#include "agent/configuration/rules.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/configuration/messages.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr int starts_most = 2;
constexpr std::size_t rejected_most = 16;
constexpr const char* pushed_file = "agent.toml";

template <class... Args>
Error say(Errc code, Lang lang, const Text& text, const Args&... args) {
  return {code, fmt::format(fmt::runtime(text.in(lang)), args...)};
}

/// As many mistakes as a report holds, one a line.
std::string listed(const std::vector<config::Problem>& problems, Lang lang) {
  std::string out;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const auto line = problems[i].in(lang);
    const auto more =
        fmt::format(fmt::runtime(message::more_problems.in(lang)), problems.size() - i);
    if (i > 0 && out.size() + line.size() + more.size() + 2 > wire::text_limit) {
      return out + "\n" + more;
    }
    out.append(i == 0 ? "" : "\n").append(line);
  }
  return out;
}

}  // namespace

AtStart at_start(const std::string& pushed_hash, const std::optional<Trial>& trial, bool rejected) {
  const bool tried = trial && trial->hash == pushed_hash;
  if (rejected || (tried && trial->starts >= starts_most)) return AtStart::roll_back;
  return tried ? AtStart::try_on : AtStart::keep;
}

const Judgement* rejection(const History& history, const std::string& hash,
                           const std::string& version) {
  for (const auto& known : history.rejected) {
    if (known.hash != hash) continue;
    const bool other = known.state == pb::ConfigurationReport::REFUSED && known.version != version;
    return other ? nullptr : &known;
  }
  return nullptr;
}

void forget(History& history, const std::string& hash) {
  std::erase_if(history.rejected, [&](const Judgement& known) { return known.hash == hash; });
}

void remember(History& history, Judgement judgement) {
  forget(history, judgement.hash);
  // The kiosk's own file has no text here by which it could be known again.
  const bool own = judgement.hash == identity::sha256("");
  if (judgement.state != pb::ConfigurationReport::APPLIED && !own) {
    history.rejected.push_back(judgement);
    if (history.rejected.size() > rejected_most) history.rejected.erase(history.rejected.begin());
  }
  history.last = std::move(judgement);
  history.owed = true;
}

Result<InForce> read_pushed(const std::string& hash, const std::string& body, Lang lang) {
  if (identity::sha256(body) != hash) return say(Errc::invalid, lang, message::push_garbled);
  auto config = parse_config(body, pushed_file);
  if (!config.problems.empty()) return Error{Errc::invalid, listed(config.problems, lang)};
  return InForce{body, hash, std::make_shared<const AgentConfig>(std::move(config))};
}

InForce read_own(const std::filesystem::path& file) {
  auto text = platform::read_file(file);
  return {text ? std::move(*text) : std::string{},
          {},
          std::make_shared<const AgentConfig>(load_config(file))};
}

InForce read_in_force(const std::filesystem::path& data, const std::filesystem::path& own_file) {
  auto own = read_own(own_file);
  auto text = ConfigurationFiles{data}.pushed();
  const bool forbidden = own.config->readable && !own.config->accept_configuration;
  if (text.empty() || forbidden) return own;
  auto config = parse_config(text, pushed_file);
  if (!config.readable) return own;
  auto hash = identity::sha256(text);
  return {std::move(text), std::move(hash), std::make_shared<const AgentConfig>(std::move(config))};
}

bool accepts_pushed(const AgentConfig& own, bool exists) {
  return !exists || (own.readable && own.accept_configuration);
}

}  // namespace kw::agent
