#include <set>

#include <doctest/doctest.h>

#include "common/identity/authority.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"
#include "common/identity/token.hpp"
#include "common/identity/uuid.hpp"
#include "common/platform/files.hpp"
#include "common/platform/host_checks.hpp"
#include "tests/link/fixture.hpp"

namespace kw::link_test {
namespace {

using identity::Certificate;
using identity::Token;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a token is read as it was written, however it was typed") {
  const auto token = *Token::make(ours().root_pin());
  const auto text = token.text();
  CHECK(text.size() == 3 + 11 * 9);
  CHECK(text.substr(0, 4) == "kw1-");
  const auto read = Token::parse(text);
  REQUIRE(read);
  CHECK(read->secret == token.secret);
  CHECK(read->pin_sha256 == token.pin_sha256);

  std::string typed = "  ";
  for (const char c : text) {
    if (c == '-')
      typed += ' ';
    else
      typed += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (char& c : typed) {
    if (c == 'o') c = '0';
    if (c == 'b') c = '8';
  }
  const auto tolerant = Token::parse(typed + "\n");
  REQUIRE(tolerant);
  CHECK(tolerant->secret == token.secret);
}

TEST_CASE("a typing error in a token is told from a wrong token") {
  const auto text = Token::make(ours().root_pin())->text();
  for (std::size_t i = 4; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    auto wrong = text;
    wrong[i] = wrong[i] == 'Q' ? 'Z' : 'Q';
    const auto read = Token::parse(wrong);
    CHECK_FALSE(read);
    CHECK(has(read.error().text(), "typing error"));
    if (i + 1 < text.size() && text[i + 1] != '-' && text[i + 1] != text[i]) {
      auto swapped = text;
      std::swap(swapped[i], swapped[i + 1]);
      CHECK_FALSE(Token::parse(swapped));
    }
  }
  CHECK(has(Token::parse(text.substr(0, 50)).error().text(), "characters"));
  CHECK(has(Token::parse("hello").error().text(), "kw1-"));
  CHECK(has(Token::parse("kw1-" + std::string(88, '9')).error().text(), "no token has"));
  CHECK_FALSE(Token::parse(""));
  CHECK_FALSE(Token::make("abc"));
}

TEST_CASE("the collector recognises a token's secret by its hash") {
  const auto token = *Token::make(ours().root_pin());
  CHECK(token.bearer().size() == 32);
  CHECK(*identity::hash_of_bearer(token.bearer()) == token.hash());
  CHECK(token.hash().size() == 64);
  CHECK(token.hash() == identity::sha256_hex(token.secret));
  CHECK(Token::make(ours().root_pin())->hash() != token.hash());
  CHECK_FALSE(identity::hash_of_bearer("ABCD"));
}

TEST_CASE("the authority's chain verifies and has the promised shape") {
  const auto root = *Certificate::parse(ours().root.certificate_pem);
  const auto issuer = *Certificate::parse(ours().issuer.certificate_pem);
  CHECK(root.is_ca);
  CHECK(issuer.is_ca);
  CHECK(root.not_after - root.not_before > 19 * 365 * identity::day);
  CHECK(issuer.issuer == root.common_name);
  const auto kiosk = ours().good_kiosk();
  const auto chain = *identity::parse_chain(kiosk.chain_pem);
  REQUIRE(chain.size() == 2);
  CHECK_FALSE(chain[0].is_ca);
  CHECK(chain[0].common_name == "SZ-0001");
  CHECK(chain[0].serial.size() == 32);
  CHECK(identity::match_key(kiosk.chain_pem, kiosk.key_pem));
  CHECK_FALSE(identity::match_key(kiosk.chain_pem, ours().issuer.key_pem));

  const auto now = real_now();
  CHECK(identity::verify_chain(kiosk.chain_pem, ours().root.certificate_pem, now));
  CHECK_FALSE(identity::verify_chain(kiosk.chain_pem, foreign().root.certificate_pem, now));
  CHECK_FALSE(identity::verify_chain(kiosk.chain_pem, ours().root.certificate_pem,
                                     now + 91 * identity::day));
  CHECK_FALSE(identity::verify_chain(kiosk.chain_pem, ours().root.certificate_pem,
                                     now - 2 * identity::day));
  CHECK(identity::verify_chain(kiosk.chain_pem, ours().root.certificate_pem, now - 23h));
}

TEST_CASE("a request's own wishes are ignored") {
  const auto key = *identity::make_key();
  const auto csr = *identity::make_csr(key, "administrator");
  const auto now = real_now();
  const auto issued = identity::sign_kiosk(ours().issuer, csr, "SZ 07/1", now);
  REQUIRE(issued);
  const auto certificate = *Certificate::parse(issued->certificate_pem);
  CHECK(certificate.common_name == "SZ 07/1");
  CHECK(certificate.uri == "spiffe://kioskwatch/agent/SZ%2007%2F1");
  CHECK(*identity::code_of_agent_uri(certificate.uri) == "SZ 07/1");
  CHECK(certificate.serial == issued->serial);
  CHECK(certificate.not_after == issued->not_after);
  CHECK(issued->not_after - now <= identity::kiosk_life);
  CHECK(issued->not_after - now > identity::kiosk_life - 2s);
  CHECK_FALSE(identity::sign_kiosk(ours().issuer, csr, "", now));
  CHECK_FALSE(identity::sign_kiosk(ours().issuer, csr, std::string(65, 'x'), now));
}

TEST_CASE("a terminal code survives its URI, and nothing else is taken for one") {
  const std::string code = "\xe6\xb7\xb1\xe5\x9c\xb3-01,DNS:evil";
  CHECK(*identity::code_of_agent_uri(identity::agent_uri(code)) == code);
  for (const char* bad :
       {"", "spiffe://kioskwatch/agent/", "spiffe://other/agent/x", "spiffe://kioskwatch/agent/%4",
        "spiffe://kioskwatch/agent/%zz", "spiffe://kioskwatch/agent/a/b"}) {
    CAPTURE(bad);
    CHECK_FALSE(identity::code_of_agent_uri(bad));
  }
}

TEST_CASE("requests are read as PEM, DER and base64, and refused when tampered with") {
  const auto key = *identity::make_key();
  const auto pem = *identity::make_csr(key, "x");
  auto der = *identity::der_from_pem(pem);
  std::string base64;
  for (std::size_t at = pem.find('\n') + 1, end = pem.rfind("\n-----END"); at < end; ++at) {
    if (pem[at] != '\n') base64 += pem[at];
  }
  const auto a = identity::check_request(pem);
  const auto b = identity::check_request(der);
  const auto c = identity::check_request(base64);
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(c);
  CHECK(a->public_key_sha256 == b->public_key_sha256);
  CHECK(a->public_key_sha256 == c->public_key_sha256);

  // Every single changed byte is noticed, whatever it breaks.
  for (std::size_t i = 0; i < der.size(); ++i) {
    der[i] = static_cast<char>(der[i] ^ 1);
    CHECK_FALSE(identity::sign_kiosk(ours().issuer, der, "SZ-0001", real_now()));
    der[i] = static_cast<char>(der[i] ^ 1);
  }
  for (const char* bad : {"", "hello", "-----BEGIN CERTIFICATE REQUEST-----\nxx\n", "0\x82"}) {
    CHECK_FALSE(identity::check_request(bad));
  }
}

TEST_CASE("an issuing authority signs nothing without its own key") {
  auto mixed = ours().issuer;
  mixed.key_pem = foreign().issuer.key_pem;
  const auto csr = *identity::make_csr(*identity::make_key(), "x");
  CHECK_FALSE(identity::sign_kiosk(mixed, csr, "SZ-0001", real_now()));
}

TEST_CASE("a server's names are names and addresses, not OpenSSL's little language") {
  const auto csr = *identity::make_csr(*identity::make_key(), "x");
  const auto now = real_now();
  CHECK(identity::sign_server(ours().issuer, csr, {"a.example", "10.0.0.1", "::1"}, now));
  CHECK_FALSE(identity::sign_server(ours().issuer, csr, {}, now));
  CHECK_FALSE(identity::sign_server(ours().issuer, csr, {"a,DNS:b"}, now));
  CHECK_FALSE(identity::sign_server(ours().issuer, csr, {""}, now));
}

TEST_CASE("serial numbers do not repeat and have one length") {
  std::set<std::string> seen;
  const auto csr = *identity::make_csr(*identity::make_key(), "x");
  for (int i = 0; i < 50; ++i) {
    const auto issued = *identity::sign_kiosk(ours().issuer, csr, "SZ-0001", real_now());
    CHECK(issued.serial.size() == 32);
    CHECK(issued.serial.find_first_not_of("0123456789ABCDEF") == std::string::npos);
    seen.insert(issued.serial);
  }
  CHECK(seen.size() == 50);
}

TEST_CASE("keys and certificates that are none are refused, encrypted keys without asking") {
  CHECK_FALSE(Certificate::parse("nothing"));
  CHECK_FALSE(identity::parse_chain(""));
  const auto good = ours().root.certificate_pem;
  CHECK_FALSE(identity::parse_chain(
      good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  CHECK_FALSE(identity::make_csr("nothing", "x"));
  const auto der = Certificate::parse(good)->der;
  CHECK(Certificate::parse(der)->serial == Certificate::parse(good)->serial);
  CHECK(Certificate::parse(good)->pem() == good);
}

TEST_CASE("a UUIDv7 carries its time and the rest is random") {
  const auto at = wall_from(0x0123456789ab * 1000LL);
  CHECK(identity::uuid_v7(at, std::string(10, '\xff')) == "01234567-89ab-7fff-bfff-ffffffffffff");
  CHECK(identity::uuid_v7(at, std::string(10, '\0')) == "01234567-89ab-7000-8000-000000000000");
  CHECK(identity::uuid_v7(at) != identity::uuid_v7(at));
  CHECK(identity::random_u64() != identity::random_u64());
}

TEST_CASE("hex is read and written") {
  CHECK(identity::to_hex("\x01\xab") == "01ab");
  CHECK(*identity::from_hex("01aB") == "\x01\xab");
  CHECK_FALSE(identity::from_hex("0"));
  CHECK_FALSE(identity::from_hex("0g"));
}

TEST_CASE("files are replaced at once, secrets for the owner alone") {
  namespace fs = std::filesystem;
  const TempFolder folder;
  const auto secret = folder.path() / "a" / "b" / "secret";
  REQUIRE(platform::make_folder(secret.parent_path(), true));
  CHECK_FALSE(platform::rights_of(secret.parent_path())->open_to_others);
  REQUIRE(platform::write_file(secret, "one", true));
  REQUIRE(platform::write_file(secret, std::string(100'000, 'x'), true));
  CHECK(platform::read_file(secret)->size() == 100'000);
  CHECK_FALSE(platform::rights_of(secret)->open_to_others);
  CHECK(std::distance(fs::directory_iterator{secret.parent_path()}, {}) == 1);
  CHECK(platform::read_file(folder.path() / "none").error().code() == Errc::missing);
  CHECK(platform::read_file(folder.path()).error().code() == Errc::storage);
  CHECK(platform::write_file(folder.path() / "no" / "folder", "x", false).error().code() ==
        Errc::missing);
  // A link planted where the new file is made is not followed.
  const auto target = folder.path() / "target";
  std::error_code no_links;  // where an ordinary user may not make any
  fs::create_symlink(target, folder.path() / "plain.new", no_links);
  REQUIRE(platform::write_file(folder.path() / "plain", "x", false));
  CHECK_FALSE(fs::exists(target));
  CHECK(platform::make_folder(folder.path() / "plain", false).error().code() == Errc::storage);
}

}  // namespace kw::link_test
