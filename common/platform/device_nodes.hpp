#pragma once

#include <filesystem>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "common/task.hpp"

namespace kw::platform {

/// Notices that the system made a device node: a USB serial adapter was plugged in, say. Costs
/// nothing until then. One coroutine of the given executor at a time.
class DeviceNodes {
 public:
  explicit DeviceNodes(const asio::any_io_executor& io,
                       const std::filesystem::path& folder = "/dev");
  ~DeviceNodes();

  /// Suspends until a node was made or its rights changed since the last call; what comes together
  /// counts once. Where the system does not tell, resumes every hour.
  Task<void> appeared();

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace kw::platform
