#include "agent/ctl/watch_screen.hpp"

#include <fmt/format.h>

#include "agent/ctl/events_text.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/spans.hpp"
#include "agent/ctl/watch_messages.hpp"
#include "agent/ctl/words.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t events_kept = 200;
constexpr std::size_t least_events = 3;  // lines for them, heading included

template <class... Args>
std::string phrase(const Text& text, const View& view, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(view.lang)), args...);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

std::string clipped(std::string text, Colour colour, const View& view) {
  text = printable(std::move(text));
  return painted(view.columns > 0 ? shortened(text, view.columns) : text, colour, view);
}

/// Faults first: on a small screen they must be the ones that are seen.
json::array by_urgency(const json::array& devices) {
  json::array out;
  for (const auto health : urgent_first) {
    for (const auto& device : devices) {
      if (device.is_object() && text(at(device.get_object(), "health")) == health) {
        out.push_back(device);
      }
    }
  }
  return out;
}

std::string supplies(const json::object& device, Lang lang) {
  std::string out;
  for (const auto& consumable : worst_first(array_at(device, "consumables"))) {
    out.append(out.empty() ? "" : ", ").append(consumable_text(consumable, lang));
  }
  return out.empty() ? "-" : out;
}

}  // namespace

void WatchScreen::take(const json::object& line) {
  if (const auto& status = at(line, "status"); status.is_object()) {
    status_ = status.get_object();
    lost_.clear();
  }
  if (const auto& devices = at(line, "devices"); devices.is_array()) {
    devices_ = by_urgency(devices.get_array());
  }
  if (const auto& event = at(line, "event"); event.is_object()) {
    events_.push_front(event.get_object());
    if (events_.size() > events_kept) events_.pop_back();
  }
  if (const auto& mark = object_at(line, "acknowledged"); !mark.empty()) {
    const auto& upto = at(mark, "upto");
    for (auto& event : events_) {
      const bool same = at(event, "epoch") == at(mark, "epoch") && at(event, "seq").is_number();
      if (same && at(event, "seq").to_number<std::uint64_t>() <= upto.to_number<std::uint64_t>()) {
        event["acknowledged"] = true;
      }
    }
  }
}

std::vector<std::string> WatchScreen::header(const View& view) const {
  const auto& uplink = object_at(status_, "uplink");
  const auto& outbox = object_at(status_, "outbox");
  const bool heard = !status_.empty();
  const auto terminal =
      heard ? text(at(status_, "terminal"), message::not_enrolled.in(view.lang)) : std::string{"…"};
  const auto now = view.now == WallTime{} ? std::string{} : second_text(view.now);
  std::vector<std::string> out;
  out.push_back(clipped(phrase(message::watch_title, view, terminal, now), Colour::strong, view));
  if (!lost_.empty()) {
    out.push_back(clipped(phrase(message::watch_lost, view, lost_), Colour::bad, view));
    return out;
  }
  if (!heard) {
    out.push_back(clipped(phrase(message::watch_reading, view), Colour::plain, view));
    return out;
  }
  const auto phase = text(at(uplink, "phase"), "");
  const bool up = at(uplink, "connected") == true;
  auto link =
      phrase(message::watch_link, view, text(at(uplink, "server")), phase_word(phase, view.lang));
  const bool enrolled = !at(status_, "terminal").is_null();
  if (const auto why = text(at(uplink, "last_error"), ""); !why.empty() && enrolled)
    link += " (" + why + ")";
  out.push_back(clipped(std::move(link), up ? Colour::good : Colour::bad, view));
  auto waiting = phrase(message::watch_outbox, view, text(at(outbox, "unacknowledged")));
  const bool written = at(outbox, "on_disk") != false;
  if (!written) waiting.append(" ").append(message::not_written.in(view.lang));
  out.push_back(clipped(std::move(waiting), written ? Colour::plain : Colour::bad, view));
  return out;
}

std::vector<std::string> WatchScreen::devices(const View& view, std::size_t rows) const {
  const auto say = [&](const Text& text) { return std::string{text.in(view.lang)}; };
  Table table{{say(message::device_name), say(message::health), say(message::watch_age),
               say(message::consumables), say(message::conditions)}};
  for (const auto& entry : devices_) {
    if (!entry.is_object()) continue;
    const auto& device = entry.get_object();
    const auto health = text(at(device, "health"));
    const auto& age = at(device, "age_ms");
    const auto seen =
        age.is_number()
            ? span_text(std::chrono::milliseconds{age.to_number<std::int64_t>()}, view.lang)
            : std::string{"-"};
    table.row({text(at(device, "name")),
               {health_word(health, view.lang), health_colour(health)},
               seen,
               supplies(device, view.lang),
               {reasons_text(device, view.lang), health_colour(health)}});
  }
  auto fixed = view;
  fixed.wrap = false;
  auto out = lines_of(table.text(fixed));
  if (out.size() > rows && rows > 0) {
    const auto left_out = out.size() - rows + 1;
    out.resize(rows - 1);
    out.push_back(clipped(phrase(message::watch_more, view, left_out), Colour::faint, view));
  }
  return out;
}

std::vector<std::string> WatchScreen::draw(const View& view, std::size_t rows) const {
  auto out = header(view);
  const auto add = [&](std::vector<std::string> lines) {
    for (auto& line : lines) out.push_back(std::move(line));
  };
  if (out.size() + 2 < rows) out.emplace_back();
  const auto rest = rows > out.size() ? rows - out.size() : 0;
  add(devices(view, rest > least_events + 2 ? rest - least_events : rest));
  if (out.size() + 2 < rows) {
    out.emplace_back();
    out.push_back(clipped(std::string{message::watch_events.in(view.lang)}, Colour::strong, view));
  }
  const auto drivers = drivers_of(devices_);
  for (const auto& event : events_) {
    if (out.size() >= rows) break;
    out.push_back(event_line(event, drivers, view));
  }
  if (out.size() > rows) out.resize(rows);
  return out;
}

std::string WatchScreen::plain(const json::object& line, const View& view) const {
  if (const auto& event = at(line, "event"); event.is_object()) {
    return event_line(event.get_object(), drivers_of(devices_), view) + "\n";
  }
  return {};
}

}  // namespace kw::agent::ctl
