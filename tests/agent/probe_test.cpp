// kioskctl probe: what the operator waits for at a port that says nothing.
#include "agent/ctl/probe.hpp"

#include <chrono>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include "drivers/catalogue.hpp"

using namespace kw;
using namespace kw::agent::ctl;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

/// Connections are made, and nobody ever says a word.
struct Silence {
  boost::asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  std::string host() const {
    return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  }
};

Probe probe_of(const std::string& driver, const std::string& address,
               const std::map<std::string, std::string, std::less<>>& settings = {}) {
  Probe out;
  out.card = drivers::find(driver);
  REQUIRE(out.card != nullptr);
  std::vector<Error> wrong;
  out.settings = drivers::Settings::read(out.card->settings, settings, wrong);
  REQUIRE(wrong.empty());
  auto port = drivers::PortAddress::parse(address);
  REQUIRE_MESSAGE(bool(port), port.error().text());
  out.address = std::move(*port);
  return out;
}

}  // namespace

TEST_CASE("probe: a silent device is left after about a second, whatever its protocol") {
  Silence silence;
  const SystemClock clock;
  for (const auto& [driver, address] : std::vector<std::pair<std::string, std::string>>{
           {"ipp", "ipp://" + silence.host() + "/ipp/print"},
           {"nut", "tcp://" + silence.host()},
           {"pjl", "tcp://" + silence.host()},
           {"sdt", "tcp://" + silence.host()}}) {
    CAPTURE(driver);
    const auto seen = probe(probe_of(driver, address), clock);
    REQUIRE(bool(seen));
    CHECK(seen->status.conditions.at(0).code == "no-reply");
    CHECK(seen->took < 1500ms);
    CHECK(seen->took >= 900ms);
  }
}

TEST_CASE("probe: a device that needs more has it by its time-out or the caller's") {
  Silence silence;
  const SystemClock clock;
  auto slow = probe_of("escpos", "tcp://" + silence.host(), {{"timeout_ms", "1400"}});
  CHECK(probe(slow, clock)->took >= 1400ms);
  slow = probe_of("nut", "tcp://" + silence.host());
  slow.contact = 1300ms;
  CHECK(probe(slow, clock)->took >= 1300ms);
}
