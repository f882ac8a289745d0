#include <doctest/doctest.h>

#include "agent/ctl/table.hpp"

using namespace kw::agent::ctl;

TEST_CASE("a wide character takes two columns, a combining one none") {
  CHECK(width("abc") == 3);
  CHECK(width("设备") == 4);
  CHECK(width("e\xcc\x81") == 1);
  CHECK(width("（a）") == 5);
}

TEST_CASE("columns line up whatever the script") {
  Table table{{"设备", "state"}};
  table.row({"host", "ok"});
  table.row({"凭条打印机", "fault"});
  CHECK(table.text({}) ==
        "设备        state\n"
        "host        ok\n"
        "凭条打印机  fault\n");
}

TEST_CASE("control characters from a device never reach the terminal") {
  Table table;
  table.row({"a\x1b[31mb\nc"});
  CHECK(table.text({}) == "a?[31mb?c\n");
}
