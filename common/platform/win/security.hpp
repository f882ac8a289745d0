#pragma once

#include <memory>

#include <windows.h>

#include "common/result.hpp"

namespace kw::platform {

/// Rights for the system, the administrators and the user of this process; nobody else, whatever
/// the folder above gives away. What is made inside a folder inherits them.
class OwnersOnly {
 public:
  static Result<OwnersOnly> make();

  /// For the calls that make something.
  SECURITY_ATTRIBUTES* attributes() { return &attributes_; }
  /// The list of rights itself.
  ACL* list() const;

 private:
  struct Free {
    void operator()(void* memory) const { LocalFree(memory); }
  };
  explicit OwnersOnly(void* descriptor);

  std::unique_ptr<void, Free> descriptor_;
  SECURITY_ATTRIBUTES attributes_{};
};

}  // namespace kw::platform
