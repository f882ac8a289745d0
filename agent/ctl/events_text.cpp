#include "agent/ctl/events_text.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "agent/ctl/events_messages.hpp"
#include "agent/ctl/spans.hpp"
#include "agent/ctl/words.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

template <class... Args>
std::string phrase(const Text& text, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

std::string state_text(const json::object& event, const DriverOf& drivers, Lang lang) {
  auto known = event;
  if (const auto driver = drivers.find(text(at(event, "device"))); driver != drivers.end()) {
    known["driver"] = driver->second;
  }
  auto out = health_word(text(at(event, "health")), lang);
  const auto why = conditions_text(known, lang);
  if (why != "-") out += ": " + why;
  return out;
}

std::string power_text(const json::object& event, Lang lang) {
  const auto kind = text(at(event, "kind"));
  const auto& words = kind == "boot"       ? message::event_boot
                      : kind == "shutdown" ? message::event_shutdown
                                           : message::event_start;
  std::string out{words.in(lang)};
  if (at(event, "unexpected") == true) out += message::event_unexpected.in(lang);
  return out;
}

std::string note_text(const json::object& event, Lang lang) {
  auto out = text(at(event, "code"));
  for (const auto& known : message::note_words) {
    if (known.code == out) {
      out = known.text.in(lang);
      break;
    }
  }
  const auto detail = text(at(event, "detail"), "");
  return detail.empty() ? out : out + ": " + detail;
}

/// What became of a command or of a pushed configuration, and why.
template <std::size_t N, class... Args>
std::string ended_text(const json::object& event, const message::NoteWord (&words)[N], Lang lang,
                       const Args&... args) {
  const auto state = text(at(event, "state"));
  const auto* const known = std::ranges::find(words, state, &message::NoteWord::code);
  auto out = known == std::end(words) ? state : phrase(known->text, lang, args...);
  const auto detail = test_detail(text(at(event, "detail"), ""), lang);
  return detail.empty() ? out : out + ": " + detail;
}

std::string sample_text(const json::object& event, Lang lang) {
  std::string out;
  for (const auto& [name, value] : object_at(event, "measurements")) {
    out.append(out.empty() ? "" : ", ").append(name).append(" ").append(text(value));
  }
  return phrase(message::event_sample, lang, out);
}

std::string refill_text(const json::object& event, Lang lang) {
  const auto what = supply_word(text(at(event, "refill")), lang);
  auto out = at(event, "level").is_null()
                 ? phrase(message::event_refill_unknown, lang, what)
                 : phrase(message::event_refill, lang, what, text(at(event, "level")),
                          unit_word(text(at(event, "unit"), ""), lang));
  if (at(event, "detected") == true) out += message::event_detected.in(lang);
  return out;
}

template <std::size_t N>
std::string word_of(const message::NoteWord (&words)[N], const std::string& code, Lang lang) {
  const auto* const known = std::ranges::find(words, code, &message::NoteWord::code);
  return known == std::end(words) ? code : std::string{known->text.in(lang)};
}

std::string session_text(const json::object& event, Lang lang) {
  if (at(event, "kind") == "begin") return std::string{message::event_session_begin.in(lang)};
  const auto reason = word_of(message::session_words, text(at(event, "reason")), lang);
  const auto& lasted = at(event, "duration_ms");
  if (!lasted.is_number()) return phrase(message::event_session_cut, lang, reason);
  return phrase(message::event_session_end, lang, reason,
                span_text(std::chrono::milliseconds{lasted.to_number<std::int64_t>()}, lang));
}

std::string transaction_text(const json::object& event, Lang lang) {
  auto out = phrase(message::event_transaction, lang, text(at(event, "business")),
                    word_of(message::transaction_words, text(at(event, "result")), lang));
  if (const auto code = text(at(event, "code"), ""); !code.empty()) out += " (" + code + ")";
  const auto city = text(at(event, "handling_city"), "");
  return city.empty() ? out : out + phrase(message::event_city, lang, city);
}

std::string clicks_text(const json::object& event, Lang lang) {
  std::string out;
  for (const auto& each : array_at(event, "clicks")) {
    if (!each.is_object()) continue;
    const auto count = text(at(each.get_object(), "count"));
    out.append(out.empty() ? "" : ", ").append(text(at(each.get_object(), "item")));
    if (count != "1") out += " ×" + count;
  }
  return phrase(message::event_clicks, lang, out);
}

std::string use_text(const json::object& event, Lang lang) {
  return phrase(message::event_use, lang, supply_word(text(at(event, "type")), lang),
                text(at(event, "amount")), unit_word(text(at(event, "unit")), lang));
}

}  // namespace

DriverOf drivers_of(const json::array& devices) {
  DriverOf out;
  for (const auto& device : devices) {
    if (!device.is_object()) continue;
    out[text(at(device.get_object(), "name"))] = text(at(device.get_object(), "driver"));
  }
  return out;
}

std::string event_text(const json::object& event, const DriverOf& drivers, Lang lang) {
  const auto kind = text(at(event, "class"));
  if (kind == "gap") {
    return phrase(message::event_gap, lang, text(at(event, "count")), text(at(event, "reason")),
                  at(event, "count") == 1 ? "" : "s");
  }
  if (event.contains("health")) return state_text(event, drivers, lang);
  if (kind == "power") return power_text(event, lang);
  if (kind == "sample") return sample_text(event, lang);
  if (event.contains("refill")) return refill_text(event, lang);
  if (kind == "session") return session_text(event, lang);
  if (kind == "business") return transaction_text(event, lang);
  if (kind == "click") return clicks_text(event, lang);
  if (kind == "consumable") return use_text(event, lang);
  if (event.contains("command")) {
    return ended_text(event, message::command_words, lang, text(at(event, "command")));
  }
  if (event.contains("hash")) {
    return ended_text(event, message::configuration_words, lang);
  }
  return note_text(event, lang);
}

std::vector<Cell> event_cells(const json::object& event, const DriverOf& drivers,
                              const View& view) {
  const auto when = from_rfc3339(text(at(event, "at"), ""));
  const auto device = text(at(event, "device"), "");
  const bool delivered = at(event, "acknowledged") == true;
  const auto& state = delivered ? message::event_acknowledged : message::event_waiting;
  const auto colour =
      event.contains("health") ? health_colour(text(at(event, "health"))) : Colour::plain;
  return {when ? second_text(*when) : "-",
          device.empty() ? std::string{message::event_of_kiosk.in(view.lang)} : device,
          {std::string{state.in(view.lang)}, delivered ? Colour::faint : Colour::warning},
          {event_text(event, drivers, view.lang), colour}};
}

std::string event_line(const json::object& event, const DriverOf& drivers, const View& view) {
  constexpr std::size_t widths[] = {14, 16, 8};
  constexpr std::size_t before_what = 14 + 16 + 8 + 3 * 2;
  constexpr std::size_t least_what = 16;
  const auto cells = event_cells(event, drivers, view);
  const auto what = printable(cells.back().text);
  const auto& colour = cells.back().colour;
  if (view.columns > 0 && view.columns < before_what + least_what) {
    const auto line = cells[0].text + " " + printable(cells[1].text) + " " + what;
    return painted(shortened(line, view.columns), colour, view);
  }
  std::string out;
  for (std::size_t i = 0; i < std::size(widths); ++i) {
    const auto cell = shortened(printable(cells[i].text), widths[i]);
    out += painted(cell, cells[i].colour, view);
    out.append(widths[i] - width(cell) + 2, ' ');
  }
  const auto room = view.columns > 0 ? view.columns - before_what : width(what);
  return out + painted(shortened(what, room), colour, view);
}

std::string events_text(const json::array& events, const DriverOf& drivers, const View& view) {
  const auto say = [&](const Text& text) { return std::string{text.in(view.lang)}; };
  if (events.empty()) return say(message::event_none) + "\n";
  Table table{{say(message::event_time), say(message::event_device), say(message::event_state),
               say(message::event_what)}};
  for (const auto& event : events) {
    if (event.is_object()) table.row(event_cells(event.get_object(), drivers, view));
  }
  return table.text(view);
}

}  // namespace kw::agent::ctl
