#include "common/wire/codec.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/stubs/logging.h>

namespace kw::wire {
namespace {

Error broken(std::string what) { return Error{Errc::garbled, "frame: " + std::move(what)}; }

/// Sums of a few such times never overflow. 2^56 us is the year 4253.
bool plausible(std::int64_t us) {
  constexpr std::int64_t limit = std::int64_t{1} << 56;
  return us > -limit && us < limit;
}

bool plausible(const pb::Since& since) {
  return plausible(since.mono_us()) && plausible(since.wall_us());
}

std::optional<Error> check(const pb::Status& s) {
  if (!valid_device_id(s.device())) return broken("device id is not 1 to 64 of A-Z a-z 0-9 . _ -");
  if (!plausible(s.since())) return broken("impossible time");
  if (s.component_size() > parts_per_status || s.consumable_size() > parts_per_status ||
      s.condition_size() > conditions_per_status) {
    return broken("too many parts or conditions in one status");
  }
  if (s.state() > static_cast<std::uint32_t>(DeviceState::potential_fraud) ||
      s.media() > static_cast<std::uint32_t>(Media::retracted) ||
      s.evidence() > static_cast<std::uint32_t>(Evidence::shared_busy)) {
    return broken("unknown value in a status");
  }
  for (const auto& c : s.component()) {
    if (c.state() > static_cast<std::uint32_t>(ComponentState::fading) ||
        c.name().size() > text_limit) {
      return broken("unknown value in a component");
    }
  }
  for (const auto& c : s.consumable()) {
    if (c.state() > static_cast<std::uint32_t>(ConsumableState::inoperative) ||
        c.direction() > static_cast<std::uint32_t>(Direction::bin) ||
        c.source() > static_cast<std::uint32_t>(LevelSource::technician) ||
        c.type().size() > text_limit || c.unit().size() > text_limit) {
      return broken("unknown value in a consumable");
    }
    if (!plausible(c.refilled_wall_us())) return broken("impossible time");
  }
  for (const auto& c : s.condition()) {
    if (c.severity() > static_cast<std::uint32_t>(Severity::fault) ||
        c.action() > static_cast<std::uint32_t>(Action::suspend)) {
      return broken("unknown value in a condition");
    }
    if (c.code().empty() || c.code().size() > device_id_limit ||
        c.vendor_code().size() > text_limit || c.detail().size() > text_limit) {
      return broken("a condition's text is empty or too long");
    }
    if (!plausible(c.since())) return broken("impossible time");
  }
  return std::nullopt;
}

/// What all that applications tell has in common.
template <class Told>
std::optional<Error> check_told(const Told& told) {
  if (!valid_device_id(told.id())) return broken("an id is not 1 to 64 of A-Z a-z 0-9 . _ -");
  return std::nullopt;
}

bool valid_city(std::string_view city) { return city.empty() || valid_division(city); }
bool valid_session(std::string_view id) { return id.empty() || valid_device_id(id); }

std::optional<Error> check(const pb::ServiceSession& s) {
  if (s.application().size() > code_limit || s.reason().size() > code_limit) {
    return broken("a session's text is too long");
  }
  return check_told(s);
}

std::optional<Error> check(const pb::Transaction& t) {
  if (t.business().empty() || t.business().size() > code_limit || t.code().size() > code_limit) {
    return broken("a transaction's code is empty or too long");
  }
  if (!valid_city(t.handling_city()) || !valid_session(t.session())) {
    return broken("a transaction's city or session is none");
  }
  return check_told(t);
}

std::optional<Error> check(const pb::Clicks& c) {
  if (c.click().empty() || c.click_size() > clicks_per_event || !valid_session(c.session())) {
    return broken("no clicks, too many, or of no session");
  }
  for (const auto& click : c.click()) {
    if (click.item().empty() || click.item().size() > item_limit || click.count() == 0 ||
        !valid_city(click.handling_city())) {
      return broken("a click says nothing that can be counted");
    }
  }
  return check_told(c);
}

std::optional<Error> check(const pb::ConsumableUse& u) {
  if (!valid_device_id(u.device()) || !valid_session(u.session())) {
    return broken("bad device id or session in a use");
  }
  if (u.type().size() > code_limit || u.unit().empty() || u.unit().size() > code_limit) {
    return broken("a use's type is too long, or its unit, or that is empty");
  }
  if (!(u.amount() > 0) || !std::isfinite(u.amount())) return broken("a use of nothing");
  return check_told(u);
}

std::optional<Error> check(const pb::Event& e) {
  if (!plausible(e.mono_us()) || !plausible(e.wall_shift_us())) return broken("impossible time");
  switch (e.body_case()) {
    case pb::Event::kState:
      return check(e.state());
    case pb::Event::kSample:
      if (!valid_device_id(e.sample().device())) return broken("bad device id in a sample");
      if (e.sample().measurement_size() > measurements_per_sample) {
        return broken("too many measurements in one sample");
      }
      for (const auto& m : e.sample().measurement()) {
        if (m.name().empty() || m.name().size() > text_limit) {
          return broken("a measurement's name is empty or too long");
        }
      }
      return std::nullopt;
    case pb::Event::kAgent:
      if (!e.agent().device().empty() && !valid_device_id(e.agent().device())) {
        return broken("bad device id in a note");
      }
      if (e.agent().code().size() > text_limit || e.agent().detail().size() > text_limit) {
        return broken("a note's text is too long");
      }
      return std::nullopt;
    case pb::Event::kCommandResult:
      if (e.command_result().id().size() > device_id_limit ||
          e.command_result().detail().size() > text_limit ||
          e.command_result().body().size() > result_limit) {
        return broken("a command's result is too long");
      }
      return std::nullopt;
    case pb::Event::kConfiguration:
      if (e.configuration().hash().size() > hash_limit ||
          e.configuration().detail().size() > text_limit) {
        return broken("a configuration report is too long");
      }
      return std::nullopt;
    case pb::Event::kRefill:
      if (!valid_device_id(e.refill().device())) return broken("bad device id in a refill");
      if (e.refill().type().size() > text_limit || e.refill().unit().size() > text_limit) {
        return broken("a refill's text is too long");
      }
      return std::nullopt;
    case pb::Event::kSession:
      return check(e.session());
    case pb::Event::kTransaction:
      return check(e.transaction());
    case pb::Event::kClicks:
      return check(e.clicks());
    case pb::Event::kConsumableUse:
      return check(e.consumable_use());
    case pb::Event::kPower:
      return std::nullopt;
    case pb::Event::BODY_NOT_SET:
      return std::nullopt;  // a newer agent's class: kept as received, not understood
  }
  return std::nullopt;
}

std::optional<Error> check(const pb::Batch& b) {
  if (b.item_size() > items_per_batch) return broken("too many items in one batch");
  if (!plausible(b.base_mono_us()) || !plausible(b.base_wall_us()))
    return broken("impossible time");
  for (const auto& item : b.item()) {
    if (item.has_event()) {
      if (auto e = check(item.event())) return e;
    }
  }
  return std::nullopt;
}

std::optional<Error> check(const pb::Envelope& e) {
  switch (e.body_case()) {
    case pb::Envelope::kHello:
      if (e.hello().epoch_size() > epochs_per_hello) return broken("too many epochs in one hello");
      if (e.hello().epoch_size() == 0) return broken("hello without an epoch");
      if (e.hello().boot_id().size() > 64) return broken("boot id too long");
      if (e.hello().configuration_hash().size() > hash_limit) return broken("hash too long");
      if (!plausible(e.hello().mono_us()) || !plausible(e.hello().wall_us())) {
        return broken("impossible time");
      }
      for (const auto& held : e.hello().epoch()) {
        if (held.epoch() == 0 || !plausible(held.clock_offset_us())) return broken("bad epoch");
      }
      return std::nullopt;
    case pb::Envelope::kSnapshot:
      if (e.snapshot().status_size() > devices_per_terminal ||
          e.snapshot().configured_size() > devices_per_terminal) {
        return broken("too many devices in one snapshot");
      }
      for (const auto& d : e.snapshot().configured()) {
        if (!valid_device_id(d.device())) return broken("bad device id in a snapshot");
      }
      for (const auto& s : e.snapshot().status()) {
        if (auto error = check(s)) return error;
      }
      return std::nullopt;
    case pb::Envelope::kInventory:
      if (e.inventory().device_size() > devices_per_terminal) {
        return broken("too many devices in one inventory");
      }
      for (const auto& d : e.inventory().device()) {
        if (!valid_device_id(d.device())) return broken("bad device id in an inventory");
      }
      return std::nullopt;
    case pb::Envelope::kBatch:
      return check(e.batch());
    case pb::Envelope::kCommand:
      if (e.command().id().empty() || e.command().id().size() > device_id_limit ||
          e.command().verb().size() > device_id_limit || e.command().args().size() > text_limit ||
          !plausible(e.command().expires_wall_us())) {
        return broken("bad command");
      }
      return std::nullopt;
    case pb::Envelope::kConfiguration:
      if (e.configuration().hash().size() != hash_limit ||
          e.configuration().body().size() > configuration_limit) {
        return broken("bad configuration");
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Error> parse(std::string_view frame, pb::Envelope& envelope) {
  if (frame.size() > frame_limit) {
    return broken(fmt::format("{} bytes, at most {} are allowed", frame.size(), frame_limit));
  }
  // The library prints a line of its own about text that is not UTF-8: who sends garbage would fill
  // the log. What is wrong is returned instead.
  static const auto silenced = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(silenced);
  if (!envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    return broken("not a kioskwatch.v1 message");
  }
  return check(envelope);
}

}  // namespace

std::string encode(const pb::Envelope& envelope) { return envelope.SerializeAsString(); }

Result<pb::Envelope> decode(std::string_view frame) {
  pb::Envelope envelope;
  if (auto error = parse(frame, envelope)) return std::move(*error);
  return envelope;
}

Result<std::shared_ptr<const pb::Envelope>> decode_shared(std::string_view frame) {
  google::protobuf::ArenaOptions options;
  // Parsed messages take some four times their bytes: mostly one block, never a large one to start.
  options.start_block_size = std::clamp<std::size_t>(frame.size() * 4, 512, 32 * 1024);
  auto arena = std::make_shared<google::protobuf::Arena>(options);
  auto* envelope = google::protobuf::Arena::CreateMessage<pb::Envelope>(arena.get());
  if (auto error = parse(frame, *envelope)) return std::move(*error);
  return std::shared_ptr<const pb::Envelope>{std::move(arena), envelope};
}

Result<void> check_range(const pb::Batch& batch) {
  if (batch.first() == 0 || batch.last() < batch.first() || batch.item().empty()) {
    return Error{Errc::garbled, "batch: empty or upside-down range"};
  }
  std::uint64_t next = batch.first();
  for (const auto& item : batch.item()) {
    const std::uint64_t takes = item.has_gap() ? item.gap().count() : 1;
    if (takes == 0 || takes > batch.last() - next + 1) {
      return Error{Errc::garbled, "batch: items do not cover its range"};
    }
    next += takes;
    if (next > batch.last() && &item != &*batch.item().rbegin()) {
      return Error{Errc::garbled, "batch: more items than its range"};
    }
  }
  if (next != batch.last() + 1) return Error{Errc::garbled, "batch: items do not cover its range"};
  return {};
}

bool valid_device_id(std::string_view id) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !id.empty() && id.size() <= device_id_limit && std::ranges::all_of(id, good);
}

bool valid_division(std::string_view code) {
  return code.size() == 6 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
}

bool valid_terminal_code(std::string_view code) {
  const auto bad = [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= 0x20 || u == 0x7f || c == '/' || c == '"' || c == '\\';
  };
  return !code.empty() && code.size() <= device_id_limit && std::ranges::none_of(code, bad);
}

pb::Status to_wire(std::string_view device, const Status& status) {
  pb::Status out;
  out.set_device(std::string{device});
  out.set_state(static_cast<std::uint32_t>(status.device));
  out.set_media(static_cast<std::uint32_t>(status.media));
  out.set_evidence(static_cast<std::uint32_t>(status.evidence));
  out.set_disabled(!status.enabled);
  for (const auto& c : status.components) {
    auto& to = *out.add_component();
    to.set_name(c.name);
    to.set_state(static_cast<std::uint32_t>(c.state));
    to.set_incidental(!c.essential);
  }
  for (const auto& c : status.consumables) {
    auto& to = *out.add_consumable();
    to.set_type(c.type);
    to.set_direction(static_cast<std::uint32_t>(c.direction));
    to.set_state(static_cast<std::uint32_t>(c.state));
    to.set_source(static_cast<std::uint32_t>(c.source));
    to.set_unit(c.unit);
    if (c.available) to.set_available(*c.available);
    if (c.capacity) to.set_capacity(*c.capacity);
    if (c.percent) to.set_percent(*c.percent);
    if (c.warning_level) to.set_warning_level(*c.warning_level);
    to.set_disabled(!c.enabled);
    if (c.use_per_day_7d) to.set_use_per_day_7d(*c.use_per_day_7d);
    if (c.use_per_day_30d) to.set_use_per_day_30d(*c.use_per_day_30d);
    if (c.days_left) to.set_days_left(*c.days_left);
    if (c.refilled) to.set_refilled_wall_us(micros(*c.refilled));
  }
  for (const auto& c : status.conditions) {
    auto& to = *out.add_condition();
    to.set_code(c.code);
    to.set_severity(static_cast<std::uint32_t>(c.severity));
    to.set_action(static_cast<std::uint32_t>(c.action));
    to.set_vendor_code(c.vendor_code);
    to.set_detail(c.detail);
  }
  return out;
}

Status from_wire(const pb::Status& status) {
  Status out;
  out.device = static_cast<DeviceState>(status.state());
  out.media = static_cast<Media>(status.media());
  out.evidence = static_cast<Evidence>(status.evidence());
  out.enabled = !status.disabled();
  for (const auto& c : status.component()) {
    out.components.push_back({c.name(), static_cast<ComponentState>(c.state()), !c.incidental()});
  }
  for (const auto& c : status.consumable()) {
    Consumable to;
    to.type = c.type();
    to.direction = static_cast<Direction>(c.direction());
    to.state = static_cast<ConsumableState>(c.state());
    to.source = static_cast<LevelSource>(c.source());
    to.unit = c.unit();
    if (c.has_available()) to.available = c.available();
    if (c.has_capacity()) to.capacity = c.capacity();
    if (c.has_percent()) to.percent = c.percent();
    if (c.has_warning_level()) to.warning_level = c.warning_level();
    to.enabled = !c.disabled();
    if (c.has_use_per_day_7d()) to.use_per_day_7d = c.use_per_day_7d();
    if (c.has_use_per_day_30d()) to.use_per_day_30d = c.use_per_day_30d();
    if (c.has_days_left()) to.days_left = c.days_left();
    if (c.has_refilled_wall_us()) to.refilled = wall_from(c.refilled_wall_us());
    out.consumables.push_back(std::move(to));
  }
  for (const auto& c : status.condition()) {
    out.conditions.push_back({c.code(), static_cast<Severity>(c.severity()),
                              static_cast<Action>(c.action()), c.vendor_code(), c.detail()});
  }
  return out;
}

Health health_of(const pb::Status& status) { return health_of(from_wire(status)); }

}  // namespace kw::wire
