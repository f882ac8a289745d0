#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "drivers/ports/open.hpp"
#include "drivers/ports/pcsc.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"
#include "tests/support/manual_clock.hpp"

namespace kw::drivers {
namespace {

namespace pcsc = platform::pcsc;
using platform::PcscLook;
using platform::PcscService;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t empty_reader = pcsc::empty;
constexpr std::uint32_t with_card = pcsc::present;

/// What a service knows and says; the test and the port's thread share it.
struct Machine {
  std::mutex mutex;
  std::condition_variable moved;
  std::map<std::string, std::uint32_t> readers{{"ACS ACR39U 00 00", empty_reader}};
  PcscService::Code connect = pcsc::success;
  std::deque<PcscService::Code> lists;  ///< what the next calls return before all is well
  std::deque<PcscService::Code> looks;
  std::function<void(Machine&)> between = [](Machine&) {};  ///< after a list, before the look
  bool rests = false;
  bool hangs = false;
  int waiting = 0;
  int connects = 0;
  int disconnects = 0;
  int listed = 0;

  PcscService::Code next(std::deque<PcscService::Code>& of) {
    if (of.empty()) return pcsc::success;
    const auto code = of.front();
    of.pop_front();
    return code;
  }
};

class FakeService final : public PcscService {
 public:
  explicit FakeService(std::shared_ptr<Machine> machine) : machine_(std::move(machine)) {}

  Code connect() override {
    const std::lock_guard lock{machine_->mutex};
    ++machine_->connects;
    return machine_->connect;
  }
  void disconnect() noexcept override {
    const std::lock_guard lock{machine_->mutex};
    ++machine_->disconnects;
  }
  Code list(std::vector<std::string>& readers) override {
    std::unique_lock lock{machine_->mutex};
    ++machine_->waiting;
    machine_->moved.notify_all();
    machine_->moved.wait(lock, [this] { return !machine_->hangs; });
    --machine_->waiting;
    ++machine_->listed;
    const auto code = machine_->next(machine_->lists);
    if (code != pcsc::success) return code;
    readers.clear();
    // Not in order: the service has none.
    for (auto it = machine_->readers.rbegin(); it != machine_->readers.rend(); ++it) {
      readers.push_back(it->first);
    }
    machine_->between(*machine_);
    return readers.empty() ? pcsc::no_readers : pcsc::success;
  }
  Code look(std::span<PcscLook> asked) override {
    const std::lock_guard lock{machine_->mutex};
    const auto code = machine_->next(machine_->looks);
    if (code != pcsc::success) return code;
    for (auto& one : asked) {
      if (one.reader == pcsc::readers_changed) {
        if (one.known >> 16 != machine_->readers.size()) one.seen = pcsc::changed;
        continue;
      }
      const auto it = machine_->readers.find(one.reader);
      if (it == machine_->readers.end()) return pcsc::unknown_reader;
      CHECK(one.known == 0);
      one.seen = it->second | pcsc::changed | 7U << 16;  // seven insertions
    }
    return pcsc::success;
  }
  bool rests_without_readers() const override {
    const std::lock_guard lock{machine_->mutex};
    return machine_->rests;
  }

 private:
  std::shared_ptr<Machine> machine_;
};

/// The driver on a reader of a machine.
struct Attached {
  std::shared_ptr<Machine> machine = std::make_shared<Machine>();
  std::unique_ptr<Driver> driver;
  SystemClock real;
  ManualClock by_hand;
  std::unique_ptr<PcscPort> port;

  explicit Attached(const std::string& reader = {}, const Given& settings = {}, bool manual = false)
      : driver(*make_driver("pcsc", settings)) {
    const Clock& clock = manual ? static_cast<const Clock&>(by_hand) : real;
    port = std::make_unique<PcscPort>(reader, std::make_unique<FakeService>(machine), clock);
    REQUIRE(bool(driver->open(*port, port->now() + seconds{1})));
  }

  template <class F>
  void change(F f) {
    const std::lock_guard lock{machine->mutex};
    f(*machine);
    machine->moved.notify_all();
  }
  void set(std::uint32_t state) {
    change([&](Machine& m) { m.readers.begin()->second = state; });
  }
  wire::Status poll(Duration within = seconds{10}) {
    const auto status = driver->poll(port->now() + within);
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return *status;
  }
};

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("pcsc: empty, a card, gone, back") {
  Attached at;
  auto status = at.poll();
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.media == wire::Media::not_present);
  CHECK(status.evidence == wire::Evidence::driver_report);
  CHECK(status.identity.model == "ACS ACR39U 00 00");
  CHECK(status.conditions.empty());

  at.set(with_card);
  status = at.poll();
  CHECK(status.media == wire::Media::present);
  CHECK(status.components ==
        std::vector<wire::Component>{{"chip", wire::ComponentState::ok, false}});

  // What it looks like right after the cable was pulled, and from then on.
  at.set(pcsc::unknown | pcsc::unavailable);
  status = at.poll();
  CHECK(status.device == wire::DeviceState::no_device);
  CHECK(codes_of(status) == Codes{"not-present"});
  CHECK(status.conditions.at(0).detail ==
        "PC/SC works and knows no reader: plug it in, or install its driver");
  CHECK(status.conditions.at(0).action == wire::Action::maintenance);
  at.change([](Machine& m) { m.readers.clear(); });
  CHECK(wire::same_state(at.poll(), status));
  at.change([](Machine& m) { m.readers = {{"ACS ACR39U 00 00", empty_reader}}; });
  CHECK(at.poll().device == wire::DeviceState::online);
  CHECK(at.machine->connects == 1);
}

TEST_CASE("pcsc: a card that is mute for a moment is no warning, one that stays mute is") {
  Attached at{{}, {{"card_mute_after_s", "30"}}, true};
  at.set(with_card | pcsc::mute | 0x0100);  // in use
  auto status = at.poll();
  CHECK(status.media == wire::Media::present);
  CHECK(status.conditions.empty());
  CHECK(status.components.at(0).state == wire::ComponentState::unknown);
  CHECK(wire::health_of(status) == wire::Health::ok);

  at.by_hand.advance(seconds{29});
  CHECK(at.poll().conditions.empty());
  at.by_hand.advance(seconds{1});
  status = at.poll();
  CHECK(codes_of(status) == Codes{"card-mute"});
  CHECK(status.conditions.at(0).vendor_code == "0220");
  CHECK(wire::health_of(status) == wire::Health::warning);

  // Another card starts anew.
  at.set(empty_reader);
  CHECK(at.poll().conditions.empty());
  at.set(with_card | pcsc::mute);
  CHECK(at.poll().conditions.empty());
}

TEST_CASE("pcsc: which reader is meant") {
  const auto both = [](Machine& m) {
    m.readers = {{"ACS ACR39U 00 00", with_card}, {"ACS ACR39U 00 00 SAM", empty_reader}};
  };
  Attached only{"ACS"};
  CHECK(only.poll().media == wire::Media::not_present);
  only.change(both);
  const auto status = only.poll();
  CHECK(status.device == wire::DeviceState::unknown);
  CHECK(codes_of(status) == Codes{"bad-configuration"});
  CHECK(status.conditions.at(0).detail == "which reader: ACS ACR39U 00 00; ACS ACR39U 00 00 SAM");

  Attached exact{"ACS ACR39U 00 00"};
  exact.change(both);
  CHECK(exact.poll().media == wire::Media::present);

  Attached other{"Feitian"};
  const auto none = other.poll();
  CHECK(none.device == wire::DeviceState::no_device);
  CHECK(none.conditions.at(0).detail == "attached: ACS ACR39U 00 00");
}

TEST_CASE("pcsc: readers that come and go while they are listed are listed again") {
  Attached at;
  at.change([](Machine& m) {
    m.between = [](Machine& now) {
      if (now.listed == 1) now.readers.emplace("Feitian R502 01 00", with_card);
      if (now.listed == 2) now.readers.erase("ACS ACR39U 00 00");
    };
  });
  const auto status = at.poll();
  CHECK(status.identity.model == "Feitian R502 01 00");
  CHECK(status.media == wire::Media::present);
  CHECK(at.machine->listed == 3);
  CHECK(at.machine->connects == 1);

  at.change([](Machine& m) {
    m.between = [](Machine& now) { now.readers.emplace(std::to_string(now.listed), with_card); };
  });
  CHECK(codes_of(at.poll()) == Codes{"pcsc-service"});
}

TEST_CASE("pcsc: a service that is stopped, restarted, forbidden, missing") {
  Attached at;
  CHECK(at.poll().conditions.empty());
  SUBCASE("restarted: the context is made anew within one poll") {
    for (const auto code :
         {0x8010'0013U, 0x8010'0003U, pcsc::service_stopped}) {  // transport, handle
      at.change([&](Machine& m) { m.lists = {code}; });
      CHECK(at.poll().conditions.empty());
      at.change([&](Machine& m) { m.looks = {code}; });
      CHECK(at.poll().conditions.empty());
    }
    CHECK(at.machine->connects == 7);
    CHECK(at.machine->disconnects == 6);
  }
  SUBCASE("stopped: nothing is known of the reader, and nothing is said of it") {
    at.change([](Machine& m) {
      m.lists = {0x8010'0013U};
      m.connect = pcsc::no_service;
    });
    const auto status = at.poll();
    CHECK(status.device == wire::DeviceState::unknown);
    CHECK(status.media == wire::Media::unknown);
    CHECK(status.evidence == wire::Evidence::none);
    CHECK(codes_of(status) == Codes{"pcsc-service"});
    CHECK(status.conditions.at(0).action == wire::Action::software_error);
    CHECK(status.conditions.at(0).detail ==
          "the PC/SC service does not run: start it (SCardEstablishContext: 8010001D)");
    at.change([](Machine& m) { m.connect = pcsc::success; });
    CHECK(at.poll().conditions.empty());
  }
  SUBCASE("at rest because there is no reader, as on Windows") {
    at.change([](Machine& m) {
      m.lists = {pcsc::service_stopped};
      m.connect = pcsc::no_service;
      m.rests = true;
    });
    CHECK(codes_of(at.poll()) == Codes{"not-present"});
  }
  SUBCASE("forbidden") {
    at.change([](Machine& m) {
      m.lists = {0x8010'0003U};
      m.connect = pcsc::security_violation;
    });
    const auto status = at.poll();
    CHECK(codes_of(status) == Codes{"pcsc-service"});
    CHECK(status.conditions.at(0).detail ==
          "the PC/SC service does not let this account in: allow it "
          "(SCardEstablishContext: 8010006A)");
  }
  SUBCASE("no library") {
    at.change([](Machine& m) {
      m.lists = {0x8010'0003U};
      m.connect = pcsc::no_library;
    });
    CHECK(at.poll().conditions.at(0).detail == "libpcsclite.so.1 is not installed: install pcscd");
  }
  SUBCASE("an error that a new context does not mend") {
    at.change([](Machine& m) { m.lists = {0x8010'0001U, 0x8010'0001U, 0x8010'0001U}; });
    CHECK(at.poll().conditions.at(0).detail == "SCardListReaders: 80100001");
  }
}

TEST_CASE("pcsc: a service that hangs costs a poll its time, not its deadline") {
  Attached at{{}, {{"timeout_ms", "50"}}};
  at.change([](Machine& m) { m.hangs = true; });
  const auto before = at.port->now();
  auto status = at.poll();
  CHECK(at.port->now() - before < seconds{5});
  CHECK(codes_of(status) == Codes{"pcsc-service"});
  CHECK(status.conditions.at(0).detail == "the PC/SC service does not answer");
  CHECK(codes_of(at.poll(milliseconds{20})) == Codes{"pcsc-service"});

  // The answer that was waited for is yesterday's: the card has gone meanwhile.
  at.change([](Machine& m) {
    m.hangs = false;
    m.readers.begin()->second = with_card;
    m.between = [](Machine& now) { now.readers.begin()->second = empty_reader; };
  });
  status = *at.driver->poll(at.port->now() + seconds{10});
  if (!status.conditions.empty()) status = at.poll();  // 50 ms may be short on a busy machine
  CHECK(status.media == wire::Media::not_present);
}

TEST_CASE("pcsc: a poll is ended by cancel, whatever the service does") {
  Attached at;
  at.change([](Machine& m) { m.hangs = true; });
  std::thread ends{[&] {
    {
      std::unique_lock lock{at.machine->mutex};
      at.machine->moved.wait(lock, [&] { return at.machine->waiting == 1; });
    }
    at.port->cancel();
  }};
  const auto readers = at.port->readers(at.port->now() + seconds{30});
  ends.join();
  REQUIRE_FALSE(bool(readers));
  CHECK(readers.error().code() == Errc::disconnected);
  CHECK(at.port->readers(at.port->now() + seconds{30}).error().code() == Errc::disconnected);
  at.change([](Machine& m) { m.hangs = false; });
}

TEST_CASE("pcsc: the port carries no bytes, and another port is refused") {
  Attached at;
  std::array<std::uint8_t, 1> byte{};
  CHECK(at.port->write(byte, at.port->now()).error().code() == Errc::unsupported);
  CHECK(at.port->read(byte, at.port->now()).error().code() == Errc::unsupported);
  FakePort wire;
  const auto driver = *make_driver("pcsc");
  CHECK(driver->open(wire, wire.now() + seconds{1}).error().code() == Errc::unsupported);
  CHECK(driver->poll(wire.now() + seconds{1}).error().code() == Errc::disconnected);
}

TEST_CASE("pcsc: a reader's name is taken as it is") {
  const auto parsed =
      PortAddress::parse("pcsc:OMNIKEY AG CardMan 3121 [CCID Interface] (1?) 00 00");
  REQUIRE(bool(parsed));
  CHECK(parsed->scheme == "pcsc");
  CHECK(parsed->host == "OMNIKEY AG CardMan 3121 [CCID Interface] (1?) 00 00");
  CHECK(PortAddress::parse("pcsc:")->host.empty());
  CHECK_FALSE(bool(PortAddress::parse("pcsc:a\nb")));
  CHECK_FALSE(bool(PortAddress::parse("pcsc:" + std::string(128, 'a'))));
}

}  // namespace kw::drivers
