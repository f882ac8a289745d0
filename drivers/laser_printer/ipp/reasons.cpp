#include "drivers/laser_printer/ipp/reasons.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kw::drivers::ipp {
namespace {

using wire::Severity;

constexpr std::array own_rows{
    laser::printer_stopped,
    answers_nothing,
    wire::ConditionRow{"not-accepting-jobs",
                       Severity::fault,
                       wire::Action::reset,
                       {"打印机不接收任务", "printer accepts no jobs"}},
    wire::ConditionRow{"connecting-to-device",
                       Severity::warning,
                       wire::Action::none,
                       {"打印服务正在连接打印机", "print server is connecting to the printer"}},
    wire::ConditionRow{"stopped-partly",
                       Severity::warning,
                       wire::Action::maintenance,
                       {"部分打印机停止工作", "some of its printers have stopped"}},
    laser::printer_other};

/// Keywords that are said by another code here.
struct Alias {
  std::string_view keyword;
  std::string_view code;
};
constexpr std::array aliases{
    Alias{"moving-to-paused", "paused"},   Alias{"hold-new-jobs", "paused"},
    Alias{"shutdown", "printer-offline"},  Alias{"power-down", "printer-offline"},
    Alias{"timed-out", "printer-offline"}, Alias{"offline", "printer-offline"}};

/// Nothing is wrong: no reason, one that passes by itself, or a printer that sleeps and wakes for
/// the next job (PWG 5106.4).
constexpr auto harmless = std::to_array<std::string_view>(
    {"none", "stopping", "hibernate", "standby", "suspend", "resuming", "power-up"});

enum class Suffix : std::uint8_t { none, report, warning, error };

struct Reason {
  std::string keyword;
  Suffix suffix = Suffix::none;
};

Reason reason_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Suffix>, 3> suffixes{
      {{"-report", Suffix::report}, {"-warning", Suffix::warning}, {"-error", Suffix::error}}};
  for (const auto& [ending, suffix] : suffixes) {
    if (!text.ends_with(ending)) continue;
    text.remove_suffix(ending.size());
    return {std::string{text}, suffix};
  }
  return {std::string{text}, Suffix::none};
}

/// Only what a printer can be said to be: a printer that reports "disk-full" speaks of another
/// disk. Empty for what is not known.
std::string_view code_of_keyword(std::string_view keyword) {
  static constexpr auto known = std::to_array<std::string_view>({"media-needed",
                                                                 "media-low",
                                                                 "media-empty",
                                                                 "media-jam",
                                                                 "cover-open",
                                                                 "door-open",
                                                                 "interlock-open",
                                                                 "toner-low",
                                                                 "toner-empty",
                                                                 "paused",
                                                                 "input-tray-missing",
                                                                 "output-tray-missing",
                                                                 "output-area-almost-full",
                                                                 "output-area-full",
                                                                 "marker-supply-low",
                                                                 "marker-supply-empty",
                                                                 "marker-supply-missing",
                                                                 "marker-waste-almost-full",
                                                                 "marker-waste-full",
                                                                 "opc-near-eol",
                                                                 "opc-life-over",
                                                                 "developer-low",
                                                                 "developer-empty",
                                                                 "fuser-over-temp",
                                                                 "fuser-under-temp",
                                                                 "spool-area-full",
                                                                 "interpreter-resource-unavailable",
                                                                 "connecting-to-device",
                                                                 "stopped-partly",
                                                                 "printer-offline"});
  const auto alias = std::ranges::find(aliases, keyword, &Alias::keyword);
  if (alias != aliases.end()) keyword = alias->code;
  return std::ranges::find(known, keyword) == known.end() ? std::string_view{} : keyword;
}

/// The alerts' codes: words of a fixed list. Their times, indices and sentences change by
/// themselves and are left out.
std::string alert_codes(const Message& printer) {
  std::vector<std::string> codes;
  for (const auto& alert : printer.texts("printer-alert")) {
    codes.push_back(ipp::field(alert, "code").value_or(""));
  }
  return laser::joined(codes);
}

}  // namespace

std::span<const wire::ConditionRow> own_conditions() { return own_rows; }

Reported::Reported(const Message& printer) : Findings(own_rows) {
  // Always in the same order: another order is no other state.
  auto reasons = printer.texts("printer-state-reasons");
  std::ranges::sort(reasons);
  for (const auto& text : reasons) add(text, printer);
  drop_lesser();
  const bool stopped = printer.integer("printer-state") == state_stopped;
  if (stopped && !any_fault()) raise("printer-stopped", "", alert_codes(printer));
  const bool refuses = printer.boolean("printer-is-accepting-jobs") == false;
  if (refuses && !any_fault()) raise("not-accepting-jobs", "");
}

bool Reported::says(std::string_view keyword) const {
  return std::ranges::find(keywords_, keyword) != keywords_.end();
}

void Reported::add(std::string_view text, const Message& printer) {
  const auto reason = reason_of(text);
  const bool too_many = keywords_.size() >= laser::most_items;
  if (too_many || std::ranges::find(harmless, reason.keyword) != harmless.end()) return;
  keywords_.push_back(reason.keyword);
  const auto code = code_of_keyword(reason.keyword);
  if (code.empty() && reason.suffix == Suffix::report) return;  // for information
  auto& condition = !code.empty() ? raise(code, reason.keyword)
                                  : raise("printer-other", reason.keyword, alert_codes(printer));
  if (reason.suffix == Suffix::error) condition.severity = Severity::fault;
}

}  // namespace kw::drivers::ipp
