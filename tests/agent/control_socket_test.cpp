// The control endpoint where it is a socket in the data folder.
#include <cstring>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/platform/control_endpoint.hpp"
#include "common/platform/posix/descriptor.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace std::chrono_literals;

TEST_CASE("the socket is the owner's alone and replaces one that a dead process left") {
  tests::TempFolder folder;
  const auto path = folder / "control.sock";
  {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
    const platform::Descriptor dead{socket(AF_UNIX, SOCK_STREAM, 0)};
    REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  REQUIRE(std::filesystem::exists(path));
  const auto gone = platform::ControlCall::connect(path, 1s);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code() == Errc::missing);
  asio::io_context io;
  platform::ControlAcceptor alive{io.get_executor()};
  REQUIRE(alive.listen(path));
  struct stat facts{};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  CHECK(platform::ControlCall::connect(path, 1s));
  alive.close();
  CHECK_FALSE(std::filesystem::exists(path));
}
