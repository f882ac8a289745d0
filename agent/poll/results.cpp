#include "agent/poll/results.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

json::object words_of(const DeviceResult& result) {
  json::object out;
  out["code"] = result.vendor_code;
  out["detail"] = result.detail;
  return out;
}

std::string text_at(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string{} : std::string{std::string_view{*text}};
}

std::optional<std::int64_t> number_at(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr ? std::nullopt : std::optional{*number};
}

DeviceResult words_in(const json::object& from) {
  DeviceResult out;
  out.vendor_code = text_at(from, "code");
  out.detail = text_at(from, "detail");
  return out;
}

}  // namespace

Results::Results(const Clock& clock, const std::string& boot_id,
                 const std::map<std::string, std::string>& kept)
    : clock_(clock), boot_(identity::to_hex(boot_id)) {
  for (const auto& [device, text] : kept) {
    auto before = kept_in(text);
    if (!before) {
      log::warning("device-result-not-read", {{"device", device}});
      continue;
    }
    unjudged_.insert_or_assign(device, std::move(*before));
  }
}

void Results::on_change(std::function<void(const std::string&, std::string)> told) {
  const std::lock_guard lock{mutex_};
  told_ = std::move(told);
}

void Results::retain(const std::vector<std::string>& devices) {
  const std::lock_guard lock{mutex_};
  const auto gone = [&](const auto& known) {
    return std::ranges::find(devices, known.first) == devices.end();
  };
  std::erase_if(unjudged_, gone);
  std::erase_if(devices_, gone);
}

Reported Results::begin(const std::string& device, const ResultLimits& limits) {
  const std::lock_guard lock{mutex_};
  std::optional<Reported::Kept> before;
  if (const auto known = devices_.find(device); known != devices_.end()) {
    before = known->second.kept();
  } else if (auto kept = unjudged_.extract(device)) {
    before = std::move(kept.mapped());
  }
  Reported out{limits, std::move(before)};
  devices_.insert_or_assign(device, out);
  return out;
}

void Results::add(const std::string& device, DeviceResult result) {
  const std::lock_guard lock{mutex_};
  const auto known = devices_.find(device);
  if (known == devices_.end()) return;
  known->second.add(std::move(result), clock_.mono());
  if (told_) told_(device, text_of(*known->second.kept()));
}

std::string Results::text_of(const Reported::Kept& kept) const {
  auto out = words_of(kept.last);
  out["worked"] = kept.last.worked;
  out["failed"] = kept.failed;
  if (kept.failing) out["failing"] = words_of(*kept.failing);
  out["boot"] = boot_;
  out["mono_us"] = micros(kept.last.at);
  out["wall_us"] = micros(clock_.wall() - (clock_.mono() - kept.last.at));
  return json::serialize(out);
}

std::optional<Reported::Kept> Results::kept_in(const std::string& text) const {
  json::error_code wrong;
  const auto value = json::parse(text, wrong);
  const auto* from = wrong ? nullptr : value.if_object();
  if (from == nullptr) return std::nullopt;
  const auto* worked = from->if_contains("worked");
  const auto mono = number_at(*from, "mono_us");
  const auto wall = number_at(*from, "wall_us");
  if (worked == nullptr || !worked->is_bool() || !mono || !wall) return std::nullopt;
  Reported::Kept out;
  out.last = words_in(*from);
  out.last.worked = worked->get_bool();
  out.failed =
      static_cast<int>(std::clamp<std::int64_t>(number_at(*from, "failed").value_or(0), 0, 1'000));
  const auto* failing = from->if_contains("failing");
  if (failing != nullptr && failing->is_object()) out.failing = words_in(failing->get_object());
  // The clock that counts from boot says nothing of the boot before; the time that the kiosk was
  // off counts as age.
  const auto now = clock_.mono();
  const auto age = std::max(clock_.wall() - wall_from(*wall), Duration{0});
  out.last.at = text_at(*from, "boot") == boot_ ? std::min(mono_from(*mono), now) : now - age;
  return out;
}

}  // namespace kw::agent
