#include <array>
#include <string>

#include <doctest/doctest.h>

#include "common/platform/modem_lines.hpp"
#include "drivers/keypad/zt588/frame.hpp"
#include "drivers/simulators/player.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using zt588::Piece;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// A reply to "3" as source E1 takes it apart, with these flags.
std::string reply_text(unsigned flags, std::string_view model = "ZT588D",
                       std::string_view serial = "0007") {
  std::string out = "3";
  out += std::string(50, 'u');
  out += std::string(48, '3');
  out += std::string{"0"} + "0123456789ABCDEF"[flags];
  out +=
      "001EFF01103337100"
      "0";
  out += "00000000";
  out += model;
  out += "1.23.41903";
  return out + std::string{serial};
}

/// A keypad on a wire without modem lines, or (with_lines) with them.
struct Attached {
  FakePort port;
  std::unique_ptr<Driver> driver;
  std::string reply = reply_text(4);

  explicit Attached(const Given& settings = {}) : driver(*make_driver("zt588", settings)) {
    port.device = [this](const Bytes& request) {
      CHECK(request == bytes_of("\x02"
                                "0013\x03"
                                "01"));
      if (!reply.empty()) port.arrive(zt588::encode(reply));
    };
  }

  MonoTime soon() const { return port.now() + seconds{2}; }
  wire::Status poll() {
    const auto status = driver->poll(soon());
    REQUIRE_MESSAGE(bool(status), status.error().text());
    return *status;
  }
  wire::Status open_and_poll() {
    const auto opened = driver->open(port, soon());
    REQUIRE_MESSAGE(bool(opened), opened.error().text());
    return poll();
  }
};

/// A FakePort with a DSR line.
class LinedPort final : public Port, public platform::ModemLines {
 public:
  explicit LinedPort(FakePort& wire) : wire_(wire) {}
  std::optional<bool> dsr = true;

  std::optional<bool> data_set_ready() const override { return dsr; }
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    return wire_.write(bytes, deadline);
  }
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    return wire_.read(into, deadline);
  }
  void discard() override { wire_.discard(); }
  void cancel() noexcept override { wire_.cancel(); }
  MonoTime now() const override { return wire_.now(); }

 private:
  FakePort& wire_;
};

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("zt588 frames: what is encoded is what the source sends") {
  CHECK(zt588::encode("3") == Bytes{0x02, 0x30, 0x30, 0x31, 0x33, 0x03, 0x30, 0x31});
  CHECK(zt588::encode("5637") ==
        Bytes{0x02, 0x30, 0x30, 0x34, 0x35, 0x36, 0x33, 0x37, 0x03, 0x33, 0x30});
  CHECK(zt588::encode(std::string(1200, 'x')).size() == 1006);
}

TEST_CASE("zt588 frames: whole, part, key presses, noise") {
  const auto whole = zt588::encode("abc");
  for (std::size_t n = 1; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(zt588::first_piece(std::span{whole}.first(n)).kind == Piece::Kind::part);
  }
  const auto piece = zt588::first_piece(whole);
  CHECK(piece.kind == Piece::Kind::frame);
  CHECK(piece.length == whole.size());
  CHECK(Bytes{piece.text.begin(), piece.text.end()} == bytes_of("abc"));
  CHECK(zt588::first_piece(zt588::encode("")).kind == Piece::Kind::frame);
  CHECK(zt588::first_piece(zt588::encode(std::string(999, '\x02'))).length == 1006);

  auto lower = zt588::encode("ab\x0d");  // a check of 6D, whose letter may be small
  const auto check = std::string{lower.end() - 2, lower.end()};
  std::ranges::transform(lower, lower.begin(), [](std::uint8_t b) {
    return b >= 'A' && b <= 'F' ? static_cast<std::uint8_t>(b + 32) : b;
  });
  CHECK_MESSAGE(zt588::first_piece(lower).kind == Piece::Kind::frame, check);

  CHECK(zt588::first_piece(bytes_of("5")).kind == Piece::Kind::key);
  CHECK(zt588::first_piece(bytes_of("\x1b")).kind == Piece::Kind::key);
  CHECK(zt588::first_piece(bytes_of("\x02"
                                    "0x1"))
            .kind == Piece::Kind::noise);
  auto wrong = whole;
  wrong.back() ^= 1;
  CHECK(zt588::first_piece(wrong).kind == Piece::Kind::noise);
  CHECK(zt588::first_piece(wrong).length == whole.size());
  wrong = whole;
  wrong[7] = 0x04;
  CHECK(zt588::first_piece(wrong).kind == Piece::Kind::noise);
}

TEST_CASE("zt588 reply: read by its rule, at any length") {
  const auto text = bytes_of(reply_text(7, "ZT588 ", {"\x12\x34\x00\x01", 4}));
  const auto reply = zt588::decode(text);
  REQUIRE(bool(reply));
  CHECK(reply->error == 0);
  CHECK(reply->information.blank);
  CHECK(reply->information.input_enabled);
  CHECK(reply->information.sound);
  CHECK(reply->information.model == "ZT588");
  CHECK(reply->information.hardware == "1.2");
  CHECK(reply->information.software == "3.4");
  CHECK(reply->information.serial == "12340001");
  for (std::size_t n = 0; n <= text.size(); ++n) {
    CAPTURE(n);
    const auto part = zt588::decode(std::span{text}.first(n));
    CHECK(bool(part) == (n >= 119));
    if (part) CHECK(part->information.model == (n >= 133 ? "ZT588" : ""));
  }

  auto punctuated = text;
  for (std::size_t i = 99; i < 119; ++i) {
    if (punctuated[i] >= 'A') punctuated[i] = static_cast<std::uint8_t>(punctuated[i] - 'A' + ':');
  }
  CHECK(bool(zt588::decode(punctuated)));
  punctuated[100] = 'x';
  CHECK(zt588::decode(punctuated).error().code() == Errc::garbled);
  CHECK(zt588::decode(bytes_of("\xed"))->error == 0xed);
}

TEST_CASE("zt588: a keypad that is well, and one without keys") {
  Attached at;
  auto status = at.open_and_poll();
  CHECK(at.port.written().size() == 1);  // the poll after `open` asks nothing
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.evidence == wire::Evidence::protocol_reply);
  CHECK(status.conditions.empty());
  CHECK(status.identity == wire::Identity{"SZZT", "ZT588D", "0007", "1.2-3.4"});

  at.reply = reply_text(5);
  status = at.poll();
  CHECK(at.port.written().size() == 2);
  CHECK(codes_of(status) == Codes{"key-missing"});
  CHECK(status.conditions.at(0).action == wire::Action::configuration);
  CHECK(status.components ==
        std::vector<wire::Component>{{"keys", wire::ComponentState::inoperable, true}});
  at.reply = reply_text(4);
  CHECK(at.poll().conditions.empty());
}

TEST_CASE("zt588: every error byte has its condition") {
  Attached at;
  at.open_and_poll();
  for (unsigned code = 0xe0; code <= 0xef; ++code) {
    CAPTURE(code);
    at.reply = std::string(1, static_cast<char>(code));
    const auto status = at.poll();
    REQUIRE(status.conditions.size() == 1);
    const auto& one = status.conditions[0];
    CHECK(one.vendor_code == std::string{"E"} + "0123456789ABCDEF"[code & 15U]);
    const bool keys = code == 0xe1 || code == 0xe2 || code == 0xe4 || code == 0xe5;
    CHECK((one.code == "key-missing") == keys);
    CHECK((one.code == "battery") == (code == 0xe0));
    CHECK((one.severity == wire::Severity::warning) ==
          (code == 0xe0 || code == 0xe8 || code == 0xe9 || code == 0xeb));
  }
}

TEST_CASE("zt588: nothing is asked while somebody types") {
  Attached at{{{"quiet_after_key_s", "60"}}};
  at.open_and_poll();
  at.port.forget_written();
  SUBCASE("a key came by itself") { at.port.arrive(bytes_of("7"), Duration{0}); }
  SUBCASE("input is enabled") {
    at.reply = reply_text(6);
    CHECK(at.poll().device == wire::DeviceState::device_busy);
    at.port.forget_written();
  }
  SUBCASE("a key came before the reply") {
    at.reply.clear();
    at.port.device = [&](const Bytes&) {
      at.port.arrive(bytes_of("7"));
      at.port.arrive(zt588::encode(reply_text(4)));
    };
    CHECK(at.poll().device == wire::DeviceState::online);
    at.port.forget_written();
  }
  SUBCASE("a key came in place of the reply") {
    at.port.device = [&](const Bytes&) { at.port.arrive(bytes_of("7")); };
    CHECK(at.poll().device == wire::DeviceState::device_busy);
    at.port.forget_written();
  }
  for (int i = 0; i < 5; ++i) {
    const auto status = at.poll();
    CHECK(status.device == wire::DeviceState::device_busy);
    CHECK(wire::health_of(status) == wire::Health::busy);
    at.port.pass(seconds{11});
  }
  CHECK(at.port.written().empty());
  at.port.arrive(bytes_of("\x1b"), Duration{0});  // the last key counts, not the first
  CHECK(at.poll().device == wire::DeviceState::device_busy);
  at.port.pass(seconds{59});
  CHECK(at.poll().device == wire::DeviceState::device_busy);
  CHECK(at.port.written().empty());
  at.port.pass(seconds{2});
  at.reply = reply_text(4);
  at.port.device = [&](const Bytes&) { at.port.arrive(zt588::encode(at.reply)); };
  CHECK(at.poll().device == wire::DeviceState::online);
  CHECK(at.port.written().size() == 1);
}

TEST_CASE("zt588: no reply, noise, another device") {
  Attached at;
  SUBCASE("silence") {
    at.reply.clear();
    CHECK(at.driver->open(at.port, at.soon()).error().code() == Errc::timeout);
  }
  SUBCASE("another baud rate: more bytes than keys are pressed") {
    at.port.device = [&](const Bytes&) { at.port.arrive(Bytes(154, 0xfd)); };
    CHECK(at.driver->open(at.port, at.soon()).error().code() == Errc::refused);
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
  }
  SUBCASE("half a reply, a wrong check, a short reply") {
    at.open_and_poll();
    auto whole = zt588::encode(reply_text(4));
    Bytes sent{whole.begin(), whole.begin() + 60};
    at.port.device = [&](const Bytes&) { at.port.arrive(sent); };
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
    sent = whole;
    sent.back() ^= 1;
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
    sent = zt588::encode("3short");
    const auto refused = at.driver->poll(at.soon());
    CHECK(refused.error().code() == Errc::garbled);
    CHECK(refused.error().text().find("short") != std::string::npos);
    sent = whole;
    CHECK(at.poll().device == wire::DeviceState::online);  // and none of it was a key
  }
  SUBCASE("a late reply is not the next one's") {
    at.open_and_poll();
    at.port.device = [&](const Bytes&) { at.port.arrive(zt588::encode(at.reply), seconds{3}); };
    at.reply = reply_text(5);
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::timeout);
    at.port.pass(seconds{5});
    at.reply = reply_text(4);
    at.port.device = [&](const Bytes&) { at.port.arrive(zt588::encode(at.reply)); };
    CHECK(at.poll().conditions.empty());
  }
  SUBCASE("noise without end") {
    at.open_and_poll();
    for (int i = 0; i < 20; ++i) at.port.arrive(Bytes(4096, 0x02), Duration{0});
    at.port.device = [](const Bytes&) {};
    CHECK_FALSE(bool(at.driver->poll(at.soon())));
  }
  SUBCASE("gone") {
    at.open_and_poll();
    at.port.cut();
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::disconnected);
  }
}

TEST_CASE("zt588: DSR tells a keypad that is off from one that is dumb") {
  Attached at;
  LinedPort lined{at.port};
  REQUIRE(bool(at.driver->open(lined, at.soon())));
  CHECK(at.poll().device == wire::DeviceState::online);

  lined.dsr = false;
  CHECK(at.poll().device == wire::DeviceState::online);  // a cable of three wires
  at.reply.clear();
  const auto off = at.poll();
  CHECK(off.device == wire::DeviceState::power_off);
  CHECK(off.evidence == wire::Evidence::presence_only);
  CHECK(codes_of(off) == Codes{"not-present"});
  CHECK(off.conditions.at(0).vendor_code == "DSR=0");
  lined.dsr = true;
  CHECK(at.driver->poll(at.soon()).error().code() == Errc::timeout);
  lined.dsr.reset();
  CHECK(at.driver->poll(at.soon()).error().code() == Errc::timeout);

  lined.dsr = false;
  at.driver->close();
  REQUIRE(bool(at.driver->open(lined, at.soon())));
  CHECK(at.poll().device == wire::DeviceState::power_off);
}

TEST_CASE("zt588: against the player, every condition") {
  const auto players = devices::players();
  const auto card =
      std::ranges::find(players, std::string_view{"zt588"}, &devices::PlayerCard::protocol);
  REQUIRE(card != players.end());
  std::vector<Error> problems;
  const auto player =
      *card->make(Settings::read(card->settings, {{"owner", "Chang'an branch"}}, problems));
  FakePort port;
  port.device = [&](const Bytes& request) {
    auto answer = player->answer(request);
    CHECK(answer.offence.empty());
    if (!answer.bytes.empty()) port.arrive(answer.bytes, answer.after);
  };
  const auto driver = *make_driver("zt588");
  const auto look = [&] { return driver->poll(port.now() + seconds{2}); };
  REQUIRE(bool(driver->open(port, port.now() + seconds{2})));
  CHECK(look()->identity.model == "ZT588D");
  for (const auto* code : {"battery", "keypad-locked", "keypad-error", "key-missing"}) {
    CAPTURE(code);
    player->set(code, true);
    CHECK(codes_of(*look()) == Codes{code});
    player->set(code, false);
  }
  player->set("key-required", true);
  CHECK(codes_of(*look()) == Codes{"key-missing"});
  player->set("key-required", false);
  player->set("hex-punctuation", true);
  CHECK(look()->device == wire::DeviceState::online);
  player->set("no-reply", true);
  CHECK(look().error().code() == Errc::timeout);
  player->set("no-reply", false);
  player->set("garbage", true);
  CHECK(look().error().code() == Errc::garbled);
  player->set("garbage", false);
  player->set("slow", true);
  CHECK(look()->device == wire::DeviceState::online);
  player->set("input", true);
  CHECK(look()->device == wire::DeviceState::device_busy);
  port.pass(seconds{61});
  player->set("input", false);
  CHECK(look()->device == wire::DeviceState::online);
  port.arrive(player->set("key", true), Duration{0});
  CHECK(look()->device == wire::DeviceState::device_busy);

  // What acts on a keypad is refused by the player.
  const auto answer = player->answer(zt588::encode("501"));
  CHECK_FALSE(answer.offence.empty());
  const auto& acted = answer.bytes;
  CHECK(Bytes{acted.begin(), acted.begin() + 5} == bytes_of("\x02"
                                                            "001\xec"));
}

}  // namespace kw::drivers
