#include "tests/fuzz/drivers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "agent/outbox/fit.hpp"
#include "common/wire/codec.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/ports/http.hpp"
#include "drivers/ports/modbus.hpp"
#include "drivers/ports/snmp.hpp"
#include "drivers/profiles.hpp"

namespace kw::fuzz {
namespace {

using drivers::Card;

constexpr Duration call_limit = std::chrono::seconds{10};
/// A driver looks at the time between two reads, not within one.
constexpr Duration grace = std::chrono::milliseconds{500};
constexpr Duration poll_every = std::chrono::seconds{5};
constexpr int most_rounds = 6;
constexpr int most_polls = 4;

/// Ports on which nothing is written and read; a driver that has these only is no target.
constexpr std::array<std::string_view, 4> not_bytes{"-", "hid", "pcsc", "usb-list"};

std::vector<std::string_view> wires_of(const Card& card) {
  std::vector<std::string_view> out;
  for (const auto scheme : card.schemes) {
    if (std::ranges::find(not_bytes, scheme) == not_bytes.end()) out.push_back(scheme);
  }
  return out;
}

/// The wire as `scheme` makes a port of it (drivers/ports/open.cpp).
std::unique_ptr<drivers::Port> port_for(std::string_view scheme, Wire& wire) {
  using drivers::HttpPort;
  using drivers::ModbusPort;
  constexpr Duration silence = std::chrono::milliseconds{20};
  if (scheme == "ipp" || scheme == "http") {
    const auto connect = [&wire](MonoTime) -> Result<std::unique_ptr<drivers::Port>> {
      return wire.connect();
    };
    return std::make_unique<HttpPort>(
        wire.connect(), connect,
        HttpPort::Target{"ipp://printer:631/ipp/print", "printer:631", "/ipp/print"});
  }
  if (scheme == "snmp") {
    return std::make_unique<drivers::SnmpPort>(wire.connect(),
                                               drivers::SnmpPort::Speaker{1, "public"});
  }
  if (scheme.starts_with("modbus+")) {
    const auto framing =
        scheme == "modbus+tcp" ? ModbusPort::Framing::tcp : ModbusPort::Framing::rtu;
    return std::make_unique<ModbusPort>(wire.connect(), framing, silence);
  }
  return wire.connect();
}

void check_text(std::string_view what, const std::string& text) {
  // What is longer is cut by the agent; what is without bound eats its memory first.
  constexpr std::size_t longest = 4096;
  if (text.size() > longest) broken(fmt::format("{} of {} bytes", what, text.size()));
}

/// Whatever a device said: the status can be sent, and holds no figure that is none.
void check_status(const wire::Status& status) {
  for (const auto& m : status.measurements) {
    if (!std::isfinite(m.value)) broken("a measurement that is no number: " + m.name);
    check_text("a measurement's name", m.name);
  }
  for (const auto& c : status.consumables) {
    for (const auto& figure : {c.available, c.capacity, c.percent, c.warning_level}) {
      if (figure && !std::isfinite(*figure)) broken("a level that is no number: " + c.type);
    }
    if (c.percent && (*c.percent < 0 || *c.percent > 100)) {
      broken(fmt::format("{} at {} percent", c.type, *c.percent));
    }
    check_text("a consumable's type", c.type);
  }
  for (const auto& c : status.conditions) {
    if (c.code.empty()) broken("a condition without a code");
    check_text("a vendor code", c.vendor_code);
    check_text("a detail", c.detail);
  }
  for (const auto& text : {status.identity.vendor, status.identity.model, status.identity.serial,
                           status.identity.firmware}) {
    check_text("an identity", text);
  }
  pb::Envelope envelope;
  auto& event = *envelope.mutable_batch()->add_item()->mutable_event();
  *event.mutable_state() = wire::to_wire("device", status);
  agent::fit(*event.mutable_state());
  const auto frame = wire::encode(envelope);
  const auto back = wire::decode(frame);
  if (!back) broken("a status that the other end refuses: " + back.error().text());
  // What the device's texts were cut and cleaned for must not have changed what is wrong.
  if (back->batch().item(0).event().state().condition_size() !=
      std::min(static_cast<int>(status.conditions.size()), wire::conditions_per_status)) {
    broken("conditions were lost");
  }
}

void check_time(std::string_view call, MonoTime deadline, const Wire& wire) {
  if (wire.now() <= deadline + grace) return;
  const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(wire.now() - deadline);
  broken(fmt::format("{} ended {} ms past its deadline", call, late.count()));
}

/// One call with its deadline.
template <class Call>
auto timed(std::string_view name, Wire& wire, Call call) {
  const auto deadline = wire.now() + call_limit;
  wire.forget_reads();
  auto out = call(deadline);
  check_time(name, deadline, wire);
  return out;
}

/// Whether a poll got a status.
bool poll_and_test(const Card& card, drivers::Driver& driver, Wire& wire) {
  for (int i = 0; i < most_polls; ++i) {
    const auto status = timed("poll", wire, [&](MonoTime by) { return driver.poll(by); });
    if (!status) return i > 0;
    check_status(*status);
    wire.pass(poll_every);
  }
  for (const auto what : card.self_tests) {
    const auto test =
        timed("self_test", wire, [&](MonoTime by) { return driver.self_test(what, by); });
    if (test) check_text("a self-test's detail", test->detail);
  }
  return true;
}

}  // namespace

Choice choice_of(const Card& card, std::uint8_t first, std::uint8_t switches) {
  Choice out;
  const auto wires = wires_of(card);
  out.scheme = wires[(first >> profile_bits) % wires.size()];
  const std::size_t profile = first & ((1U << profile_bits) - 1);
  const auto profiles = drivers::profiles_of(card.name);
  for (const auto& row : card.settings) {
    if (row.type == drivers::SettingType::boolean) {
      if ((switches & 1) != 0)
        out.given.emplace(row.name, row.fallback == "true" ? "false" : "true");
      switches = static_cast<std::uint8_t>(switches >> 1);
    }
    // The setting whose default is a profile's name chooses among them.
    const bool chooses =
        std::ranges::find(profiles, row.fallback, &drivers::Profile::model) != profiles.end();
    if (chooses && row.type == drivers::SettingType::text) {
      out.given.emplace(row.name, profiles[profile % profiles.size()].model);
    }
  }
  return out;
}

bool live(const Card& card, const Choice& choice, Wire& wire, const std::function<bool()>& more) {
  std::vector<Error> problems;
  const auto settings = drivers::Settings::read(card.settings, choice.given, problems);
  if (!problems.empty()) broken(problems.front().text());
  auto driver = card.make(settings);
  if (!driver) return false;  // these settings do not fit together, and it said so
  bool polled = false;
  for (int round = 0; round < most_rounds && (round == 0 || more()); ++round) {
    const auto port = port_for(choice.scheme, wire);
    const auto opened =
        timed("open", wire, [&](MonoTime by) { return (*driver)->open(*port, by); });
    if (opened && poll_and_test(card, **driver, wire)) polled = true;
    (*driver)->close();
    wire.pass(poll_every);
  }
  return polled;
}

std::uint8_t first_byte(const Card& card, std::size_t profile, std::string_view scheme) {
  const auto wires = wires_of(card);
  const auto at = std::ranges::find(wires, scheme);
  const auto index = at == wires.end() ? 0 : at - wires.begin();
  return static_cast<std::uint8_t>(static_cast<std::size_t>(index << profile_bits) | profile);
}

std::vector<Target> driver_targets() {
  std::vector<Target> out;
  for (const auto& card : drivers::catalogue()) {
    if (wires_of(card).empty()) continue;
    out.push_back({"driver-" + std::string{card.name}, [&card](Input input) {
                     const auto byte = [&](std::size_t at) -> std::uint8_t {
                       return at < input.size() ? input[at] : std::uint8_t{0};
                     };
                     const auto choice = choice_of(card, byte(0), byte(1));
                     auto script = pieces_of(input.subspan(std::min<std::size_t>(input.size(), 2)));
                     Wire wire{[&script](Input) {
                       if (script.empty()) return Piece{Piece::silence, {}};
                       auto next = std::move(script.front());
                       script.pop_front();
                       return next;
                     }};
                     live(card, choice, wire, [&script] { return !script.empty(); });
                   }});
  }
  return out;
}

}  // namespace kw::fuzz
