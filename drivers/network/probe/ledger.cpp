#include "drivers/network/probe/ledger.hpp"

#include <algorithm>

namespace kw::drivers::network {
namespace {

std::int64_t minute_of(MonoTime at) {
  return std::chrono::floor<std::chrono::minutes>(at.time_since_epoch()).count();
}

}  // namespace

std::optional<double> Ledger::Sums::mean_ms() const {
  if (sent <= lost) return std::nullopt;
  return static_cast<double>(rtt_us) / 1'000.0 / (sent - lost);
}

void Ledger::add(Sums& to, std::optional<Duration> rtt) {
  ++to.sent;
  if (!rtt) {
    ++to.lost;
    return;
  }
  to.rtt_us += rtt->count();
  to.most_us = std::max<std::int64_t>(to.most_us, rtt->count());
}

void Ledger::note(MonoTime at, std::optional<Duration> rtt) {
  last_.push_back(rtt);
  if (last_.size() > shortly) last_.pop_front();

  const auto minute = minute_of(at);
  if (minutes_.empty() || minutes_.back().number != minute) minutes_.push_back({minute, {}});
  add(minutes_.back().sums, rtt);
  const auto oldest = minute - std::chrono::duration_cast<std::chrono::minutes>(day).count();
  while (minutes_.front().number <= oldest) minutes_.pop_front();

  const bool answered = rtt.has_value();
  if (answered != (run_ > 0)) run_ = 0;
  run_ = answered ? std::min(run_ + 1, in_a_row) : std::max(run_ - 1, -in_a_row);
  // The first answer says that it is up; only a target that was down has to prove it.
  if (run_ == in_a_row || (state_ == State::unknown && answered)) state_ = State::up;
  if (run_ == -in_a_row) state_ = State::down;
}

Ledger::Sums Ledger::lately() const {
  Sums out;
  for (const auto& rtt : last_) add(out, rtt);
  return out;
}

std::optional<Ledger::Sums> Ledger::over_a_day() const {
  Sums out;
  for (const auto& minute : minutes_) {
    out.sent += minute.sums.sent;
    out.lost += minute.sums.lost;
    out.rtt_us += minute.sums.rtt_us;
    out.most_us = std::max(out.most_us, minute.sums.most_us);
  }
  if (out.sent < enough) return std::nullopt;
  return out;
}

}  // namespace kw::drivers::network
