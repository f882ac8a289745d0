// kioskctl outbox check: the event buffer's file as it stands on disk.
#include "agent/config.hpp"
#include "agent/ctl/commands.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/outbox_check_messages.hpp"
#include "agent/outbox/file.hpp"
#include "agent/outbox/inspect.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;
using What = OutboxDamage::What;

constexpr std::int64_t mib = 1024 * 1024;

std::string_view word(What what) {
  switch (what) {
    case What::pages:
      return "pages";
    case What::record:
      return "record";
    case What::hole:
      return "hole";
    case What::tail:
      return "tail";
    case What::marks:
      return "marks";
    case What::device:
      return "device";
    case What::supply:
      return "supply";
    case What::size:
      break;
  }
  return "size";
}

std::string sentence(const Options& options, const OutboxDamage& d) {
  switch (d.what) {
    case What::pages:
      return say(options, message::damage_pages, d.detail);
    case What::record:
      return say(options, message::damage_record, d.epoch, d.first);
    case What::hole:
      return say(options, message::damage_hole, d.epoch, d.first, d.count);
    case What::tail:
      return say(options, message::damage_tail, d.epoch, d.first, d.count);
    case What::marks:
      return say(options, message::damage_marks, d.epoch, d.first, d.count);
    case What::device:
      return say(options, message::damage_device, d.detail);
    case What::supply:
      return say(options, message::damage_supply, d.detail);
    case What::size:
      break;
  }
  return say(options, message::damage_size, d.first, d.count);
}

json::object to_json(const Options& options, const OutboxInspection& found) {
  json::array epochs;
  for (const auto& e : found.epochs) {
    epochs.push_back(json::object{{"epoch", std::to_string(e.epoch)},
                                  {"first_kept", e.first_kept},
                                  {"acknowledged", e.acked},
                                  {"last", e.last},
                                  {"events", e.events}});
  }
  json::object gaps;
  for (const auto& [reason, count] : found.gaps) gaps[reason] = count;
  json::array damage;
  for (const auto& d : found.damage) {
    damage.push_back(json::object{{"what", word(d.what)},
                                  {"epoch", std::to_string(d.epoch)},
                                  {"first", d.first},
                                  {"count", d.count},
                                  {"detail", sentence(options, d)}});
  }
  json::object out;
  out["ok"] = found.damage.empty();
  out["bytes"] = found.bytes;
  out["ceiling_bytes"] = found.ceiling;
  out["epochs"] = std::move(epochs);
  out["gaps"] = std::move(gaps);
  json::array aside;
  for (const auto& name : found.put_aside) aside.emplace_back(name);
  out["put_aside"] = std::move(aside);
  out["damage"] = std::move(damage);
  if (!found.damage.empty()) out["advice"] = say(options, message::check_advice);
  return out;
}

std::string to_text(const Options& options, const OutboxInspection& found) {
  auto out = say(options, message::check_file, (options.data / outbox_name).string(),
                 found.bytes / mib, found.ceiling / mib);
  for (const auto& e : found.epochs) {
    out += say(options, message::check_epoch, e.epoch, e.first_kept, e.last, e.acked, e.events);
  }
  for (const auto& [reason, count] : found.gaps) {
    out += say(options, message::check_gap, count, reason);
  }
  for (const auto& name : found.put_aside) out += say(options, message::check_aside, name);
  if (found.damage.empty()) return out + say(options, message::check_sound);
  out += say(options, message::check_damaged, found.damage.size());
  for (const auto& d : found.damage) out += "  " + sentence(options, d) + "\n";
  return out + say(options, message::check_advice) + "\n";
}

}  // namespace

int run_outbox_check(const Options& options) {
  // Its defaults when it cannot be read: `doctor` says so.
  const auto config = load_config(options.config);
  const auto found = inspect_outbox(options.data, config.outbox_bytes);
  if (!found && found.error().code() == Errc::missing) {
    return complain(options, usage, say(options, message::check_missing, found.error().text()),
                    say(options, message::check_where));
  }
  if (!found) {
    return complain(options, could_not_ask,
                    say(options, message::check_unreadable, found.error().text()),
                    say(options, message::use_sudo));
  }
  print(options, to_json(options, *found), to_text(options, *found));
  return found->damage.empty() ? well : fault;
}

}  // namespace kw::agent::ctl
