#pragma once

#include <cstdint>

#include "agent/outbox/record.hpp"
#include "agent/outbox/types.hpp"

namespace kw::agent {

/// Puts records into one batch as long as they fit its budget. Pure.
class BatchBuilder {
 public:
  BatchBuilder(std::uint64_t epoch, std::uint64_t first, const Budget& budget);

  /// The number that the next item has to start with.
  std::uint64_t next() const { return next_; }

  /// Adds a record that starts at `next()`; false when it does not fit, and nothing fits after it.
  bool add(const Record& record);

  bool full() const { return full_; }
  bool empty() const { return batch_.item().empty(); }
  pb::Batch take();

 private:
  pb::Batch batch_;
  Budget budget_;
  std::uint64_t next_;
  std::size_t bytes_;
  bool counted_ = false;
  bool full_ = false;
};

}  // namespace kw::agent
