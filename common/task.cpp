#include "common/task.hpp"

#include "common/log.hpp"

namespace kw {

void note_end(const std::string& what, std::exception_ptr failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    log::error("task-failed", {{"task", what}, {"reason", e.what()}});
  } catch (...) {
    log::error("task-failed", {{"task", what}, {"reason", "unknown exception"}});
  }
}

}  // namespace kw
