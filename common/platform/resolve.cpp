#include "common/platform/resolve.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "common/platform/thread_name.hpp"

namespace kw::platform {
namespace {

/// Where both kinds of address have their port, in network order; each system's look_up asserts it.
void set_port(SocketAddress& address, std::uint16_t port) {
  address.bytes[2] = static_cast<std::uint8_t>(port >> 8);
  address.bytes[3] = static_cast<std::uint8_t>(port);
}

Result<SocketAddresses> with_port(Result<SocketAddresses> found, std::uint16_t port) {
  if (found) {
    for (auto& address : *found) set_port(address, port);
  }
  return found;
}

}  // namespace

struct Resolver::Desk {
  /// One lookup, from its start until its answer was taken.
  struct Lookup {
    std::optional<Result<SocketAddresses>> answer;
    unsigned waiting = 0;
    MonoTime wanted_until{};  ///< the last deadline of those who asked
  };

  const Resolver::Lookup look_up;
  std::mutex mutex;
  std::condition_variable answered;
  std::map<std::string, std::shared_ptr<Lookup>> lookups;

  explicit Desk(Resolver::Lookup by) : look_up(std::move(by)) {}

  /// The lookup of `name` that goes on, or whose answer nobody has taken; null: there is none.
  std::shared_ptr<Lookup> find(const std::string& name, MonoTime now) {
    const auto it = lookups.find(name);
    if (it == lookups.end()) return nullptr;
    const bool stale = it->second->answer && now - it->second->wanted_until > kept;
    if (!stale) return it->second;
    lookups.erase(it);
    return nullptr;
  }

  /// In the lookup's thread.
  void answer(const std::string& name, const std::shared_ptr<Lookup>& lookup) {
    auto found = look_up(name);
    if (found && found->empty()) found = Error{Errc::missing, "the name has no address"};
    const std::lock_guard lock{mutex};
    const bool worth_keeping = found || found.error().code() != Errc::timeout;
    lookup->answer = std::move(found);
    // Whoever asks from now on wants to know anew, if somebody has this answer.
    if (lookup->waiting > 0 || !worth_keeping) lookups.erase(name);
    answered.notify_all();
  }
};

Resolver::Resolver(Lookup lookup) : desk_(std::make_shared<Desk>(std::move(lookup))) {}
Resolver::~Resolver() = default;

Result<SocketAddresses> Resolver::resolve(const std::string& host, std::uint16_t port,
                                          const Clock& clock, MonoTime deadline) {
  if (const auto numeric = numeric_address(host)) return with_port(SocketAddresses{*numeric}, port);
  auto& desk = *desk_;
  std::unique_lock lock{desk.mutex};
  const auto now = clock.mono();
  auto lookup = desk.find(host, now);
  if (!lookup) {
    lookup = std::make_shared<Desk::Lookup>();
    try {
      std::thread{[desk_of_it = desk_, lookup, host] {
        name_this_thread("resolve");
        desk_of_it->answer(host, lookup);
      }}.detach();
    } catch (const std::system_error& error) {
      return Error{Errc::timeout, std::string{"no thread to resolve the name: "} + error.what()};
    }
    desk.lookups.emplace(host, lookup);
  }
  lookup->wanted_until = std::max(lookup->wanted_until, deadline);
  ++lookup->waiting;
  desk.answered.wait_for(lock, std::max(Duration::zero(), deadline - now),
                         [&] { return lookup->answer.has_value(); });
  --lookup->waiting;
  if (!lookup->answer) return Error{Errc::timeout, "the name was not resolved by the deadline"};
  const auto kept_one = desk.lookups.find(host);
  if (kept_one != desk.lookups.end() && kept_one->second == lookup) desk.lookups.erase(kept_one);
  return with_port(*lookup->answer, port);
}

Result<SocketAddresses> resolve(const std::string& host, std::uint16_t port, const Clock& clock,
                                MonoTime deadline) {
  // Never destroyed: a driver that is left behind at the process's end may still ask.
  static auto& system = *new Resolver{look_up};
  return system.resolve(host, port, clock, deadline);
}

}  // namespace kw::platform
