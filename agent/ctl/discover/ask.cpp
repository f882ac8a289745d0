#include "agent/ctl/discover/ask.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "agent/ctl/discover/messages.hpp"
#include "agent/ctl/probe.hpp"
#include "common/platform/port.hpp"
#include "common/platform/resolve.hpp"
#include "drivers/catalogue.hpp"

namespace kw::agent::ctl {
namespace {

constexpr std::array<std::uint16_t, 2> asked_ports{631, 161};    // IPP, SNMP
constexpr std::array<std::uint16_t, 2> opened_ports{9100, 502};  // raw printing, Modbus

Found nothing_at(const std::string& host, std::string why, Lang lang) {
  Found out;
  out.what = fmt::format(fmt::runtime(message::found_host.in(lang)), host);
  out.note = std::move(why);
  out.failed = true;
  return out;
}

}  // namespace

bool answers(const Candidate& one, Duration limit, const Clock& clock) {
  if (!one.built_in) return false;
  auto address = drivers::PortAddress::parse(one.port);
  if (!address) return false;
  Probe wanted;
  wanted.card = drivers::find(one.driver);
  std::map<std::string, std::string, std::less<>> given;
  for (const auto& [name, value] : asked_with(one)) given[name] = value;
  std::vector<Error> wrong;
  wanted.settings = drivers::Settings::read(wanted.card->settings, given, wrong);
  wanted.address = std::move(*address);
  wanted.contact = limit;
  wanted.deadline = limit;
  const auto seen = probe(wanted, clock);
  return seen && answered(*seen);
}

void ask_serial(Found& found, Duration limit, Lang lang, const Clock& clock) {
  const auto answered = std::ranges::find_if(
      found.candidates, [&](const Candidate& one) { return answers(one, limit, clock); });
  if (answered == found.candidates.end()) return;
  Candidate one = std::move(*answered);
  one.sure = true;
  one.reason = fmt::format(fmt::runtime(message::why_answered.in(lang)), one.driver);
  found.candidates = {std::move(one)};
}

std::vector<Found> look_at(const std::string& host, Duration limit, Lang lang, const Clock& clock) {
  std::vector<Found> out;
  const auto known = platform::resolve(host, 0, clock, clock.mono() + limit);
  if (!known) {
    const auto& why = known.error().text();
    out.push_back(
        nothing_at(host, fmt::format(fmt::runtime(message::note_no_name.in(lang)), why), lang));
    return out;
  }
  for (const auto port : asked_ports) {
    auto found = guess_network(host, port, lang);
    if (answers(found.candidates.front(), limit, clock)) out.push_back(std::move(found));
  }
  for (const auto port : opened_ports) {
    const auto connected = platform::open_tcp(host, port, clock, clock.mono() + limit);
    if (connected) out.push_back(guess_network(host, port, lang));
  }
  if (out.empty()) {
    out.push_back(nothing_at(host, std::string{message::note_silent.in(lang)}, lang));
  }
  return out;
}

}  // namespace kw::agent::ctl
