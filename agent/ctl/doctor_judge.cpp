#include <algorithm>
#include <array>

#include "agent/bundle/mask.hpp"
#include "agent/ctl/doctor.hpp"
#include "agent/ctl/doctor_messages.hpp"
#include "agent/ctl/link_check.hpp"
#include "agent/ctl/link_messages.hpp"
#include "agent/ctl/spans.hpp"
#include "agent/ctl/words.hpp"
#include "common/identity/authority.hpp"
#include "common/identity/certificate.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr std::int64_t mib = 1024 * 1024;
constexpr std::int64_t much_memory = 64 * mib;
constexpr double much_cpu = 10;                // per cent of one processor since the start
constexpr std::int64_t least_free = 64 * mib;  // below: a full disk is a matter of hours
// The service's unit gives the agent these beside its user's own (packaging/linux/agent).
constexpr std::array<std::string_view, 3> groups_of_unit{"dialout", "lp", "plugdev"};
// The collector has others for itself ("busy"), which are no fault of the identity.
constexpr std::array<std::string_view, 5> refusals_of_identity{
    "revoked", "superseded", "unknown-certificate", "wrong-terminal", "certificate-refused"};
constexpr Duration certificate_soon = 14 * identity::day;
constexpr Duration clock_warns = std::chrono::minutes{2};
constexpr Duration clock_fails = identity::day;

std::optional<std::int64_t> number(const json::value& of, std::string_view pointer) {
  json::error_code wrong;
  const auto* value = of.find_pointer(pointer, wrong);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<std::int64_t>();
}

std::optional<json::value> told(const Result<json::object>& answer) {
  if (!answer) return std::nullopt;
  return json::value(*answer);
}

std::string word(const json::value& of, std::string_view pointer) {
  json::error_code wrong;
  const auto* value = of.find_pointer(pointer, wrong);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{std::string_view{value->get_string()}};
}

Check agent(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"agent", message::check_agent, lang};
  if (!facts.status) {
    const auto& why = facts.status.error();
    if (why.code() == Errc::missing) return check.failed(message::agent_down, why.text());
    return check.failed(message::agent_unasked, why.text());
  }
  const auto version = word(json::value(*facts.status), "/version");
  if (version != KW_VERSION) {
    return check.warned(message::agent_other_version, version, KW_VERSION);
  }
  return check.well(message::agent_runs, version);
}

Check process_usage(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"usage", message::check_usage, lang};
  const auto status = told(facts.status);
  if (!status) return check.skipped();
  const auto bytes = number(*status, "/process/resident_bytes");
  const auto cpu = number(*status, "/process/cpu_ms");
  const auto up = number(*status, "/process/up_ms");
  if (!bytes || !cpu || !up) return check.skipped();
  const auto share =
      100 * static_cast<double>(*cpu) / static_cast<double>(std::max(*up, std::int64_t{1}));
  // The start itself is work: a share of the first seconds says nothing.
  const bool busy = share > much_cpu && *up > 60'000;
  if (*bytes > much_memory || busy) return check.warned(message::usage_high, *bytes / mib, share);
  return check.well(message::usage_fine, *bytes / mib, share);
}

Check configuration(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"config", message::check_config, lang};
  const auto& problems = facts.config.problems;
  const auto source = facts.pushed_hash.empty()
                          ? facts.config_file.string()
                          : fmt::format(fmt::runtime(message::config_pushed.in(lang)),
                                        facts.pushed_hash.substr(0, 12));
  if (!facts.config.readable) {
    const auto why = problems.empty() ? std::string{} : problems.front().in(lang);
    return check.failed(message::config_unreadable, source, why);
  }
  if (problems.empty()) {
    return check.well(message::config_fine, source, facts.config.devices.size(),
                      plural(std::ssize(facts.config.devices)));
  }
  std::string list;
  for (const auto& problem : problems) {
    list.append(list.empty() ? "" : "; ").append(problem.in(lang));
  }
  return check.failed(message::config_mistakes, problems.size(), list,
                      plural(std::ssize(problems)));
}

Check identity_card(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"identity", message::check_identity, lang};
  auto usable = identity_step(facts.identity, lang);
  if (usable.outcome != Outcome::ok) return usable;
  const auto own = identity::Certificate::parse(facts.identity->own.chain_pem);
  if (!own) return usable;
  const auto status = told(facts.status);
  json::error_code wrong;
  const auto* connected = status ? status->find_pointer("/uplink/connected", wrong) : nullptr;
  const bool apart = connected != nullptr && *connected == false;
  const auto refusal = apart ? word(*status, "/uplink/refusal") : std::string{};
  for (const std::string_view about_us : refusals_of_identity) {
    if (refusal == about_us) {
      return check.failed(refusal_finding(refusal), word(*status, "/uplink/last_error"));
    }
  }
  const auto& terminal = facts.identity->terminal;
  const auto left = own->not_after - facts.now;
  if (left < Duration::zero()) {
    return check.failed(message::identity_over, terminal, day_text(own->not_after));
  }
  if (left < certificate_soon) {
    return check.warned(message::identity_ends, terminal, span_text(left, lang));
  }
  return check.well(message::identity_fine, terminal, span_text(left, lang));
}

Check disk(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"disk", message::check_disk, lang};
  if (!facts.free_bytes) {
    return check.failed(message::disk_unknown, facts.data.string(),
                        facts.free_bytes.error().text());
  }
  const auto room = *facts.free_bytes;
  if (room < least_free) return check.failed(message::disk_full, room / mib);
  const auto status = told(facts.status);
  json::error_code wrong;
  const auto* written = status ? status->find_pointer("/outbox/on_disk", wrong) : nullptr;
  if (written != nullptr && *written == false) return check.failed(message::disk_refuses);
  const auto used = status ? number(*status, "/outbox/bytes").value_or(0) : 0;
  const auto growth = std::max<std::int64_t>(facts.config.outbox_bytes - used, 0);
  if (room < growth) return check.warned(message::disk_small, room / mib, growth / mib);
  return check.well(message::disk_fine, room / mib, facts.config.outbox_bytes / mib);
}

Check clock(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"clock", message::check_clock, lang};
  const auto status = told(facts.status);
  const auto offset = status ? number(*status, "/uplink/clock_offset_ms") : std::nullopt;
  // The collector's time less ours: negative when this kiosk is ahead.
  const Duration behind = std::chrono::milliseconds{offset.value_or(0)};
  const auto off = std::max(behind, -behind);
  const auto& side = behind < Duration::zero() ? message::clock_ahead : message::clock_behind;
  if (off > clock_fails) {
    return check.failed(message::clock_off, span_text(off, lang), side.in(lang));
  }
  if (off > clock_warns) {
    return check.warned(message::clock_off, span_text(off, lang), side.in(lang));
  }
  if (facts.synchronised == false) return check.warned(message::clock_unkept);
  if (!offset) return check.well(message::clock_unsure);
  return check.well(message::clock_fine, span_text(off, lang));
}

Check rights(const DoctorFacts& facts, Lang lang) {
  const CheckWriter check{"rights", message::check_rights, lang};
  if (!facts.folder) return check.failed(message::rights_unseen, facts.data.string());
  if (facts.key && facts.key->open_to_others) {
    return check.failed(message::rights_open, (facts.data / "identity" / "key.pem").string());
  }
  if (facts.folder->open_to_others) return check.warned(message::rights_open, facts.data.string());
  return check.well(message::rights_fine, facts.folder->owner);
}

/// What the running agent hears of a device: empty when all is well, nothing when it does not say.
std::optional<std::string> silence_of(const DoctorFacts& facts, const std::string& device,
                                      Lang lang) {
  const auto answer = told(facts.devices);
  if (!answer) return std::nullopt;
  json::error_code wrong;
  const auto* list = answer->find_pointer("/devices", wrong);
  if (list == nullptr || !list->is_array()) return std::nullopt;
  for (const auto& entry : list->get_array()) {
    if (word(entry, "/name") != device) continue;
    if (number(entry, "/misses").value_or(0) == 0) return std::string{};
    return conditions_text(entry.get_object(), lang);
  }
  return std::nullopt;
}

Check port(const DoctorFacts& facts, const DoctorFacts::Port& at, Lang lang) {
  const auto& device = *at.device;
  const auto title = fmt::format(fmt::runtime(message::check_port.in(lang)), device.name);
  const CheckWriter check{"port:" + device.name, title, lang};
  if (device.mistake) return check.failed(message::port_mistaken, device.mistake->in(lang));
  if (!device.enabled) return check.well(message::port_disabled);
  if (device.address.scheme == "-") return check.well(message::port_none);
  if (device.address.scheme == "serial") {
    const auto& path = device.address.host;
    if (!at.local.exists) return check.failed(message::port_missing, path);
    const auto& group = at.local.group;
    const bool by_unit = std::ranges::find(groups_of_unit, group) != groups_of_unit.end();
    if (!at.local.allowed && !by_unit && facts.folder) {
      return check.failed(message::port_forbidden, facts.folder->owner, path,
                          group.empty() ? "-" : group);
    }
    for (const auto& holder : at.local.holders) {
      if (!holder.starts_with("kiosk-agent ") && !device.address.only_look) {
        return check.warned(message::port_shared, path, holder);
      }
    }
  }
  const auto port = mask_line(device.port);
  if (at.opened) {
    if (*at.opened) return check.well(message::port_far, port);
    return check.failed(message::port_mute, port, at.opened->error().text());
  }
  const auto silence = silence_of(facts, device.name, lang);
  if (!silence) return check.skipped();
  if (silence->empty()) return check.well(message::port_held);
  return check.failed(message::port_mute, port, *silence);
}

}  // namespace

std::vector<Check> judge_host(const DoctorFacts& facts, Lang lang) {
  std::vector<Check> out;
  for (const auto look :
       {agent, process_usage, configuration, identity_card, disk, clock, rights}) {
    out.push_back(look(facts, lang));
  }
  for (const auto& at : facts.ports) out.push_back(port(facts, at, lang));
  return out;
}

}  // namespace kw::agent::ctl
