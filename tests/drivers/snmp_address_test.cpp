#include "drivers/ports/snmp_address.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "drivers/ports/open.hpp"
#include "drivers/ports/snmp_session.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using Level = SnmpUser::Level;

std::string wrong_with(SnmpOptions options, bool v3_built_in = true) {
  return complete_snmp_options(options, v3_built_in).value_or("").en;
}

TEST_CASE("snmp address: a user of SNMPv3 gets what every agent has unless told otherwise") {
  SnmpOptions options{{"version", "3"}, {"user", "kiosk"}, {"secrets", "/etc/printer.secrets"}};
  REQUIRE_FALSE(complete_snmp_options(options, true));
  const auto user = snmp_user(options);
  CHECK(user.name == "kiosk");
  CHECK(user.level == Level::auth_priv);
  CHECK(user.auth == "SHA");
  CHECK(user.privacy == "AES");
  CHECK(user.context.empty());
  CHECK(user.secrets == "/etc/printer.secrets");

  SnmpOptions proved{{"version", "3"},    {"user", "kiosk"},   {"level", "authNoPriv"},
                     {"auth", "SHA-512"}, {"context", "left"}, {"secrets", "/s"}};
  REQUIRE_FALSE(complete_snmp_options(proved, true));
  CHECK(snmp_user(proved).level == Level::auth_no_priv);
  CHECK(snmp_user(proved).auth == "SHA-512");
  CHECK(snmp_user(proved).privacy.empty());
  CHECK(snmp_user(proved).context == "left");

  SnmpOptions open{{"version", "3"}, {"user", "kiosk"}, {"level", "noAuthNoPriv"}};
  REQUIRE_FALSE(complete_snmp_options(open, true));
  CHECK(snmp_user(open).level == Level::no_auth_no_priv);
  CHECK(snmp_user(open).auth.empty());
  CHECK(snmp_user(open).secrets.empty());
}

TEST_CASE("snmp address: every mistake in a user's options is told") {
  const SnmpOptions good{{"version", "3"}, {"user", "kiosk"}, {"secrets", "/s"}};
  REQUIRE(wrong_with(good).empty());
  struct Row {
    std::string option;
    std::string value;
    std::string expected;
  };
  const std::vector<Row> rows{
      {"version", "v3", "version = \"v3\" is not one of 1, 2c, 3"},
      {"user", "", "user is missing, or not 1 to 32 printable ASCII characters"},
      {"user", std::string(33, 'u'), "user is missing, or not 1 to 32"},
      {"user", "kiosk printer", "user is missing, or not 1 to 32"},
      {"level", "authpriv",
       "level = \"authpriv\" is not one of noAuthNoPriv, authNoPriv, authPriv"},
      {"level", "noAuthNoPriv", "unknown option \"secrets\" (known with version=3 and level=no"},
      {"auth", "SHA1", "auth = \"SHA1\" is not one of SHA, SHA-224, SHA-256, SHA-384, SHA-512"},
      {"auth", "MD5", "auth = MD5 is not offered: it is broken"},
      {"privacy", "AES-256", "privacy = \"AES-256\" is not one of AES, DES"},
      {"secrets", "printer.secrets", "secrets is the whole path of a file"},
      {"context", std::string(33, 'c'), "context is up to 32"},
      {"community", "public", "unknown option \"community\" (known with version=3"},
      {"authpass", "open sesame", "unknown option \"authpass\" (known with version=3"}};
  for (const auto& [option, value, expected] : rows) {
    CAPTURE(option);
    CAPTURE(value);
    auto options = good;
    options[option] = value;
    const auto wrong = wrong_with(options);
    CHECK_MESSAGE(wrong.starts_with(expected), wrong);
    if (option == "authpass") CHECK(wrong.find(value) == std::string::npos);
  }
  auto bare = good;
  bare.erase("secrets");
  CHECK(wrong_with(bare).starts_with("secrets is missing"));
  bare["level"] = "authNoPriv";
  bare["secrets"] = "/s";
  bare["privacy"] = "AES";
  CHECK(wrong_with(bare).starts_with("unknown option \"privacy\""));
  // What is SNMPv3's is of no use with a community.
  CHECK(wrong_with({{"user", "kiosk"}}).starts_with("unknown option \"user\" (known: community"));
}

TEST_CASE("snmp address: a program without SNMPv3 says what to do, in the language asked for") {
  const SnmpOptions good{{"version", "3"}, {"user", "kiosk"}, {"secrets", "/s"}};
  const auto wrong = wrong_with(good, false);
  CHECK(wrong.find("built without SNMPv3") != std::string::npos);
  CHECK(wrong.find("KW_WITH_NETSNMP, or version=2c") != std::string::npos);
  CHECK(std::ranges::all_of(wrong, [](char c) { return (c & 0x80) == 0; }));
  auto options = good;
  const auto zh = complete_snmp_options(options, false).value_or("").zh;
  CHECK(zh.find("未包含 SNMPv3") != std::string::npos);
  CHECK(zh.find("built without") == std::string::npos);
  CHECK(wrong_with({{"version", "2c"}}, false).empty());
  // Where a configuration is checked, not when the printer is asked.
  const auto parsed = PortAddress::parse("snmp://192.0.2.7?version=3&user=kiosk&secrets=/s");
  CHECK(bool(parsed) == snmp_v3_built_in());
  if (!parsed) CHECK(parsed.error().text().find(wrong) != std::string::npos);
}

TEST_CASE("snmp address: a file of passphrases, each line by its name") {
  const auto both = parse_snmp_secrets("# printer\r\n\nauth=open = sesame\r\nprivacy= 12345678",
                                       Level::auth_priv);
  REQUIRE_MESSAGE(bool(both), both.error().text());
  CHECK(both->auth == "open = sesame");
  CHECK(both->privacy == " 12345678");
  const auto one = parse_snmp_secrets("auth=12345678\n", Level::auth_no_priv);
  REQUIRE(bool(one));
  CHECK(one->privacy.empty());

  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "no line auth="},
      {"auth=12345678\n", "no line privacy="},
      {"auth=1234567\n", "line 1: a passphrase has 8 to 255 characters (RFC 3414)"},
      {"\nauth=" + std::string(256, 'x'), "line 2: a passphrase has 8 to 255"},
      {"auth=12345678\nauth=12345678\n", "line 2: auth again"},
      {"12345678\n", "line 1 is neither auth="},
      {"auth\n", "line 1 is neither auth="},
      {"password=12345678\n", "line 1 is neither auth="}};
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    const auto bad = parse_snmp_secrets(text, Level::auth_priv);
    REQUIRE_FALSE(bool(bad));
    CHECK(bad.error().code() == Errc::invalid);
    CHECK_MESSAGE(bad.error().text().find(expected) != std::string::npos, bad.error().text());
    CHECK(bad.error().text().find("12345678") == std::string::npos);
  }
}

TEST_CASE("snmp address: where no passphrases are needed, no file is read") {
  CHECK(bool(read_snmp_secrets({.name = "kiosk", .level = Level::no_auth_no_priv})));
  const TempFolder folder;
  const auto none = read_snmp_secrets({.name = "k", .secrets = (folder.path() / "no").string()});
  REQUIRE_FALSE(bool(none));
  CHECK(none.error().code() == Errc::missing);
}

}  // namespace
}  // namespace kw::drivers
