#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/torture/chance.hpp"
#include "tests/torture/disk.hpp"

namespace kw::torture {

/// A way in which one kind of call fails.
struct Failing {
  Call call;
  int code;
  bool half = false;
  std::uint64_t stride = 1;  ///< calls of which there are very many are not all taken
};

inline const std::vector<Failing>& ways_to_fail() {
  static const std::vector<Failing> all{
      {Call::open, SQLITE_CANTOPEN},
      {Call::read, SQLITE_IOERR_READ, false, 2},
      {Call::write, SQLITE_FULL, false, 2},
      {Call::write, SQLITE_IOERR_WRITE, true, 2},
      {Call::truncate, SQLITE_IOERR_TRUNCATE},
      {Call::sync, SQLITE_IOERR_FSYNC},
      {Call::size, SQLITE_IOERR_FSTAT, false, 2},
      {Call::lock, SQLITE_IOERR_LOCK, false, 2},
      {Call::shm, SQLITE_IOERR_SHMLOCK, false, 3},
      {Call::remove, SQLITE_IOERR_DELETE},
  };
  return all;
}

/// Orders each fault once and for good, at the 1st, 2nd, 3rd … call, until a run passes untouched.
/// `run` gets the fault and says whether to go on. `sparse`: of the calls of which there are very
/// many only every so many-th again, in the test run.
inline void each_fault(Disk& disk, std::uint64_t sparse,
                       const std::function<bool(const Fault&)>& run) {
  constexpr std::uint64_t far_too_many = 5'000;
  for (const auto& way : ways_to_fail()) {
    for (const bool sticky : {false, true}) {
      const auto stride = way.stride == 1 || times() > 1 ? 1 : way.stride * sparse;
      for (auto at = 1 + seed(0) % stride; at < far_too_many; at += stride) {
        const Fault fault{way.call, at, sticky, way.code, way.half};
        if (!run(fault)) return;
        if (disk.struck() == 0) break;
      }
    }
  }
}

}  // namespace kw::torture
