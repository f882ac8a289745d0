#include <doctest/doctest.h>

#include "common/clock.hpp"
#include "common/i18n.hpp"
#include "common/result.hpp"
#include "common/worker.hpp"

using namespace kw;

TEST_CASE("an error gathers where it came from on its way up") {
  Error error{Errc::timeout, "no reply within 400 ms"};
  CHECK(std::move(error).within("DLE EOT 2").within("escpos").text() ==
        "escpos: DLE EOT 2: no reply within 400 ms");
}

TEST_CASE("a result holds a value or an error") {
  Result<std::string> good{"x"};
  CHECK(good);
  CHECK(good->size() == 1);
  Result<std::string> bad{Error{Errc::refused, "no"}};
  CHECK_FALSE(bad);
  CHECK(bad.error().code() == Errc::refused);
  const Result<void> done;
  CHECK(done);
}

TEST_CASE("times are written as RFC 3339 in UTC with milliseconds") {
  CHECK(rfc3339(wall_from(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339(wall_from(1'793'330'265'123'999)) == "2026-10-30T03:17:45.123Z");
  CHECK(rfc3339(wall_from(-1'000)) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("only the two languages' tags are accepted") {
  CHECK(lang_from("zh-CN") == Lang::zh_cn);
  CHECK(lang_from("en") == Lang::en);
  CHECK_FALSE(lang_from("zh"));
  CHECK_FALSE(lang_from(""));
}

TEST_CASE("a worker without threads runs its jobs where they are posted, one after the other") {
  Worker worker{0, 2};
  std::vector<int> seen;
  worker.post([&] {
    worker.post([&] { seen.push_back(2); });
    worker.post_now([&] { seen.push_back(3); });
    seen.push_back(1);
  });
  CHECK(seen == std::vector{1, 2, 3});
  worker.stop();
  worker.post([&] { seen.push_back(4); });
  CHECK(seen.size() == 3);
}

TEST_CASE("a worker runs its jobs in order and finishes what is queued before it ends") {
  std::vector<int> seen;
  {
    Worker worker{1, 2};
    for (int i = 0; i < 100; ++i) worker.post([&seen, i] { seen.push_back(i); });
  }
  REQUIRE(seen.size() == 100);
  CHECK(std::ranges::is_sorted(seen));
}
