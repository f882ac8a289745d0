#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "tests/drivers/vectors.hpp"

namespace kw::drivers {

/// The only frame of a vector, which it fills to its last byte.
struct OnlyFrame {
  std::vector<std::uint8_t> payload;
  std::vector<std::uint8_t> bytes;
  bool there = false;
};

/// `find` is a production decoder's find_frame. Control bytes, an address byte and noise may come
/// before the frame. Makes checks: what differs from it by one bit is no frame, what is cut short
/// is a part of one.
template <class Find>
OnlyFrame only_frame(std::vector<std::uint8_t> in, std::size_t overhead, Find find,
                     Outcome& outcome) {
  OnlyFrame out;
  auto found = find(in);
  using Kind = decltype(found.kind);
  while (found.kind != Kind::frame) {
    outcome.part = found.kind == Kind::partial && found.skip < in.size();
    if (found.kind == Kind::partial) {
      outcome.why = "no whole frame";
      return out;
    }
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
    found = find(in);
  }
  if (found.skip != in.size()) {
    outcome.why = "bytes behind the frame";
    return out;
  }
  out.there = true;
  out.payload.assign(found.payload.begin(), found.payload.end());
  out.bytes.assign(in.end() - static_cast<std::ptrdiff_t>(out.payload.size() + overhead), in.end());
  const auto& frame = out.bytes;
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    CAPTURE(bit);
    auto damaged = frame;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    CHECK(find(damaged).kind != Kind::frame);
  }
  for (std::size_t n = 0; n < frame.size(); ++n) {
    CAPTURE(n);
    const std::vector<std::uint8_t> begun{frame.begin(),
                                          frame.begin() + static_cast<std::ptrdiff_t>(n)};
    CHECK(find(begun).kind == Kind::partial);
  }
  return out;
}

}  // namespace kw::drivers
