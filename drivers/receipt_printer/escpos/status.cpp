#include "drivers/receipt_printer/escpos/status.hpp"

#include <algorithm>
#include <utility>

#include "drivers/ports/hex.hpp"

namespace kw::drivers::escpos {
namespace {

void append(std::string& to, std::string_view more, std::string_view between) {
  if (more.empty() || to.find(more) != std::string::npos) return;
  if (!to.empty()) to += between;
  to += more;
}

/// A reply of several bytes also tells of what comes and goes by itself (motor on, spooling): of it
/// only the bits count that mean `means`.
std::string vendor_code(const Reply& reply, const ReplyTable& table, std::string_view means) {
  std::string out{reply.name};
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' ? char(c - 32) : c; });
  auto shown = reply.bytes;
  for (std::size_t i = 0; shown.size() > 1 && i < shown.size(); ++i) {
    std::uint8_t counts = 0;
    for (const auto& bit : table.bits) {
      if (bit.byte == i && bit.means == means) counts = counts | bit.any;
    }
    shown[i] = shown[i] & counts;
  }
  return out + "=" + hex(shown);
}

/// A printer goes off-line by itself for these; the others leave it working.
bool stops_printing(std::string_view code) {
  return code != "media-low" && code != "output-not-taken" && code != "link-noise";
}

bool has(const std::vector<wire::Condition>& conditions, std::string_view code) {
  return std::ranges::find(conditions, code, &wire::Condition::code) != conditions.end();
}

}  // namespace

std::vector<Sign> signs_of(const Model& model, std::span<const Reply> replies) {
  std::vector<Sign> out;
  for (const auto& reply : replies) {
    const auto& table = model.replies.find(reply.name)->second;
    for (const auto& bit : table.bits) {
      if (bit.byte >= reply.bytes.size() || (reply.bytes[bit.byte] & bit.any) == 0) continue;
      auto sign = std::ranges::find(out, bit.means, &Sign::means);
      if (sign == out.end()) sign = out.insert(out.end(), Sign{bit.means, {}, {}});
      append(sign->vendor_code, vendor_code(reply, table, bit.means), " ");
      append(sign->detail, bit.detail, ", ");
    }
  }
  return out;
}

const Sign* find(const std::vector<Sign>& signs, std::string_view means) {
  const auto it = std::ranges::find(signs, means, &Sign::means);
  return it == signs.end() ? nullptr : &*it;
}

std::vector<wire::Condition> conditions_of(const std::vector<Sign>& signs) {
  std::vector<wire::Condition> out;
  const auto raise = [&out](std::string_view code, const Sign& sign, std::string detail) {
    out.push_back(wire::condition(*row_of(code), sign.vendor_code, std::move(detail)));
  };
  const bool out_of_paper = find(signs, "media-empty") != nullptr;
  for (const auto& sign : signs) {
    if (row_of(sign.means) == nullptr || (sign.means == "media-low" && out_of_paper)) continue;
    raise(sign.means, sign, sign.detail);
  }
  const bool explained =
      std::ranges::any_of(out, [](const wire::Condition& c) { return stops_printing(c.code); });
  const Sign* error = find(signs, "error");
  const Sign* off_line = find(signs, "off-line");
  if (error != nullptr && !explained) {
    raise("printer-error", *error, {});
  } else if (off_line != nullptr && !explained && find(signs, "feeding") == nullptr) {
    raise("printer-offline", *off_line,
          find(signs, "waiting-recovery") != nullptr ? "waits for on-line recovery" : "");
  }
  return out;
}

wire::DeviceState device_state(const std::vector<Sign>& signs,
                               const std::vector<wire::Condition>& conditions) {
  if (has(conditions, "unrecoverable-error") || has(conditions, "cutter-error")) {
    return wire::DeviceState::hardware_error;
  }
  if (has(conditions, "printer-offline")) return wire::DeviceState::offline;
  if (find(signs, "feeding") != nullptr) return wire::DeviceState::device_busy;
  return wire::DeviceState::online;
}

wire::Media media_state(const Model& model, const std::vector<wire::Condition>& conditions) {
  if (has(conditions, "media-jam")) return wire::Media::jammed;
  if (!model.can_say("output-not-taken")) return wire::Media::not_supported;
  return has(conditions, "output-not-taken") ? wire::Media::present : wire::Media::not_present;
}

std::vector<wire::Component> components_of(const Model& model,
                                           const std::vector<wire::Condition>& conditions) {
  using enum wire::ComponentState;
  std::vector<wire::Component> out;
  if (model.can_say("cover-open")) {
    out.push_back({"cover", has(conditions, "cover-open") ? open : closed, true});
  }
  if (model.can_say("cutter-error")) {
    out.push_back({"cutter", has(conditions, "cutter-error") ? inoperable : ok, true});
  }
  if (model.can_say("head-overheated")) {
    // Cools down by itself, so it is not counted as a needed part that is broken.
    out.push_back({"head", has(conditions, "head-overheated") ? inoperable : ok, false});
  }
  return out;
}

wire::Consumable paper_of(const Model& model, const std::vector<wire::Condition>& conditions,
                          std::optional<double> counted_metres, double roll_metres) {
  wire::Consumable paper{.type = "receipt_paper", .unit = "metres"};
  paper.source = wire::LevelSource::flag;
  if (roll_metres > 0) paper.capacity = roll_metres;
  const bool senses_end = model.near_end_metres > 0 && model.can_say("media-low");
  if (senses_end) paper.warning_level = model.near_end_metres;
  if (has(conditions, "media-empty")) {
    paper.state = wire::ConsumableState::out;
    paper.available = 0;
    paper.percent = 0;
    return paper;
  }
  if (has(conditions, "media-low")) {
    paper.state = wire::ConsumableState::low;
  } else if (model.can_say("media-low")) {
    paper.state = wire::ConsumableState::full;
  }
  if (counted_metres) {
    paper.source = wire::LevelSource::counted;
    paper.available = counted_metres;
    if (roll_metres > 0) paper.percent = std::min(100.0, *counted_metres / roll_metres * 100);
  }
  return paper;
}

}  // namespace kw::drivers::escpos
