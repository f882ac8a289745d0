#pragma once

#include <string>

namespace kw::drivers {

/// A driver whose status goes by several polls, so that one alone cannot say yet what it has found.
class Unanswered {
 public:
  virtual ~Unanswered() = default;

  /// Why the last poll has got no answer, in an engineer's words; empty: it has. For who looks
  /// once.
  virtual std::string unanswered() const = 0;
};

}  // namespace kw::drivers
