// Names are looked up with a deadline, whatever the system's resolver does.
#include "common/platform/resolve.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/manual_clock.hpp"

using namespace kw;
using namespace kw::platform;
using namespace std::chrono_literals;

namespace {

const SystemClock real;

SocketAddress numeric(const std::string& text) {
  const auto out = numeric_address(text);
  REQUIRE(out);
  return *out;
}

/// The system's resolver, slow at will; the test and the lookups' threads share it.
class Slow {
 public:
  Resolver::Lookup lookup() {
    return [state = state_](const std::string& name) {
      // Goes with the thread, so after its answer was handed over.
      thread_local std::shared_ptr<Ends> ends;
      ends = std::make_shared<Ends>(state);
      std::unique_lock lock{state->mutex};
      ++state->calls[name];
      state->moved.notify_all();
      state->moved.wait(lock, [&] { return !state->hangs; });
      if (state->says.empty()) return Result<SocketAddresses>{{numeric("192.0.2.7")}};
      auto said = std::move(state->says.front());
      state->says.pop_front();
      return said;
    };
  }
  void hang() { set(true); }
  void answer() { set(false); }
  void say(Result<SocketAddresses> what) {
    const std::lock_guard lock{state_->mutex};
    state_->says.push_back(std::move(what));
  }
  int calls(const std::string& name) {
    const std::lock_guard lock{state_->mutex};
    return state_->calls[name];
  }
  /// Returns once so many lookups have begun, or their threads ended.
  void await_calls(int count) {
    await([&] {
      int all = 0;
      for (const auto& [name, of_it] : state_->calls) all += of_it;
      return all == count;
    });
  }
  void await_ended(int count) {
    await([&] { return state_->ended == count; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable moved;
    std::map<std::string, int> calls;
    std::deque<Result<SocketAddresses>> says;
    bool hangs = false;
    int ended = 0;
  };
  struct Ends {
    explicit Ends(std::shared_ptr<State> s) : state(std::move(s)) {}
    ~Ends() {
      const std::lock_guard lock{state->mutex};
      ++state->ended;
      state->moved.notify_all();
    }
    std::shared_ptr<State> state;
  };

  template <class Holds>
  void await(Holds holds) {
    std::unique_lock lock{state_->mutex};
    REQUIRE(state_->moved.wait_for(lock, 20s, holds));
  }
  void set(bool hangs) {
    const std::lock_guard lock{state_->mutex};
    state_->hangs = hangs;
    state_->moved.notify_all();
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Tells when it was asked for the time: whoever resolves asks once, just before he waits.
class Watched final : public Clock {
 public:
  WallTime wall() const override { return real.wall(); }
  MonoTime mono() const override {
    const std::lock_guard lock{mutex_};
    ++asked_;
    moved_.notify_all();
    return real.mono();
  }
  void await_asked(int count) {
    std::unique_lock lock{mutex_};
    REQUIRE(moved_.wait_for(lock, 20s, [&] { return asked_ == count; }));
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable moved_;
  mutable int asked_ = 0;
};

Result<SocketAddresses> resolved_within(Resolver& resolver, Duration limit,
                                        const std::string& name = "printer") {
  return resolver.resolve(name, 9100, real, real.mono() + limit);
}

}  // namespace

TEST_CASE("resolve: a numeric address is its own answer, and nobody is asked") {
  Slow slow;
  slow.hang();
  Resolver resolver{slow.lookup()};
  // Though the deadline is over.
  const auto v4 = resolver.resolve("192.0.2.7", 0x238c, real, real.mono() - 1s);
  REQUIRE(bool(v4));
  REQUIRE(v4->size() == 1);
  auto expected = numeric("192.0.2.7");
  CHECK_FALSE(expected.v6);
  CHECK(expected.bytes[2] == 0);
  CHECK(expected.bytes[4] == 192);
  expected.bytes[2] = 0x23;
  expected.bytes[3] = 0x8c;
  CHECK(v4->front() == expected);
  const auto v6 = resolver.resolve("2001:db8::7", 80, real, real.mono() - 1s);
  REQUIRE(bool(v6));
  CHECK(v6->front().v6);
  CHECK(v6->front().size == 28);
  CHECK(v6->front().bytes[3] == 80);
  CHECK(slow.calls("192.0.2.7") + slow.calls("2001:db8::7") == 0);
  CHECK_FALSE(numeric_address("printer"));
  CHECK_FALSE(numeric_address("192.0.2.7.example"));
}

TEST_CASE(
    "resolve: who asks a resolver that hangs waits until his deadline, at one thread a name") {
  Slow slow;
  slow.hang();
  Resolver resolver{slow.lookup()};
  const auto began = real.mono();
  for (int i = 0; i < 3; ++i) {
    const auto late = resolved_within(resolver, 20ms);
    REQUIRE_FALSE(bool(late));
    CHECK(late.error().code() == Errc::timeout);
    CHECK(late.error().text() == "the name was not resolved by the deadline");
  }
  CHECK(real.mono() - began >= 60ms);
  CHECK(real.mono() - began < 10s);
  slow.await_calls(1);
  CHECK(slow.calls("printer") == 1);
  // Another name waits for itself alone.
  CHECK_FALSE(bool(resolved_within(resolver, 1ms, "server")));
  slow.await_calls(2);
  CHECK(slow.calls("server") == 1);
  slow.answer();
  slow.await_ended(2);
}

TEST_CASE("resolve: all who wait get the one answer, and the next is asked for anew") {
  Slow slow;
  slow.hang();
  slow.say(SocketAddresses{numeric("192.0.2.9"), numeric("2001:db8::9")});
  Resolver resolver{slow.lookup()};
  Watched clock;
  const auto far_off = real.mono() + 60s;
  std::vector<Result<SocketAddresses>> got(3, Error{Errc::busy, "not asked"});
  std::vector<std::thread> asking;
  for (std::size_t i = 0; i < got.size(); ++i) {
    asking.emplace_back([&, i] {
      got[i] = resolver.resolve("printer", static_cast<std::uint16_t>(i + 1), clock, far_off);
    });
  }
  clock.await_asked(3);
  slow.answer();
  for (auto& one : asking) one.join();
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE_MESSAGE(bool(got[i]), got[i].error().text());
    REQUIRE(got[i]->size() == 2);
    CHECK(got[i]->at(0).bytes[7] == 9);
    CHECK(got[i]->at(1).v6);
    CHECK(got[i]->at(1).bytes[3] == i + 1);  // each with his own port
  }
  CHECK(slow.calls("printer") == 1);
  slow.await_ended(1);
  const auto next = resolved_within(resolver, 20s);
  REQUIRE(bool(next));
  CHECK(next->front().bytes[7] == 7);
  CHECK(slow.calls("printer") == 2);
  slow.await_ended(2);
}

TEST_CASE("resolve: an answer that comes too late is the next asker's, once and not for ever") {
  Slow slow;
  slow.hang();
  ManualClock clock;
  Resolver resolver{slow.lookup()};
  const auto ask = [&] { return resolver.resolve("printer", 80, clock, clock.mono()); };
  REQUIRE(ask().error().code() == Errc::timeout);
  slow.await_calls(1);
  SUBCASE("the addresses") {
    slow.answer();
    slow.await_ended(1);
    clock.advance(Resolver::kept);
    CHECK(bool(ask()));  // with no time to wait for anything
    slow.hang();
    CHECK_FALSE(bool(ask()));
    slow.await_calls(2);
  }
  SUBCASE("that there is no such name") {
    slow.say(Error{Errc::missing, "no such name"});
    slow.answer();
    slow.await_ended(1);
    CHECK(ask().error().code() == Errc::missing);
  }
  SUBCASE("nobody could say: asked again at once") {
    slow.say(Error{Errc::timeout, "try again"});
    slow.answer();
    slow.await_ended(1);
    slow.hang();
    CHECK(ask().error().text() == "the name was not resolved by the deadline");
    slow.await_calls(2);
  }
  SUBCASE("addresses of long ago") {
    slow.answer();
    slow.await_ended(1);
    clock.advance(Resolver::kept + 1us);
    slow.hang();
    CHECK(ask().error().code() == Errc::timeout);
    slow.await_calls(2);
  }
  slow.answer();
  slow.await_ended(slow.calls("printer"));
}

TEST_CASE("resolve: what is wrong with a name is said at once") {
  Slow slow;
  Resolver resolver{slow.lookup()};
  slow.say(Error{Errc::missing, "no such name"});
  CHECK(resolved_within(resolver, 20s).error().text() == "no such name");
  slow.await_ended(1);
  slow.say(SocketAddresses{});
  const auto none = resolved_within(resolver, 20s);
  REQUIRE_FALSE(bool(none));
  CHECK(none.error().code() == Errc::missing);
  CHECK(none.error().text() == "the name has no address");
  slow.await_ended(2);
}

TEST_CASE("resolve: a resolver goes without waiting for a lookup that hangs") {
  Slow slow;
  slow.hang();
  {
    Resolver resolver{slow.lookup()};
    CHECK_FALSE(bool(resolved_within(resolver, 1ms)));
  }
  slow.await_calls(1);
  slow.answer();
  slow.await_ended(1);
}

TEST_CASE("resolve: the system knows this machine") {
  const auto local = resolve("localhost", 80, real, real.mono() + 20s);
  REQUIRE_MESSAGE(bool(local), local.error().text());
  for (const auto& one : *local) {
    if (one.v6) continue;
    CHECK(one.size == 16);
    CHECK(one.bytes[3] == 80);
    CHECK(one.bytes[4] == 127);
  }
}
