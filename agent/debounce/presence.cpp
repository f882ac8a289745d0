#include "agent/debounce/presence.hpp"

#include <string_view>

#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

wire::Status status(wire::DeviceState state, std::string_view code, const Error& why) {
  wire::Status out;
  out.device = state;
  out.media = wire::Media::unknown;
  out.conditions.push_back(wire::condition(*wire::find_condition(code), {}, why.text()));
  return out;
}

}  // namespace

wire::Status absent(Step step, const Error& why) {
  if (why.code() == Errc::busy) {
    wire::Status out;
    out.device = wire::DeviceState::unknown;
    out.media = wire::Media::unknown;
    out.evidence = wire::Evidence::shared_busy;
    return out;
  }
  if (step == Step::port && why.code() == Errc::missing) {
    return status(wire::DeviceState::no_device, "not-present", why);
  }
  if (step == Step::probe && why.code() == Errc::refused) {
    return status(wire::DeviceState::no_device, "wrong-device", why);
  }
  return status(wire::DeviceState::offline, "no-reply", why);
}

void Presence::answered() {
  misses_ = 0;
  reported_.reset();
}

std::optional<wire::Status> Presence::missed(Step step, const Error& why) {
  if (misses_ < misses_reported) ++misses_;
  if (misses_ < misses_reported) return std::nullopt;
  if (!reported_ || step != step_ || why.code() != code_) {
    reported_ = absent(step, why);
    step_ = step;
    code_ = why.code();
  }
  return reported_;
}

}  // namespace kw::agent
