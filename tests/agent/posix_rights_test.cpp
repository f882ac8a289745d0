// Rights where files and ports have modes, and ports are files.
#include <doctest/doctest.h>

#include "common/platform/files.hpp"
#include "common/platform/host_checks.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;

TEST_CASE("rights are read as they are on the disk") {
  tests::TempFolder folder;
  REQUIRE(platform::write_file(folder / "secret", "x", true));
  REQUIRE(platform::write_file(folder / "open", "x", false));
  CHECK(platform::rights_of(folder / "open")->open_to_others);
  const auto mine = platform::rights_of(folder / "secret")->owner;
  const auto facts = platform::port_facts(folder / "secret", mine);
  CHECK(facts.exists);
  CHECK(facts.allowed);
  CHECK(facts.holders.empty());
  CHECK_FALSE(platform::port_facts(folder / "none", mine).exists);
}
