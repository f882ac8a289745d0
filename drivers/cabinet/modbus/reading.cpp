#include "drivers/cabinet/modbus/reading.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kw::drivers::modbus {
namespace {

std::string_view name_of(Table table) {
  switch (table) {
    case Table::coils:
      return "coils";
    case Table::discrete_inputs:
      return "discrete inputs";
    case Table::holding_registers:
      return "holding registers";
    default:
      return "input registers";
  }
}

/// However many inputs say the same: more than this helps nobody.
constexpr std::size_t longest_text = 300;

void append(std::string& to, const std::string& more, std::string_view between) {
  if (more.empty() || to.size() + more.size() > longest_text) return;
  to.append(to.empty() ? "" : between).append(more);
}

/// Adds a condition, or to the one there is: two smoke detectors make one alarm.
void raise(wire::Status& out, const wire::ConditionRow& row, const std::string& vendor_code,
           const std::string& detail = {}) {
  const auto there = std::ranges::find(out.conditions, row.code, &wire::Condition::code);
  if (there == out.conditions.end()) {
    out.conditions.push_back(wire::condition(row, vendor_code, detail));
    return;
  }
  append(there->vendor_code, vendor_code, " ");
  append(there->detail, detail, ", ");
}

/// What a contact says of its component; an earlier contact of the same one counts where this one
/// says nothing, or was not read.
void tell(wire::Status& out, const Contact& contact, std::optional<bool> on) {
  const auto says = !on ? std::nullopt : *on ? contact.on : contact.off;
  const auto there = std::ranges::find(out.components, contact.component, &wire::Component::name);
  if (there == out.components.end()) {
    out.components.push_back(
        {contact.component, says.value_or(wire::ComponentState::unknown), contact.essential});
    return;
  }
  if (says) there->state = *says;
  there->essential = there->essential || contact.essential;
}

bool is_on(const wire::Status& status, std::string_view component) {
  const auto there = std::ranges::find(status.components, component, &wire::Component::name);
  return there != status.components.end() && there->state == wire::ComponentState::on;
}

void judge_refusals(const Image& image, wire::Status& out) {
  for (const auto& refusal : image.refusals()) {
    // 1 to 3: the board has no such input, so the map is wrong. The rest is the board's trouble.
    const bool our_mistake = refusal.exception <= 3;
    const auto* row = row_of(our_mistake ? "bad-configuration" : "board-error");
    const auto last = refusal.address + refusal.count - 1;
    raise(out, *row,
          fmt::format("FC{:02x}=EX{:02x}", static_cast<unsigned>(refusal.table), refusal.exception),
          fmt::format("{} {}-{}: {}", name_of(refusal.table), refusal.address, last,
                      exception_name(refusal.exception)));
  }
}

}  // namespace

void Image::add(const Request& request, const Reply& reply) {
  if (reply.exception != 0) {
    refusals_.push_back({request.table(), request.address(), request.count(), reply.exception});
    return;
  }
  auto address = request.address();
  for (const auto value : reply.values) values_[{request.table(), address++}] = value;
}

std::optional<std::int64_t> Image::raw(const Place& place, bool is_signed) const {
  const auto first = values_.find({place.table, place.address});
  if (first == values_.end()) return std::nullopt;
  if (place.registers == 1) {
    const auto value = first->second;
    return is_signed ? std::int64_t{static_cast<std::int16_t>(value)} : std::int64_t{value};
  }
  const auto second = values_.find({place.table, static_cast<std::uint16_t>(place.address + 1)});
  if (second == values_.end()) return std::nullopt;
  const std::uint32_t high = place.low_word_first ? second->second : first->second;
  const std::uint32_t low = place.low_word_first ? first->second : second->second;
  const std::uint32_t value = high << 16 | low;
  return is_signed ? std::int64_t{static_cast<std::int32_t>(value)} : std::int64_t{value};
}

std::optional<bool> Image::on(const Place& place, bool invert) const {
  const auto value = raw(place, false);
  if (!value) return std::nullopt;
  const bool set = ((*value >> place.bit.value_or(0)) & 1) != 0;
  return set != invert;
}

wire::Status Judge::judge(const Image& image) {
  wire::Status out;
  out.evidence = wire::Evidence::protocol_reply;
  out.device = wire::DeviceState::online;
  for (const auto& contact : board_.contacts) {
    const auto on = image.on(contact.place, contact.invert);
    tell(out, contact, on);
    const auto* row = !on ? nullptr : *on ? contact.on_condition : contact.off_condition;
    if (row != nullptr) raise(out, *row, contact.place.label());
  }
  for (const auto& detector : board_.detectors) {
    if (image.on(detector.place, detector.invert).value_or(false)) {
      raise(out, *detector.condition, detector.place.label());
    }
  }
  for (const auto& gauge : board_.gauges) {
    const auto raw = image.raw(gauge.place, gauge.is_signed);
    std::optional<double> value;
    if (raw && raw != gauge.absent) {
      value = static_cast<double>(*raw) * gauge.scale + gauge.offset;
      out.measurements.push_back({gauge.name, *value});
    }
    judge_limits(gauge, value, out);
  }
  judge_refusals(image, out);
  return out;
}

void Judge::judge_limits(const Gauge& gauge, std::optional<double> value, wire::Status& out) {
  const bool counts = value && (gauge.only_while.empty() || is_on(out, gauge.only_while));
  const Limit* too_high = nullptr;
  const Limit* too_low = nullptr;
  for (const auto& limit : gauge.limits) {
    const double edge = exceeded_.contains(&limit) ? limit.clear : limit.raise;
    if (!counts || !(limit.above ? *value > edge : *value < edge)) {
      exceeded_.erase(&limit);
      continue;
    }
    exceeded_.insert(&limit);
    // The farthest limit says it all: what is too hot is hot as well.
    if (limit.above && (too_high == nullptr || limit.raise > too_high->raise)) too_high = &limit;
    if (!limit.above && (too_low == nullptr || limit.raise < too_low->raise)) too_low = &limit;
  }
  for (const auto* limit : {too_high, too_low}) {
    if (limit == nullptr) continue;
    // The limit and never the value: that would be a change of state with every poll.
    raise(out, *limit->condition, gauge.place.label(),
          fmt::format("{} {} {}", gauge.name, limit->above ? "above" : "below", limit->raise));
  }
}

}  // namespace kw::drivers::modbus
