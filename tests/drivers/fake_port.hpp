#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "drivers/port.hpp"

namespace kw::drivers {

using Bytes = std::vector<std::uint8_t>;

/// A wire with a scripted device and a clock of its own: waiting takes no time, and an answer can
/// come late to the microsecond.
class FakePort final : public Port {
 public:
  /// Called with everything that is written; schedules what comes back with `arrive`.
  std::function<void(const Bytes& request)> device = [](const Bytes&) {};

  /// Bytes that come in `after` from now.
  void arrive(Bytes bytes, Duration after = Duration{1000}) {
    const auto due = now_ + after;
    const auto at = std::ranges::upper_bound(coming_, due, {}, &Arrival::due);
    coming_.insert(at, {due, std::move(bytes)});
  }

  /// From now on the other end is gone.
  void cut() { cut_ = true; }

  /// A new wire to the same device: what was on its way on the old one never comes.
  void renew() {
    cut_ = false;
    cut_after_answer_ = false;
    coming_.clear();
  }

  /// The other end leaves once what is on its way has been read.
  void cut_after_answer() { cut_after_answer_ = true; }

  void pass(Duration time) { now_ += time; }

  const std::vector<Bytes>& written() const { return written_; }
  void forget_written() { written_.clear(); }

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    if (cut_) return Error{Errc::disconnected, "fake port: cut"};
    if (now_ >= deadline) return Error{Errc::timeout, "fake port: no time left"};
    written_.emplace_back(bytes.begin(), bytes.end());
    device(written_.back());
    return {};
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    if (cut_ || (cut_after_answer_ && coming_.empty())) {
      return Error{Errc::disconnected, "fake port: cut"};
    }
    if (coming_.empty() || coming_.front().due > deadline) {
      now_ = std::max(now_, deadline);
      return Error{Errc::timeout, "fake port: nothing within the deadline"};
    }
    auto& next = coming_.front();
    now_ = std::max(now_, next.due);
    const auto n = std::min(into.size(), next.bytes.size());
    std::copy_n(next.bytes.begin(), n, into.begin());
    next.bytes.erase(next.bytes.begin(), next.bytes.begin() + static_cast<std::ptrdiff_t>(n));
    if (next.bytes.empty()) coming_.erase(coming_.begin());
    return n;
  }

  void discard() override {
    std::erase_if(coming_, [this](const Arrival& a) { return a.due <= now_; });
  }

  void cancel() noexcept override { cut_ = true; }
  MonoTime now() const override { return now_; }

 private:
  struct Arrival {
    MonoTime due;
    Bytes bytes;
  };

  MonoTime now_ = mono_from(1'000'000'000);
  std::vector<Arrival> coming_;
  std::vector<Bytes> written_;
  bool cut_ = false;
  bool cut_after_answer_ = false;
};

}  // namespace kw::drivers
