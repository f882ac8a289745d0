#include "drivers/ports/pcsc.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace kw::drivers {
namespace {

namespace pcsc = platform::pcsc;
using platform::PcscLook;
using platform::PcscService;

/// Readers that come and go while they are listed: after so many tries the service is at fault.
constexpr int tries = 4;

/// How long a port that is left waits for its thread.
constexpr Duration parting = std::chrono::seconds{1};

Error failure(std::string_view call, PcscService::Code code) {
  if (code == pcsc::no_library) {
    return Error{Errc::missing, "libpcsclite.so.1 is not installed: install pcscd"};
  }
  const auto what = fmt::format("{}: {:08X}", call, code);
  if (code == pcsc::no_service || code == pcsc::service_stopped) {
    return Error{Errc::missing, "the PC/SC service does not run: start it (" + what + ")"};
  }
  if (code == pcsc::no_access || code == pcsc::security_violation) {
    return Error{Errc::refused,
                 "the PC/SC service does not let this account in: allow it (" + what + ")"};
  }
  return Error{Errc::disconnected, what};
}

/// The states of the named readers, or nothing when the list is out of date already.
struct Look {
  PcscService::Code code = pcsc::success;
  bool outdated = false;
  std::vector<CardReader> readers;
};

Look look_at(PcscService& service, std::span<const std::string> names) {
  std::vector<PcscLook> asked;
  for (const auto& name : names) asked.push_back({name});
  asked.push_back({pcsc::readers_changed, static_cast<std::uint32_t>(names.size()) << 16});
  Look out;
  out.code = service.look(asked);
  if (out.code == pcsc::nothing_new) out.code = pcsc::success;
  if (out.code == pcsc::unknown_reader) out = {.outdated = true};
  if (out.code != pcsc::success || out.outdated) return out;
  out.outdated = (asked.back().seen & pcsc::changed) != 0;
  asked.pop_back();
  for (auto& one : asked) {
    out.readers.push_back({std::move(one.reader), one.seen & 0xffff & ~pcsc::changed});
  }
  return out;
}

}  // namespace

Result<std::vector<CardReader>> read_card_readers(PcscService& service, bool& connected) {
  bool renewed = false;
  std::string_view call;
  PcscService::Code code = pcsc::success;
  for (int left = tries; left > 0; --left) {
    if (!connected) {
      renewed = true;
      code = service.connect();
      const bool away = code == pcsc::no_service || code == pcsc::service_stopped;
      if (away && service.rests_without_readers()) return std::vector<CardReader>{};
      if (code != pcsc::success) return failure("SCardEstablishContext", code);
      connected = true;
    }
    std::vector<std::string> names;
    call = "SCardListReaders";
    code = service.list(names);
    if (code == pcsc::no_readers) return std::vector<CardReader>{};
    if (code == pcsc::success) {
      std::ranges::sort(names);
      call = "SCardGetStatusChange";
      auto look = look_at(service, names);
      if (look.outdated) continue;
      code = look.code;
      if (code == pcsc::success) return std::move(look.readers);
    }
    // The service was stopped, or another one stands in its place: our context is worth nothing.
    service.disconnect();
    connected = false;
    if (renewed) break;
  }
  if (code == pcsc::success) return Error{Errc::disconnected, "the list of readers keeps changing"};
  return failure(call, code);
}

struct PcscPort::Desk {
  std::mutex mutex;
  std::condition_variable moved;
  unsigned asked = 0;
  unsigned answered = 0;
  Result<std::vector<CardReader>> answer = std::vector<CardReader>{};
  unsigned ports = 0;
  bool closing = false;  ///< the thread is on its way out and serves nobody any more
  bool closed = false;

  bool idle() const { return asked == answered; }

  void serve(PcscService& service) {
    bool connected = false;
    std::unique_lock lock{mutex};
    for (;;) {
      moved.wait(lock, [this] { return ports == 0 || !idle(); });
      if (ports == 0) break;
      const auto number = asked;
      lock.unlock();
      auto seen = read_card_readers(service, connected);
      lock.lock();
      answer = std::move(seen);
      answered = number;
      moved.notify_all();
    }
    closing = true;
    lock.unlock();
    service.disconnect();
    lock.lock();
    closed = true;
    moved.notify_all();
  }

  /// A desk with a thread and one port.
  static std::shared_ptr<Desk> open(std::unique_ptr<PcscService> service) {
    auto desk = std::make_shared<Desk>();
    desk->ports = 1;
    std::thread{[desk, held = std::move(service)] { desk->serve(*held); }}.detach();
    return desk;
  }

  /// The one at which the system's service is asked.
  static std::shared_ptr<Desk> of_the_system() {
    static std::mutex choosing;
    static std::weak_ptr<Desk> current;
    const std::lock_guard chosen{choosing};
    if (auto desk = current.lock()) {
      const std::lock_guard lock{desk->mutex};
      if (!desk->closing) {
        ++desk->ports;
        return desk;
      }
    }
    auto desk = open(platform::pcsc_service());
    current = desk;
    return desk;
  }
};

PcscPort::PcscPort(std::string reader, const Clock& clock)
    : reader_(std::move(reader)), clock_(clock), desk_(Desk::of_the_system()) {}

PcscPort::PcscPort(std::string reader, std::unique_ptr<PcscService> service, const Clock& clock)
    : reader_(std::move(reader)), clock_(clock), desk_(Desk::open(std::move(service))) {}

PcscPort::~PcscPort() {
  std::unique_lock lock{desk_->mutex};
  if (--desk_->ports > 0) return;
  desk_->moved.notify_all();
  // A thread that is idle goes at once; one that waits for its service is not waited for.
  if (desk_->idle()) desk_->moved.wait_for(lock, parting, [this] { return desk_->closed; });
}

Result<std::vector<CardReader>> PcscPort::readers(MonoTime deadline) {
  std::unique_lock lock{desk_->mutex};
  auto& desk = *desk_;
  const auto until = [&](auto&& holds) {
    const auto time = std::max(Duration::zero(), deadline - now());
    return desk.moved.wait_for(lock, time, [&] { return cancelled_ || holds(); });
  };
  const auto late = [] { return Error{Errc::timeout, "the PC/SC service does not answer"}; };
  // An answer to somebody who asked before may be older than this question.
  if (!until([&] { return desk.idle(); })) return late();
  if (!cancelled_) {
    const auto number = ++desk.asked;
    desk.moved.notify_all();
    if (!until([&] { return desk.answered >= number; })) return late();
  }
  if (cancelled_) return Error{Errc::disconnected, "PC/SC: cancelled"};
  return desk.answer;
}

Result<void> PcscPort::write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, "a pcsc port carries no bytes"};
}

Result<std::size_t> PcscPort::read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, "a pcsc port carries no bytes"};
}

void PcscPort::cancel() noexcept {
  const std::lock_guard lock{desk_->mutex};
  cancelled_ = true;
  desk_->moved.notify_all();
}

}  // namespace kw::drivers
