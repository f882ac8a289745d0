#pragma once

#include "collector/writer/writer.hpp"
#include "common/platform/service.hpp"
#include "common/task.hpp"

namespace kw::collector {

/// Tells the service manager again and again that the collector moves: the io thread turned, and
/// the writer answered. While either hangs nothing is told, and the manager restarts the service. A
/// write that *fails* is an answer: no restart mends a full disk, and /healthz says so already.
/// io thread; for ever, or at once back when no manager watches.
Task<void> watch_over(const platform::ServiceNotifier& service, Writer& writer);

}  // namespace kw::collector
