#include "drivers/ports/quiet.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kw::drivers {

Result<void> wait_until_quiet(Port& port, Duration silence, MonoTime deadline) {
  std::array<std::uint8_t, 256> scrap{};
  for (;;) {
    const auto until = port.now() + silence;
    auto got = port.read(scrap, std::min(until, deadline));
    if (got) {
      if (port.now() < deadline) continue;
      return Error{Errc::garbled, "the line is never quiet"};
    }
    if (got.error().code() != Errc::timeout) return std::move(got).error();
    if (until > deadline) return Error{Errc::timeout, "no time left to wait for a quiet line"};
    return {};
  }
}

}  // namespace kw::drivers
