#include <type_traits>

#include <doctest/doctest.h>

#include "drivers/id_reader/sdt/pipes.hpp"
#include "drivers/id_reader/sdt/session.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ComponentState;
using wire::DeviceState;
using wire::Health;

const Bytes ask_status{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x11, 0xff, 0xed};
const Bytes ask_id{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x12, 0xff, 0xee};
const Bytes ask_find{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x20, 0x01, 0x22};
const Bytes ask_select{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x20, 0x02, 0x21};
const Bytes ask_base{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x03, 0x30, 0x01, 0x32};

Bytes reply(std::uint8_t code, const Bytes& data = {}) {
  const auto length = data.size() + 4;
  Bytes out{0xaa,
            0xaa,
            0xaa,
            0x96,
            0x69,
            static_cast<std::uint8_t>(length >> 8U),
            static_cast<std::uint8_t>(length & 0xffU),
            0x00,
            0x00,
            code};
  out.insert(out.end(), data.begin(), data.end());
  std::uint8_t sum = 0;
  for (std::size_t i = 5; i < out.size(); ++i) sum ^= out[i];
  out.push_back(sum);
  return out;
}

const Bytes number{0x05, 0x00, 0x01, 0x00, 0x5b, 0x03, 0x33, 0x01,
                   0x5a, 0xb3, 0x1e, 0x00, 0x01, 0x00, 0x00, 0x00};

Bytes base_data(std::uint8_t content = 0x42) {
  Bytes out{0x01, 0x00, 0x04, 0x00};
  out.resize(4 + 256 + 1024, content);
  return out;
}

/// A reader that answers each request with what it was told to; an empty answer is none.
struct Reader {
  std::map<Bytes, Bytes> answers{{ask_status, reply(0x90)}, {ask_id, reply(0x90, number)}};
  FakePort port;
  std::unique_ptr<Driver> driver;

  explicit Reader(const Given& settings = {}) {
    port.device = [this](const Bytes& request) {
      const auto it = answers.find(request);
      if (it != answers.end() && !it->second.empty()) port.arrive(it->second);
    };
    auto made = make_driver("sdt", settings);
    REQUIRE(bool(made));
    driver = std::move(*made);
  }

  MonoTime within(Duration d) const { return port.now() + d; }
  Result<void> open() { return driver->open(port, within(seconds{2})); }
  Result<wire::Status> poll() { return driver->poll(within(seconds{2})); }
  wire::Status opened() {
    const auto done = open();
    REQUIRE_MESSAGE(bool(done), done.error().text());
    auto status = poll();
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return std::move(*status);
  }
};

/// A native USB module: a header on one pair of endpoints, the rest on another.
class FakeUsb final : public UsbPort {
 public:
  explicit FakeUsb(std::uint16_t product = 0xc35a) {
    facts_.vendor = 0x0400;
    facts_.product = product;
    for (const int address : {0x02, 0x06, 0x81, 0x85}) {
      function_.endpoints.push_back(
          {static_cast<std::uint8_t>(address), UsbEndpoint::Kind::bulk, 64});
    }
  }

  std::map<Bytes, Bytes> answers{{ask_status, reply(0x90)}, {ask_id, reply(0x90, number)}};
  UsbFunction function_;

  Result<void> bulk_write(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                          MonoTime /*deadline*/) override {
    if (endpoint == 0x02) {
      CHECK(bytes.size() == sdt::header_size);
      heard_.assign(bytes.begin(), bytes.end());
      return {};
    }
    CHECK(endpoint == 0x06);
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    const auto answer = answers.find(heard_);
    if (answer == answers.end()) return {};
    const auto body = answer->second.begin() + sdt::header_size;
    ready_[0x81] = {answer->second.begin(), body};
    ready_[0x85] = {body, answer->second.end()};
    return {};
  }
  Result<std::size_t> bulk_read(std::uint8_t endpoint, std::span<std::uint8_t> into,
                                MonoTime deadline) override {
    auto& ready = ready_[endpoint];
    if (ready.empty()) {
      clock_.pass(deadline - clock_.now());
      return Error{Errc::timeout, "fake usb: nothing"};
    }
    const auto count = std::min({into.size(), ready.size(), std::size_t{64}});
    std::copy_n(ready.begin(), count, into.begin());
    ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    return bulk_write(0x02, bytes, deadline);
  }
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    return bulk_read(0x81, into, deadline);
  }
  void discard() override { ready_.clear(); }
  void cancel() noexcept override {}
  MonoTime now() const override { return clock_.now(); }
  Result<Bytes> control_in(const UsbSetup&, std::size_t, MonoTime) override {
    return Error{Errc::unsupported, "fake usb"};
  }
  Result<void> control_out(const UsbSetup&, std::span<const std::uint8_t>, MonoTime) override {
    return Error{Errc::unsupported, "fake usb"};
  }
  Result<Bytes> interrupt_read(std::uint8_t, MonoTime) override {
    return Error{Errc::unsupported, "fake usb"};
  }
  Result<UsbNames> names(MonoTime) override { return UsbNames{}; }
  const UsbFacts& facts() const override { return facts_; }
  const UsbFunction& function() const override { return function_; }

 private:
  UsbFacts facts_;
  FakePort clock_;
  Bytes heard_;
  std::map<std::uint8_t, Bytes> ready_;
};

// What a poll can send is a matter of its types, not of care.
template <class Session, class Command>
constexpr bool can_ask =
    requires(Session session, Command command) { session.ask(command, MonoTime{}); };
static_assert(can_ask<sdt::PollSession&, sdt::PollCommand>);
static_assert(!can_ask<sdt::PollSession&, sdt::TestCommand>);
static_assert(!can_ask<sdt::PollSession&, std::uint16_t>);
static_assert(!can_ask<sdt::PollSession&, sdt::Request>);
static_assert(can_ask<sdt::TestSession&, sdt::TestCommand>);
// Nothing that points into the card's data comes out of a self-test.
static_assert(std::is_trivially_copyable_v<sdt::TestSession::Told>);

}  // namespace

TEST_CASE("sdt: a healthy module is online, with its number as serial") {
  Reader reader;
  const auto status = reader.opened();
  CHECK(status.device == DeviceState::online);
  CHECK(status.evidence == wire::Evidence::protocol_reply);
  CHECK(health_of(status) == Health::ok);
  REQUIRE(status.components.size() == 1);
  CHECK(status.components[0] == wire::Component{"sam", ComponentState::ok, true});
  CHECK(status.identity.serial == "05.01-20120411-0002011994-0000000001");
}

TEST_CASE("sdt: what the module says of itself becomes the condition the model names") {
  struct Row {
    std::uint8_t code;
    std::string condition;
    std::string vendor;
    DeviceState device;
    ComponentState sam;
    Health health;
  };
  const std::vector<Row> rows{
      {0x60, "sam-self-test", "SW3=60", DeviceState::hardware_error, ComponentState::inoperable,
       Health::fault},
      {0x66, "sam-unauthorised", "SW3=66", DeviceState::hardware_error, ComponentState::inoperable,
       Health::fault},
      {0x24, "sam-error", "SW3=24", DeviceState::online, ComponentState::unknown, Health::warning},
      {0x77, "sam-error", "SW3=77", DeviceState::online, ComponentState::unknown, Health::warning},
      {0x10, "link-noise", "SW3=10", DeviceState::online, ComponentState::unknown, Health::warning},
      {0x11, "link-noise", "SW3=11", DeviceState::online, ComponentState::unknown, Health::warning},
      {0x21, "link-noise", "SW3=21", DeviceState::online, ComponentState::unknown, Health::warning},
  };
  for (const auto& row : rows) {
    CAPTURE(row.vendor);
    Reader reader;
    reader.answers[ask_status] = reply(row.code);
    const auto status = reader.opened();
    REQUIRE(codes_of(status) == std::vector<std::string>{row.condition});
    CHECK(status.conditions[0].vendor_code == row.vendor);
    CHECK(status.device == row.device);
    CHECK(status.components.at(0).state == row.sam);
    CHECK(health_of(status) == row.health);
  }
}

TEST_CASE("sdt: a module that passes its self-test and refuses its number says why") {
  Reader reader;
  reader.answers[ask_id] = reply(0x66);
  const auto status = reader.opened();
  CHECK(codes_of(status) == std::vector<std::string>{"sam-unauthorised"});
  CHECK(status.identity.serial.empty());
}

TEST_CASE("sdt: a bad checksum once is asked again, repeated it is noise, and never a fault") {
  Reader reader;
  reader.opened();
  auto bad = reply(0x90);
  bad.back() ^= 1U;
  int left = 1;
  reader.port.device = [&](const Bytes&) { reader.port.arrive(left-- > 0 ? bad : reply(0x90)); };
  auto status = reader.poll();
  REQUIRE(bool(status));
  CHECK(status->conditions.empty());
  left = 2;
  status = reader.poll();
  REQUIRE(bool(status));
  CHECK(codes_of(*status) == std::vector<std::string>{"link-noise"});
  CHECK(status->components[0].state == ComponentState::ok);
  left = 100;
  status = reader.poll();
  REQUIRE(bool(status));
  CHECK(codes_of(*status) == std::vector<std::string>{"link-noise"});
  CHECK(status->conditions[0].vendor_code == "CHK");
  CHECK(status->components[0].state == ComponentState::unknown);
  CHECK(health_of(*status) == Health::warning);
}

TEST_CASE("sdt: a poll asks for state each time, for the number once an hour, and nothing else") {
  Reader reader;
  reader.opened();
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status, ask_id});
  reader.port.forget_written();
  REQUIRE(bool(reader.poll()));
  REQUIRE(bool(reader.poll()));
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status, ask_status});
  reader.port.forget_written();
  reader.port.pass(std::chrono::hours{1});
  REQUIRE(bool(reader.poll()));
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status, ask_id});
  // A port that is given back after each poll does not make it ask more often.
  reader.port.forget_written();
  reader.driver->close();
  REQUIRE(reader.opened().identity.serial == "05.01-20120411-0002011994-0000000001");
  CHECK(reader.port.written() == std::vector<Bytes>{ask_status});
}

TEST_CASE("sdt: silence, another device and a cut wire are told apart") {
  Reader reader;
  SUBCASE("silent: three tries, and no time past the deadline") {
    reader.answers.clear();
    const auto start = reader.port.now();
    CHECK(reader.open().error().code() == Errc::timeout);
    CHECK(reader.port.written().size() == 3);
    CHECK(reader.port.now() - start <= seconds{2});
  }
  SUBCASE("another device, or another baud rate") {
    reader.port.device = [&](const Bytes&) { reader.port.arrive({0xfd, 0xfd, 0x12, 0x00}); };
    CHECK(reader.open().error().code() == Errc::refused);
  }
  SUBCASE("the vendor's pseudo-frame, shorter than it says, holds nothing up") {
    reader.answers[ask_status] = {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x05, 0x05, 0x05, 0x05};
    CHECK(reader.open().error().code() == Errc::timeout);
    reader.answers[ask_status] = reply(0x90);
    CHECK(reader.opened().conditions.empty());
  }
  SUBCASE("a terminal that echoes what it is sent") {
    reader.port.device = [&](const Bytes& request) { reader.port.arrive(request); };
    CHECK_FALSE(bool(reader.open()));
  }
  SUBCASE("cut") {
    reader.port.cut();
    CHECK(reader.open().error().code() == Errc::disconnected);
  }
  SUBCASE("never quiet") {
    reader.opened();
    reader.answers.clear();
    for (int i = 0; i < 4000; ++i) reader.port.arrive({0xaa}, milliseconds{i});
    const auto deadline = reader.within(milliseconds{1500});
    CHECK_FALSE(bool(reader.driver->poll(deadline)));
    CHECK(reader.port.now() <= deadline);
  }
}

TEST_CASE("sdt: a late answer is not taken for the next question's") {
  Reader reader;
  reader.opened();
  reader.port.pass(std::chrono::hours{2});
  const auto honest = reader.port.device;
  // The number comes 600 ms late: after the poll that asked for it has ended.
  reader.port.device = [&](const Bytes& request) {
    if (request == ask_id) {
      reader.port.arrive(reply(0x60), milliseconds{600});
    } else {
      honest(request);
    }
  };
  REQUIRE(bool(reader.poll()));
  reader.port.pass(milliseconds{50});
  reader.port.device = honest;
  const auto status = reader.poll();
  REQUIRE(bool(status));
  CHECK(status->conditions.empty());
}

TEST_CASE("sdt: a card's data that another program asked for is passed over") {
  Reader reader;
  reader.opened();
  const auto honest = reader.port.device;
  reader.port.device = [&](const Bytes& request) {
    reader.port.arrive(reply(0x90, base_data()));
    honest(request);
  };
  const auto status = reader.poll();
  REQUIRE(bool(status));
  CHECK(status->components.at(0).state != ComponentState::inoperable);
}

TEST_CASE("sdt: a self-test reads three times and tells codes, times and lengths") {
  Reader reader;
  reader.answers[ask_find] = reply(0x9f, {0, 0, 0, 0});
  reader.answers[ask_select] = reply(0x90, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto honest = reader.port.device;
  Duration read_takes = milliseconds{800};
  reader.port.device = [&](const Bytes& request) {
    if (request == ask_base) {
      reader.port.arrive(reply(0x90, base_data()), read_takes);
    } else {
      honest(request);
    }
  };
  reader.opened();
  reader.port.forget_written();

  SUBCASE("fast enough") {
    const auto test = reader.driver->self_test("read", reader.within(seconds{60}));
    REQUIRE_MESSAGE(bool(test), test.error().text());
    CHECK(test->passed);
    CHECK(test->attempts.size() == 3);
    CHECK(test->detail ==
          "reads=3/3 codes=90,90,90 mean_ms=802 limit_ms=3000 receiving_ms=0 "
          "bytes=1295,1295,1295 text=256 photo=1024 checksum=ok");
    CHECK(std::ranges::count(reader.port.written(), ask_base) == 3);
    for (const auto& sent : reader.port.written()) {
      CHECK((sent == ask_find || sent == ask_select || sent == ask_base));
    }
  }
  SUBCASE("too slow on average") {
    read_takes = milliseconds{3200};
    const auto test = reader.driver->self_test("read", reader.within(seconds{60}));
    REQUIRE(bool(test));
    CHECK_FALSE(test->passed);
    CHECK(test->attempts.size() == 3);
  }
  SUBCASE("no card: says so when its time is over") {
    reader.answers[ask_find] = reply(0x80);
    reader.answers[ask_select] = reply(0x81);
    reader.answers[ask_base] = reply(0x41);
    reader.port.device = honest;
    const auto start = reader.port.now();
    const auto test = reader.driver->self_test("read", reader.within(seconds{60}));
    REQUIRE(bool(test));
    CHECK_FALSE(test->passed);
    CHECK(test->detail == "reads=0/3 codes=80");
    CHECK(reader.port.now() - start < seconds{17});
  }
  SUBCASE("a card that stays on the reader is not found again and is read all the same") {
    bool found = false;
    const auto first = reader.port.device;
    reader.port.device = [&](const Bytes& request) {
      if (request == ask_find && std::exchange(found, true)) {
        reader.port.arrive(reply(0x80));
      } else {
        first(request);
      }
    };
    const auto test = reader.driver->self_test("read", reader.within(seconds{60}));
    REQUIRE(bool(test));
    CHECK(test->passed);
  }
  SUBCASE("lengths that do not add up are no complete record") {
    reader.port.device = [&](const Bytes& request) {
      auto data = base_data();
      data.pop_back();
      if (request == ask_base) {
        reader.port.arrive(reply(0x90, data));
      } else {
        honest(request);
      }
    };
    const auto test = reader.driver->self_test("read", reader.within(seconds{30}));
    REQUIRE(bool(test));
    CHECK_FALSE(test->passed);
    CHECK(test->attempts.empty());
  }
  SUBCASE("cut") {
    reader.port.cut();
    CHECK(reader.driver->self_test("read", reader.within(seconds{60})).error().code() ==
          Errc::disconnected);
  }
  SUBCASE("another test") {
    CHECK(reader.driver->self_test("fingerprint", reader.within(seconds{60})).error().code() ==
          Errc::unsupported);
  }
  // Polls go on as before.
  if (reader.port.written().size() > 3) {
    reader.port.device = honest;
    reader.port.pass(seconds{1});
    const auto status = reader.poll();
    REQUIRE(bool(status));
    CHECK(status->conditions.empty());
  }
}

TEST_CASE("sdt: frames are found behind noise, in pieces, and behind what only looks like one") {
  const auto good = reply(0x90, {1, 2, 3});
  const std::vector<Bytes> before{
      {},
      {0x00, 0xaa, 0xaa},
      {0xaa, 0xaa, 0xaa, 0xaa},
      {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x05, 0x05, 0x05, 0x05},
      {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0xff, 0xff},
      {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x00},
      {0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x04, 0x00, 0x00, 0x90, 0x95},
  };
  for (const auto& noise : before) {
    for (std::size_t piece = 1; piece < 8; ++piece) {
      Bytes all = noise;
      all.insert(all.end(), good.begin(), good.end());
      Bytes in;
      std::size_t at = 0;
      bool found = false;
      while (!found && at < all.size()) {
        const auto n = std::min(piece, all.size() - at);
        in.insert(in.end(), all.begin() + static_cast<std::ptrdiff_t>(at),
                  all.begin() + static_cast<std::ptrdiff_t>(at + n));
        at += n;
        for (;;) {
          const auto next = sdt::find_frame(in);
          REQUIRE(next.skip <= in.size());
          if (next.kind == sdt::Found::Kind::frame) {
            const auto heard = sdt::read_reply(next.payload);
            REQUIRE(bool(heard));
            CHECK(Bytes{heard->data.begin(), heard->data.end()} == Bytes{1, 2, 3});
            found = true;
          }
          in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(next.skip));
          if (found || next.kind == sdt::Found::Kind::partial) break;
        }
      }
      CHECK(found);
    }
  }
}

TEST_CASE("sdt: a frame that announces more than is bounded is dropped at once") {
  Bytes in{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x0f, 0xf9};  // 4089 + 7 = 4096: the longest
  CHECK(sdt::find_frame(in).kind == sdt::Found::Kind::partial);
  in.back() = 0xfa;
  CHECK(sdt::find_frame(in).kind == sdt::Found::Kind::corrupted);
  in[5] = 0x00;
  in[6] = 0x40;
  CHECK(sdt::find_frame(in, 64).kind == sdt::Found::Kind::corrupted);
}

TEST_CASE("sdt: a native module has its header on one pair of pipes and the rest on another") {
  FakeUsb usb;
  auto driver = std::move(*make_driver("sdt"));
  const auto deadline = [&] { return usb.now() + seconds{60}; };
  REQUIRE(bool(driver->open(usb, deadline())));
  auto status = driver->poll(deadline());
  REQUIRE(bool(status));
  CHECK(status->identity.serial == "05.01-20120411-0002011994-0000000001");
  usb.answers[ask_find] = reply(0x9f, {0, 0, 0, 0});
  usb.answers[ask_select] = reply(0x90, {1, 2, 3, 4, 5, 6, 7, 8});
  usb.answers[ask_base] = reply(0x90, base_data());
  const auto test = driver->self_test("read", deadline());
  REQUIRE(bool(test));
  CHECK(test->passed);
  // Silent, it costs its tries; then it is back in step.
  usb.answers.erase(ask_status);
  CHECK(driver->poll(deadline()).error().code() == Errc::timeout);
  usb.answers[ask_status] = reply(0x60);
  status = driver->poll(deadline());
  REQUIRE(bool(status));
  CHECK(codes_of(*status) == std::vector<std::string>{"sam-self-test"});
  driver->close();

  FakeUsb other{0x1234};
  const auto refused = driver->open(other, deadline());
  REQUIRE_FALSE(bool(refused));
  CHECK(refused.error().code() == Errc::refused);
  CHECK(refused.error().text() == "sdt: 0400:1234 is not among usb_readers");
  CHECK(bool((*make_driver("sdt", {{"usb_readers", "1:2  0400:1234"}}))->open(other, deadline())));
  for (const std::string bad : {"0400", "0400:", "0400:c35a,1:2", "x:y", "0400:c35a0"}) {
    CAPTURE(bad);
    const auto made = make_driver("sdt", {{"usb_readers", bad}});
    REQUIRE_FALSE(bool(made));
    CHECK(made.error().code() == Errc::invalid);
  }
}

TEST_CASE("sdt: locked memory starts empty and can be wiped") {
  auto memory = platform::LockedMemory::make(4000);
  REQUIRE_MESSAGE(bool(memory), memory.error().text());
  CHECK(memory->bytes().size() >= 4000);
  const auto clean = [&] {
    return std::ranges::all_of(memory->bytes(), [](std::uint8_t b) { return b == 0; });
  };
  CHECK(clean());
  std::ranges::fill(memory->bytes(), std::uint8_t{7});
  auto moved = std::move(*memory);
  *memory = std::move(moved);
  CHECK_FALSE(clean());
  memory->wipe();
  CHECK(clean());
}

}  // namespace kw::drivers
