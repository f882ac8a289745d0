#pragma once

#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "tests/torture/ledger.hpp"

namespace kw::torture {

/// One line of JSON, for whoever adds up.
inline void print(std::string_view what, const Tally& tally, std::string_view unit = "crashes") {
  fmt::print("{{\"torture\":\"{}\",\"{}\":{},\"lost\":{},\"wrong\":{},\"start_failures\":{}}}\n",
             what, unit, tally.cuts, tally.lost, tally.wrong, tally.start_failures);
  std::fflush(stdout);
}

}  // namespace kw::torture
