#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "drivers/scanner/menu/menu.hpp"
#include "drivers/simulators/player.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using menu::Found;
using menu::Item;
using menu::Verdict;
using std::chrono::seconds;

const menu::Dialect& dialect(std::string_view name) {
  return *std::ranges::find(menu::dialects(), name, &menu::Dialect::name);
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

/// A driver on a wire to the player of its model.
struct Attached {
  std::unique_ptr<devices::Player> player;
  FakePort port;
  std::unique_ptr<Driver> driver;
  std::string offence;

  explicit Attached(const std::string& model, bool port_is_ours = true,
                    const std::string& query = {}) {
    const auto players = devices::players();
    const auto card =
        std::ranges::find(players, std::string_view{"scanner"}, &devices::PlayerCard::protocol);
    std::vector<Error> problems;
    player = *card->make(Settings::read(card->settings, {{"model", model}}, problems));
    port.device = [this](const Bytes& request) {
      auto answer = player->answer(request);
      offence += answer.offence;
      if (!answer.bytes.empty()) port.arrive(answer.bytes, answer.after);
    };
    driver = *make_driver(
        "scanner",
        {{"model", model}, {"query", query}, {"port_is_ours", port_is_ours ? "true" : "false"}});
  }
  ~Attached() { CHECK(offence.empty()); }

  MonoTime soon() const { return port.now() + seconds{2}; }
};

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("scanner menu: what the manuals write is what is encoded") {
  CHECK(*menu::encode(dialect("newland"), "C11*") == bytes_of("~\x01"
                                                              "0000@C11*;\x03"));
  CHECK(*menu::encode(dialect("newland"), "C11MIN*,MAX*") == bytes_of("~\x01"
                                                                      "0000@C11MIN*,MAX*;\x03"));
  CHECK(*menu::encode(dialect("newland"), "C11*;CODENA&", '#') ==
        bytes_of("~\x01"
                 "0000#C11*;CODENA&;\x03"));
  CHECK(*menu::encode(dialect("honeywell"), "232BAD?") == bytes_of("\x16M\r"
                                                                   "232BAD?!"));
  CHECK(*menu::encode(dialect("honeywell"), "CBR^", '.') == bytes_of("\x16M\r"
                                                                     "CBR^."));
  CHECK(*menu::encode(dialect("mindeo"), "0401?") == bytes_of("\x16M\r"
                                                              "0401?."));
}

TEST_CASE("scanner menu: a setting cannot be encoded") {
  for (const auto* name : {"newland", "honeywell", "mindeo"}) {
    CAPTURE(name);
    const auto& of = dialect(name);
    for (const auto* text :
         {"", "C11", "C11ENA1", "C11ENA0,MIN*", "CBRENA?,MIN2", "*", "?", "C1*", "c11*", "C11*;",
          "C11*.", "C11 *", "C11MINXY*", "C11*\x03", "232BAD5.232BAD?"}) {
      CAPTURE(text);
      const auto made = menu::encode(of, text);
      REQUIRE_FALSE(bool(made));
      CHECK(made.error().code() == Errc::invalid);
    }
    CHECK_FALSE(bool(menu::encode(of, of.fallback_query, '$')));
    CHECK(bool(menu::encode(of, of.fallback_query)));
  }
  std::string many = "C11*";
  while (many.size() < 70) many += ",MIN*";
  CHECK_FALSE(bool(menu::encode(dialect("newland"), many)));
}

TEST_CASE("scanner menu: replies are found whole, in part, and behind scanned codes") {
  struct Row {
    const char* model;
    const char* query;
    std::string reply;
    std::vector<Item> items;
  };
  const std::vector<Row> rows{
      {"newland",
       "C11MIN*,MAX*",
       "\x02\x01"
       "0000@C11MIN12\x06,MAX22\x06;\x03",
       {{"C11MIN12", Verdict::good}, {"MAX22", Verdict::good}}},
      {"newland",
       "XYZ*",
       "\x02\x01"
       "0000#XYZ*\x05;\x03",
       {{"XYZ*", Verdict::unknown_name}}},
      {"newland",
       "C11*;CODENA*",
       "\x02\x01"
       "0000@C11ENA1\x06;CODENA0\x15;\x03",
       {{"C11ENA1", Verdict::good}, {"CODENA0", Verdict::bad_value}}},
      {"honeywell", "CBRENA?", "CBRENA1\x06!", {{"CBRENA1", Verdict::good}}},
      {"honeywell",
       "CBR?",
       "CBRENA1\x06,SSX0\x06,MAX60\x06.",
       {{"CBRENA1", Verdict::good}, {"SSX0", Verdict::good}, {"MAX60", Verdict::good}}},
      {"honeywell",
       "REVINF?",
       "REVINFBoot 1.2!\r\nApp 3.4.\x06!",
       {{"REVINFBoot 1.2!\r\nApp 3.4.", Verdict::good}}},
      {"mindeo", "0401?", "04014\x06.", {{"04014", Verdict::good}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.model);
    CAPTURE(row.query);
    const auto& of = dialect(row.model);
    for (const std::string before : {"", "6901234567892\r\n", "\x02", "C11", "CBR\r"}) {
      CAPTURE(before);
      const auto all = before + row.reply;
      const auto found = menu::find_reply(of, row.query, bytes_of(all + "next"));
      CHECK(found.kind == Found::Kind::reply);
      CHECK(found.skip == all.size());
      if (before != "CBR\r") CHECK(found.items == row.items);
      for (std::size_t n = before.size() + 1; n < all.size(); ++n) {
        CAPTURE(n);
        const auto part = menu::find_reply(of, row.query, bytes_of(all.substr(0, n)));
        CHECK(part.kind == Found::Kind::part);
        CHECK(part.skip <= before.size());
      }
    }
    CHECK(menu::find_reply(of, row.query, bytes_of("no reply at all")).kind ==
          Found::Kind::nothing);
    const auto endless =
        bytes_of(row.reply.substr(0, row.reply.find_first_of("\x06\x05")) + std::string(5000, 'x'));
    CHECK(menu::find_reply(of, row.query, endless).kind == Found::Kind::nothing);
  }
  CHECK(menu::find_reply(dialect("newland"), "C11*", {}).kind == Found::Kind::nothing);
  // A status that no stop follows is none.
  CHECK(menu::find_reply(dialect("honeywell"), "CBRENA?", bytes_of("CBRENA1\x06x")).kind ==
        Found::Kind::nothing);
}

TEST_CASE("scanner: a port that others may use is not written to and not read") {
  Attached at{"newland", false};
  at.port.arrive(bytes_of("6901234567892\r"), Duration{0});
  REQUIRE(bool(at.driver->open(at.port, at.soon())));
  const auto status = at.driver->poll(at.soon());
  REQUIRE(bool(status));
  CHECK(status->device == wire::DeviceState::online);
  CHECK(status->evidence == wire::Evidence::presence_only);
  CHECK(status->components ==
        std::vector<wire::Component>{{"scanner", wire::ComponentState::unknown, true}});
  CHECK(at.port.written().empty());
  std::array<std::uint8_t, 64> scanned{};
  CHECK(*at.port.read(scanned, at.soon()) == 14);

  // In maintenance, on an operator's order.
  const auto test = at.driver->self_test("query", at.soon());
  REQUIRE_MESSAGE(bool(test), test.error().text());
  CHECK(test->passed);
  CHECK(test->attempts.size() == 1);
  CHECK(test->detail == "C11*: 3 of 3 answered with ACK");
  CHECK(at.driver->self_test("other", at.soon()).error().code() == Errc::unsupported);
}

TEST_CASE("scanner: every model is asked in its words") {
  for (const std::string model : {"newland", "honeywell", "mindeo"}) {
    CAPTURE(model);
    Attached at{model};
    REQUIRE(bool(at.driver->open(at.port, at.soon())));
    CHECK(bool(at.driver->poll(at.soon())));
    CHECK(at.port.written().size() == 1);
    auto status = at.driver->poll(at.soon());
    CHECK(at.port.written().size() == 2);
    REQUIRE(bool(status));
    CHECK(status->evidence == wire::Evidence::protocol_reply);
    CHECK(status->components ==
          std::vector<wire::Component>{{"scanner", wire::ComponentState::on, true}});

    at.player->set("unknown-tag", true);  // it is there all the same
    CHECK(bool(at.driver->poll(at.soon())));
    const auto test = at.driver->self_test("query", at.soon());
    CHECK((test && !test->passed));
    at.player->set("unknown-tag", false);

    at.port.arrive(at.player->set("scan", true), Duration{500});  // just before the reply
    CHECK(bool(at.driver->poll(at.soon())));
    at.player->set("slow", true);
    CHECK(bool(at.driver->poll(at.soon())));
    at.player->set("slow", false);
    at.player->set("no-reply", true);
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::timeout);
    at.player->set("no-reply", false);
    at.player->set("garbage", true);
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
    at.driver->close();
    CHECK(at.driver->open(at.port, at.soon()).error().code() == Errc::refused);
    at.player->set("garbage", false);
    CHECK(bool(at.driver->open(at.port, at.soon())));
    at.port.cut();
    CHECK(bool(at.driver->poll(at.soon())));
    CHECK(at.driver->poll(at.soon()).error().code() == Errc::disconnected);
  }
}

TEST_CASE("scanner: what is scanned instead of a reply is in no error") {
  Attached at{"honeywell"};
  at.port.device = [&](const Bytes&) { at.port.arrive(bytes_of("HEALTHCODE-4401\r\n")); };
  const auto opened = at.driver->open(at.port, at.soon());
  REQUIRE_FALSE(bool(opened));
  CHECK(opened.error().text().find("4401") == std::string::npos);
  at.port.device = [&](const Bytes&) { at.port.arrive(Bytes(100'000, 'x')); };
  CHECK(at.driver->poll(at.soon()).error().code() == Errc::garbled);
}

TEST_CASE("scanner: settings that would write are refused, and the player notices one") {
  CHECK(make_driver("scanner", {{"query", "232BAD5"}, {"model", "honeywell"}}).error().code() ==
        Errc::invalid);
  CHECK(make_driver("scanner", {{"model", "cipherlab"}}).error().text().find("honeywell") !=
        std::string::npos);
  Attached own{"honeywell", true, "CBR?"};
  REQUIRE(bool(own.driver->open(own.port, own.soon())));
  CHECK(own.driver->self_test("query", own.soon())->detail == "CBR?: 3 of 3 answered with ACK");

  Attached other{"newland"};
  CHECK_FALSE(other.player
                  ->answer(bytes_of("~\x01"
                                    "0000@C11ENA0;\x03"))
                  .offence.empty());
  CHECK(text_of(other.player
                    ->answer(bytes_of("~\x01"
                                      "0000@C11MIN*,MAX^;\x03"))
                    .bytes) ==
        "\x02\x01"
        "0000@C11MIN12\x06,MAX0-99\x06;\x03");
}

}  // namespace kw::drivers
