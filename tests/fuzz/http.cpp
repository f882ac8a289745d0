// What stands where an HTTP answer should: three questions over one HttpPort.
#include "drivers/ports/http.hpp"

#include <array>

#include "tests/fuzz/fuzz_port.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_http(Input input) {
  auto script = pieces_of(input);
  Wire wire{[&script](Input) {
    if (script.empty()) return Piece{Piece::silence, {}};
    auto next = std::move(script.front());
    script.pop_front();
    return next;
  }};
  const auto connect = [&wire](MonoTime) -> Result<std::unique_ptr<drivers::Port>> {
    return wire.connect();
  };
  drivers::HttpPort port{wire.connect(), connect, {"ipp://printer/ipp/print", "printer", "/"}};
  constexpr std::array<std::uint8_t, 3> question{1, 2, 3};
  for (int i = 0; i < 3; ++i) {
    wire.forget_reads();
    // A babbling device is read until the answer is too long or the time is over.
    const auto answer =
        port.post("application/ipp", question, wire.now() + std::chrono::seconds{2});
    if (!answer) continue;
    if (answer->status < 100 || answer->status > 999) broken("a status of no three digits");
    if (answer->body.size() > drivers::HttpPort::largest_answer) broken("an answer past its limit");
  }
}

}  // namespace kw::fuzz
