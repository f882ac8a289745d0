#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/torture/disk.hpp"

namespace kw::torture {

/// How the disk of a model lies, for controls, and how it fails.
struct Lies {
  bool sync = false;         ///< a sync does nothing
  bool folder = false;       ///< a sync makes its own file's entry durable and no other
  bool drops_failed = true;  ///< what a failed sync was for never becomes durable
};

/// What a power cut leaves.
struct Image {
  std::map<std::string, std::string> files;
  std::string what;  ///< which of the unsynced writes arrived

  void write_to(const std::filesystem::path& folder) const;
};

/// Goes through a log and cuts the power after each operation, with variants of what was not synced
/// then: nothing of it, all of it, prefixes, random subsets, torn sectors, sectors of rubbish,
/// another order.
class Images {
 public:
  Images(const Log& log, const Lies& lies, std::uint64_t seed);

  /// Each image that differs from those before at the same stand, with the number of operations
  /// before the cut. Stops when `take` says false. `owed`: points at which more was promised than
  /// before, so that an image seen already must hold more now. `stride`: the power is cut after
  /// each `stride`th operation.
  void each(int variants, std::size_t stride, const std::set<std::size_t>& owed,
            const std::function<bool(const Image&, std::size_t)>& take);

 private:
  struct Names {
    std::map<std::string, int> files;
    void apply(const Operation& operation);
  };

  void pass(const Operation& operation);
  Image image(const std::map<int, std::string>& contents, std::size_t renames,
              std::string what) const;
  /// One variant by number; false: there is none of that number.
  bool make(int variant, Image& out);

  const Log& log_;
  Lies lies_;
  std::mt19937_64 random_;
  std::map<int, std::string> durable_;     ///< by file
  std::vector<const Operation*> pending_;  ///< writes and truncations, in order
  Names names_;                            ///< as durable
  std::vector<const Operation*> entries_;  ///< creations, removals, renames not durable yet
  std::set<std::uint64_t> seen_;           ///< images of the same stand
};

}  // namespace kw::torture
