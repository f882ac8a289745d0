// The authority's files at a start: what a cut renewal left, and an authority near its end.
#include "collector/accounts/authority_files.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;

TEST_CASE("a renewal cut between the server's key and its certificate is made again") {
  tests::TempFolder folder;
  const ManualClock clock;
  REQUIRE(AuthorityFiles::create(folder.path(), {"localhost"}, clock));
  const auto before = AuthorityFiles::load(folder.path(), clock);
  REQUIRE(before);
  REQUIRE(platform::write_file(folder / "server.key", *identity::make_key(), true));
  const auto after = AuthorityFiles::load(folder.path(), clock);
  REQUIRE_MESSAGE(after, after.error().text());
  CHECK(after->pin() == before->pin());
  CHECK(identity::match_key(after->server().chain_pem, after->server().key_pem));
  const auto again = AuthorityFiles::load(folder.path(), clock);
  REQUIRE(again);
  CHECK(again->server().chain_pem == after->server().chain_pem);

  // A key that is no key is damage, as it was.
  std::ofstream{folder / "server.key"} << "nonsense";
  const auto damaged = AuthorityFiles::load(folder.path(), clock);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().text().find("server.key is damaged") != std::string::npos);
}

TEST_CASE("the issuer's key is not guessed") {
  tests::TempFolder folder;
  const ManualClock clock;
  REQUIRE(AuthorityFiles::create(folder.path(), {"localhost"}, clock));
  REQUIRE(platform::write_file(folder / "ca" / "issuer.key", *identity::make_key(), true));
  CHECK_FALSE(AuthorityFiles::load(folder.path(), clock));
}

TEST_CASE("a server's certificate that outlives its issuer is no reason not to start") {
  tests::TempFolder folder;
  ManualClock clock;
  REQUIRE(AuthorityFiles::create(folder.path(), {"localhost"}, clock));
  const auto loads = [&] {
    const auto loaded = AuthorityFiles::load(folder.path(), clock);
    CHECK_MESSAGE(loaded, loaded.error().text());
    return loaded && AuthorityFiles::load(folder.path(), clock);  // what the first one renewed
  };
  clock.advance((10 * 365 - 200) * identity::day);
  CHECK(loads());
  clock.advance(199 * identity::day);
  CHECK(loads());
}
