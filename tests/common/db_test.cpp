#include <doctest/doctest.h>

#include "common/db/database.hpp"
#include "common/db/migrations.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::db;

namespace {

std::unique_ptr<Database> fresh() {
  auto db = Database::in_memory();
  REQUIRE(db);
  (*db)->script("CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT)");
  return std::move(*db);
}

constexpr Migration one{1, "one", "CREATE TABLE x (a BIGINT);"};
constexpr Migration two{2, "two", "ALTER TABLE x ADD COLUMN b TEXT;"};

}  // namespace

TEST_CASE("a transaction that failed anywhere keeps nothing and says why") {
  auto db = fresh();
  {
    Transaction transaction{*db};
    db->run("INSERT INTO t (a, b) VALUES ($1, $2)", 1, "one");
    db->run("INSERT INTO t (a, b) VALUES ($1, $2)", 1, "again");
    db->run("INSERT INTO t (a, b) VALUES ($1, $2)", 2, "never run");
    const auto done = transaction.commit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code() == Errc::invalid);
  }
  CHECK(db->integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("a transaction that is left without commit keeps nothing") {
  auto db = fresh();
  {
    Transaction transaction{*db};
    db->run("INSERT INTO t (a) VALUES (1)");
  }
  CHECK(db->integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("a part that fails is undone alone") {
  auto db = fresh();
  Transaction transaction{*db};
  db->run("INSERT INTO t (a) VALUES (1)");
  {
    Savepoint part{*db};
    db->run("INSERT INTO t (a) VALUES (2)");
    db->run("INSERT INTO t (a) VALUES (1)");
    CHECK_FALSE(part.release());
  }
  {
    Savepoint part{*db};
    db->run("INSERT INTO t (a) VALUES (3)");
    CHECK(part.release());
  }
  CHECK(transaction.commit());
  CHECK(db->integer("SELECT sum(a) FROM t") == 4);
}

TEST_CASE("texts, blobs, numbers and nothing come back as they went in") {
  auto db = fresh();
  db->script("CREATE TABLE v (a, b, c, d)");
  const std::string bytes{"\0\xff\1", 3};
  db->run("INSERT INTO v VALUES ($1, $2, $3, $4)", blob(bytes), 2.5, std::nullopt,
          std::optional<std::string>{"x"});
  for (const auto row : db->rows("SELECT a, b, c, d FROM v")) {
    CHECK(row.bytes(0) == bytes);
    CHECK(row.real(1) == 2.5);
    CHECK(row.null(2));
    CHECK(row.text(3) == "x");
  }
  CHECK_FALSE(db->failure());
}

TEST_CASE("parameters are bound by their number, in whatever order the text names them") {
  auto db = fresh();
  db->run("INSERT INTO t (b, a) VALUES ($2, $1)", 7, "seven");
  db->run("UPDATE t SET b=$3 || $2 WHERE a=$1", 7, "!", "eight");
  CHECK(db->text("SELECT b FROM t WHERE a=$1", 7) == "eight!");
}

TEST_CASE("a page limit shows as SQLITE_FULL and leaves the connection usable") {
  tests::TempFolder folder;
  auto db = Database::open(folder / "full.db", {});
  REQUIRE(db);
  (*db)->script("CREATE TABLE t (a BLOB); PRAGMA max_page_count=20;");
  const std::string big(200'000, 'x');
  {
    Transaction transaction{**db};
    (*db)->run("INSERT INTO t VALUES ($1)", blob(big));
    CHECK_FALSE(transaction.commit());
  }
  (*db)->run("INSERT INTO t VALUES ($1)", blob("small"));
  CHECK_FALSE((*db)->failure());
}

TEST_CASE("migrations run once each, in order") {
  auto db = Database::in_memory();
  REQUIRE(db);
  const Migration first[] = {one};
  REQUIRE(migrate(**db, first));
  CHECK(schema_version(**db) == 1);
  const Migration both[] = {one, two};
  REQUIRE(migrate(**db, both));
  REQUIRE(migrate(**db, both));
  CHECK(schema_version(**db) == 2);
}

TEST_CASE("a newer file, and a step that was edited after release, are refused") {
  auto db = Database::in_memory();
  REQUIRE(db);
  const Migration both[] = {one, two};
  REQUIRE(migrate(**db, both));
  const Migration first[] = {one};
  const auto newer = migrate(**db, first);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code() == Errc::unsupported);
  const Migration edited[] = {{1, "one", "CREATE TABLE x (a TEXT);"}, two};
  CHECK_FALSE(migrate(**db, edited));
}

TEST_CASE("a step that fails leaves the file at the step before") {
  auto db = Database::in_memory();
  REQUIRE(db);
  const Migration bad[] = {one, {2, "bad", "CREATE TABLE y (a); CREATE TABLE x (a);"}};
  CHECK_FALSE(migrate(**db, bad));
  CHECK(schema_version(**db) == 1);
  CHECK(db->get()->integer("SELECT count(*) FROM sqlite_master WHERE name='y'") == 0);
}
