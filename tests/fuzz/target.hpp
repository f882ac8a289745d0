#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kw::fuzz {

/// What a fuzzer made up.
using Input = std::span<const std::uint8_t>;

/// One thing that must stand any bytes. `run` ends the process when it did not.
struct Target {
  std::string name;  ///< also of its folder in corpus/
  std::function<void(Input)> run;
};

/// Every target: those of the kw_fuzz() lines of CMakeLists.txt, and one for each driver that is
/// spoken to over a wire ("driver-escpos").
std::vector<Target> targets();

/// A finding that no sanitizer sees: says it and aborts.
[[noreturn]] void broken(std::string_view what);

inline std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

}  // namespace kw::fuzz
