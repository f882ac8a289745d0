#include "common/identity/random.hpp"

#include <cstdlib>

#include <openssl/rand.h>

#include "common/log.hpp"

namespace kw::identity {
namespace {

void fill(unsigned char* to, std::size_t count) {
  if (RAND_bytes(to, static_cast<int>(count)) == 1) return;
  log::error("no-randomness", {});
  std::abort();
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill(reinterpret_cast<unsigned char*>(bytes.data()), count);
  return bytes;
}

std::uint64_t random_u64() {
  unsigned char bytes[8];
  fill(bytes, sizeof bytes);
  std::uint64_t value = 0;
  for (const unsigned char b : bytes) value = value << 8 | b;
  return value;
}

}  // namespace kw::identity
