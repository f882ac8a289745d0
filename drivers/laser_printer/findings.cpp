#include "drivers/laser_printer/findings.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kw::drivers::laser {

std::string joined(const std::vector<std::string>& words) {
  constexpr std::size_t enough = 512;  // what is behind it helps nobody
  std::string out;
  for (const auto& word : words) {
    if (out.size() >= enough) break;
    if (word.empty() || out.find(word) != std::string::npos) continue;
    out.append(out.empty() ? "" : ", ").append(word);
  }
  return out;
}

const wire::ConditionRow* Findings::row_of(std::string_view code) const {
  const auto own = std::ranges::find(own_, code, &wire::ConditionRow::code);
  return own != own_.end() ? &*own : wire::find_condition(code);
}

bool Findings::has(std::string_view code) const {
  return std::ranges::find(list_, code, &wire::Condition::code) != list_.end();
}

wire::Condition& Findings::raise(std::string_view code, std::string_view vendor_code,
                                 std::string detail) {
  const auto same = std::ranges::find(list_, code, &wire::Condition::code);
  if (same == list_.end()) {
    return list_.emplace_back(
        wire::condition(*row_of(code), std::string{vendor_code}, std::move(detail)));
  }
  if (same->vendor_code.find(vendor_code) == std::string::npos) {
    same->vendor_code.append(" ").append(vendor_code);
  }
  return *same;
}

void Findings::detail(std::string_view code, const std::vector<std::string>& names) {
  const auto it = std::ranges::find(list_, code, &wire::Condition::code);
  if (it != list_.end()) it->detail = joined(names);
}

void Findings::drop(std::string_view code) {
  std::erase_if(list_, [&](const wire::Condition& c) { return c.code == code; });
}

void Findings::drop_lesser() {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> pairs{
      {{"media-empty", "media-low"},
       {"toner-empty", "toner-low"},
       {"marker-supply-empty", "marker-supply-low"},
       {"marker-waste-full", "marker-waste-almost-full"},
       {"output-area-full", "output-area-almost-full"},
       {"opc-life-over", "opc-near-eol"}}};
  for (const auto& [greater, lesser] : pairs) {
    if (has(greater)) drop(lesser);
  }
}

bool Findings::any_fault() const {
  return std::ranges::any_of(
      list_, [](const wire::Condition& c) { return c.severity == wire::Severity::fault; });
}

}  // namespace kw::drivers::laser
