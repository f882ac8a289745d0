#include "agent/consumables/supplies.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "agent/consumables/account_parts.hpp"
#include "agent/consumables/kept.hpp"
#include "agent/consumables/messages.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t accounts_most = 32;
/// What a poll would find again may wait: an unexpected end costs a figure of use, not a level.
constexpr auto save_every = std::chrono::minutes{10};

std::optional<bool> cover_open(const wire::Status& status) {
  std::optional<bool> out;
  for (const auto& component : status.components) {
    if (component.name != "cover" && component.name != "door") continue;
    out = out.value_or(false) || component.state == wire::ComponentState::open;
  }
  return out;
}

bool has(const wire::Status& status, std::string_view code) {
  return std::ranges::find(status.conditions, code, &wire::Condition::code) !=
         status.conditions.end();
}

std::string listed(const auto& entries, std::string otherwise) {
  std::string out;
  for (const auto& [name, entry] : entries) out.append(out.empty() ? "" : ", ").append(name);
  return out.empty() ? std::move(otherwise) : out;
}

template <class... Args>
Error refusal(Errc code, Lang lang, const Text& text, const Args&... args) {
  return Error{code, fmt::format(fmt::runtime(text.in(lang)), args...)};
}

}  // namespace

Supplies::Supplies(const Clock& clock, const std::vector<SupplyRow>& kept) : clock_(clock) {
  for (const auto& row : kept) {
    auto state = kept_state(row.body);
    if (!state) {
      log::warning("supply-not-read", {{"device", row.device}, {"type", row.type}});
      continue;
    }
    SupplyRules rules;
    rules.type = row.type;
    const auto saved = *state;
    devices_[row.device].entries.emplace(
        row.type, Entry{Account{std::move(rules), std::move(*state)}, saved});
  }
}

void Supplies::on_refill(std::function<void(const Event&)> told) {
  const std::lock_guard lock{mutex_};
  told_ = std::move(told);
}

void Supplies::use(Lang lang) {
  const std::lock_guard lock{mutex_};
  lang_ = lang;
}

void Supplies::use(const std::vector<SuppliedDevice>& devices) {
  const std::lock_guard lock{mutex_};
  std::map<std::string, Device> next;
  for (const auto& configured : devices) {
    auto& device = next[configured.name];
    device.enabled = configured.enabled;
    if (const auto known = devices_.find(configured.name); known != devices_.end()) {
      device.entries = std::move(known->second.entries);
      device.heard = known->second.heard;
    }
    for (const auto& rules : configured.consumables) device.rules[rules.type] = rules;
    for (auto& [type, known] : device.entries) {
      const auto rules = device.rules.find(type);
      SupplyRules none;
      none.type = type;
      known.account.use(rules == device.rules.end() ? none : rules->second);
    }
    for (const auto& [type, rules] : device.rules) entry(device, type);
  }
  devices_ = std::move(next);
}

Supplies::Entry& Supplies::entry(Device& device, const std::string& type) {
  if (const auto known = device.entries.find(type); known != device.entries.end()) {
    return known->second;
  }
  SupplyRules rules;
  rules.type = type;
  if (const auto told = device.rules.find(type); told != device.rules.end()) rules = told->second;
  return device.entries.emplace(type, Entry{Account{std::move(rules)}, {}}).first->second;
}

wire::Status Supplies::heard(const std::string& device, wire::Status status) {
  std::vector<Event> events;
  std::function<void(const Event&)> told;
  {
    const std::lock_guard lock{mutex_};
    const auto found = devices_.find(device);
    if (found == devices_.end()) return status;  // its worker ends
    auto& of = found->second;
    of.heard = of.heard || status.evidence == wire::Evidence::protocol_reply;
    const auto now = clock_.wall();
    const auto cover = cover_open(status);
    std::set<std::string_view> heard;
    for (const auto& said : status.consumables) {
      if (said.direction == wire::Direction::bin || of.entries.size() >= accounts_most) continue;
      // Two in one account would be a refill at every poll: the first of a type has it.
      if (!heard.insert(said.type).second) continue;
      auto& known = entry(of, said.type);
      const auto flag = known.account.state().flag;
      if (auto refilled = known.account.seen(said, cover, now)) {
        events.push_back({device, said.type, std::move(*refilled)});
        known.urgent = true;
      }
      if (known.account.state().flag != flag) known.urgent = true;
    }
    add_levels(of, status, now);
    told = told_;
  }
  for (const auto& event : events) {
    if (told) told(event);
  }
  return status;
}

wire::Status Supplies::unheard(const std::string& device, wire::Status status) {
  const std::lock_guard lock{mutex_};
  const auto known = devices_.find(device);
  if (known == devices_.end()) return status;
  for (auto& [type, each] : known->second.entries) each.account.unheard();
  add_levels(known->second, status, clock_.wall());
  return status;
}

void Supplies::add_levels(Device& device, wire::Status& status, WallTime now) {
  for (auto& [type, each] : device.entries) {
    const auto said = std::ranges::find_if(status.consumables, [&](const wire::Consumable& c) {
      return c.type == type && c.direction == wire::Direction::supply;
    });
    const bool listed = said != status.consumables.end();
    auto shown = each.account.shown(listed ? &*said : nullptr, now);
    const bool configured = device.rules.contains(type);
    // Of a supply that was never configured and is not heard of there is only what was counted;
    // one that the device itself told of before, and does not now, is none of its any more.
    const auto& state = each.account.state();
    const bool told = state.flag != SupplyFlag::none || state.measured;
    const bool gone = told && status.evidence == wire::Evidence::protocol_reply;
    if (!listed && !configured && (gone || !shown.available)) continue;
    if (listed) {
      *said = shown;
    } else {
      status.consumables.push_back(shown);
    }
    const auto low = low_code(type);
    const auto empty = empty_code(type);
    if (!shown.enabled) {
      std::erase_if(status.conditions, [&](const wire::Condition& c) {
        return c.code == low && c.severity == wire::Severity::warning;
      });
    }
    if (const auto& judged = each.account.judged();
        judged && !has(status, low) && !has(status, empty)) {
      status.conditions.push_back(*judged);
    }
  }
}

Result<std::pair<Supplies::Device*, std::string>> Supplies::find(const std::string& device,
                                                                 const std::string& type,
                                                                 Lang lang) {
  const auto none = std::string{message::supply_none.in(lang)};
  const auto of = devices_.find(device);
  if (of == devices_.end()) {
    return refusal(Errc::missing, lang, message::supply_no_device, device.substr(0, 64),
                   listed(devices_, none));
  }
  auto& found = of->second;
  if (!found.enabled) return refusal(Errc::refused, lang, message::supply_disabled, device);
  std::map<std::string, const Entry*> counted;
  for (const auto& [name, each] : found.entries) {
    if (!figure_only(name)) counted.emplace(name, &each);
  }
  const auto its = listed(counted, none);
  if (type.empty()) {
    if (counted.size() == 1) return std::pair{&found, counted.begin()->first};
    if (counted.empty()) {
      return refusal(Errc::invalid, lang, message::supply_no_supplies, device);
    }
    return refusal(Errc::invalid, lang, message::supply_which, device, its);
  }
  // A device that was never heard may still use up what everybody knows.
  const bool unheard =
      !found.heard && found.entries.empty() && known_supply(type) && !figure_only(type);
  if (counted.empty() && !unheard) {
    return refusal(Errc::invalid, lang, message::supply_no_supplies, device);
  }
  if (!counted.contains(type) && !unheard) {
    return refusal(Errc::invalid, lang, message::supply_no_type, device, type.substr(0, 64), its);
  }
  return std::pair{&found, type};
}

Result<void> Supplies::used(const std::string& device, const std::string& type, double amount,
                            const std::string& unit, Lang lang) {
  const std::lock_guard lock{mutex_};
  const auto found = find(device, type, lang);
  if (!found) return found.error();
  const auto& [of, name] = *found;
  if (!known_unit(unit)) {
    return refusal(Errc::invalid, lang, message::supply_unit, device, name, known_units(),
                   unit.substr(0, 64));
  }
  auto& known = entry(*of, name);
  const auto counted = known.account.used(amount, unit, clock_.wall());
  if (!counted && counted.error().text() == "unit") {
    return refusal(Errc::invalid, lang, message::supply_unit, device, name,
                   known.account.state().unit, unit);
  }
  if (!counted) return refusal(Errc::invalid, lang, message::supply_amount);
  known.urgent = true;
  if (!known.account.state().level) {
    return refusal(Errc::invalid, lang, message::supply_no_level, device, name);
  }
  return {};
}

Result<Supplies::Event> Supplies::refill(const std::string& device, const std::string& type,
                                         std::optional<double> amount,
                                         std::optional<double> capacity, std::optional<Lang> in) {
  Event event;
  std::function<void(const Event&)> told;
  {
    const std::lock_guard lock{mutex_};
    const auto lang = in.value_or(lang_);
    const auto found = find(device, type, lang);
    if (!found) return found.error();
    const auto& [of, name] = *found;
    auto& known = entry(*of, name);
    auto refilled = known.account.refilled(amount, capacity, clock_.wall());
    if (!refilled && refilled.error().text() == "too-much") {
      const auto all = capacity ? capacity : known.account.capacity();
      return refusal(Errc::invalid, lang, message::supply_too_much, name, all.value_or(0),
                     known.account.state().unit);
    }
    if (!refilled) return refusal(Errc::invalid, lang, message::supply_amount);
    known.urgent = true;
    event = {device, name, std::move(*refilled)};
    told = told_;
  }
  if (told) told(event);
  return event;
}

std::vector<SupplyRow> Supplies::unsaved(bool all) {
  const std::lock_guard lock{mutex_};
  std::vector<SupplyRow> out;
  const auto now = clock_.mono();
  for (auto& [device, of] : devices_) {
    for (auto& [type, each] : of.entries) {
      const auto& state = each.account.state();
      if (state == each.saved || (!all && !each.urgent && now - each.saved_at < save_every)) {
        continue;
      }
      each.saved = state;
      each.saved_at = now;
      each.urgent = false;
      out.push_back({device, type, kept_text(state)});
    }
  }
  return out;
}

}  // namespace kw::agent
