#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void broken(std::string_view what) {
  std::fprintf(stderr, "FINDING: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace kw::fuzz
