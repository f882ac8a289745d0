// Stands in for common/identity/random.cpp, which draws from the system: epochs, ids and spreads
// have to be the same for the same seed. A program that defines these takes no other.
#include "common/identity/random.hpp"
#include "tests/simulation/rng.hpp"

namespace kw::simulation {
namespace {

Rng& generator() {
  static Rng rng{1};
  return rng;
}

}  // namespace

void seed_identities(std::uint64_t seed) { generator() = Rng{seed}; }

}  // namespace kw::simulation

namespace kw::identity {

std::uint64_t random_u64() { return simulation::generator().next(); }

std::string random_bytes(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(random_u64() & 0xffU);
  return out;
}

}  // namespace kw::identity
