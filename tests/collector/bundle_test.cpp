#include <chrono>
#include <filesystem>

#include <doctest/doctest.h>

#include "collector/remote/bundle_files.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

void age(const fs::path& file, std::chrono::hours by) {
  fs::last_write_time(file, fs::last_write_time(file) - by);
}

}  // namespace

TEST_CASE("a bundle is kept for its command, for the owner alone, and replaced by a later one") {
  const tests::TempFolder folder;
  const BundleFiles bundles{folder / "bundles"};
  const auto now = SystemClock{}.wall();
  REQUIRE(bundles.save("K1", "a", "first", now));
  REQUIRE(bundles.save("K1", "a", "second", now));
  CHECK(*bundles.load("K1", "a") == "second");
  const auto file = folder.path() / "bundles/K1/a.json";
  CHECK((fs::status(file).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(bundles.load("K1", "b").error().code() == Errc::missing);
  CHECK(bundles.load("K2", "a").error().code() == Errc::missing);
}

TEST_CASE("no terminal code leads out of the folder or into another terminal's") {
  const tests::TempFolder folder;
  const BundleFiles bundles{folder / "bundles"};
  const auto now = SystemClock{}.wall();
  for (const auto* code : {"..", ".", "%2E", "%2E.", "广州-01", "..K"}) {
    CAPTURE(code);
    REQUIRE(bundles.save(code, "a", code, now));
  }
  for (const auto* code : {"..", ".", "%2E", "%2E.", "广州-01", "..K"}) {
    CHECK(*bundles.load(code, "a") == code);
  }
  CHECK_FALSE(fs::exists(folder.path() / "a.json"));
  CHECK_FALSE(fs::exists(folder.path() / "bundles/a.json"));
}

TEST_CASE("old bundles go, and the oldest when there is no room for all") {
  const tests::TempFolder folder;
  const BundleFiles bundles{folder / "bundles", {.bytes = 250}};
  const auto now = SystemClock{}.wall();
  const std::string body(100, 'x');
  REQUIRE(bundles.save("K1", "old", body, now));
  age(folder.path() / "bundles/K1/old.json", 24h * 31);
  REQUIRE(bundles.save("K1", "one", body, now));
  CHECK_FALSE(bundles.load("K1", "old"));
  age(folder.path() / "bundles/K1/one.json", 2h);
  REQUIRE(bundles.save("K2", "two", body, now));
  CHECK(bundles.load("K1", "one"));
  REQUIRE(bundles.save("K1", "three", body, now));
  CHECK_FALSE(bundles.load("K1", "one"));
  CHECK(bundles.load("K2", "two"));
  CHECK(bundles.load("K1", "three"));
}
