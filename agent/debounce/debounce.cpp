#include "agent/debounce/debounce.hpp"

#include <utility>

namespace kw::agent {

std::optional<wire::Status> Debounce::observe(wire::Status seen, MonoTime now) {
  if (reported_ && wire::same_state(*reported_, seen)) {
    waiting_.reset();
    return std::nullopt;
  }
  if (!waiting_ || !wire::same_state(*waiting_, seen)) since_ = now;
  waiting_ = std::move(seen);
  if (now - since_ < settle_) return std::nullopt;
  reported_ = std::move(waiting_);
  waiting_.reset();
  return reported_;
}

std::optional<MonoTime> Debounce::decides_at() const {
  if (!waiting_) return std::nullopt;
  return since_ + settle_;
}

void Debounce::forget() {
  reported_.reset();
  waiting_.reset();
}

}  // namespace kw::agent
