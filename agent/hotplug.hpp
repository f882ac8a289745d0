#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "agent/outbox/journal.hpp"
#include "agent/strangers.hpp"
#include "agent/watch.hpp"
#include "common/platform/device_nodes.hpp"
#include "common/task.hpp"
#include "drivers/ports/usb_watch.hpp"

namespace kw::agent {

/// What is plugged in and pulled out makes devices be polled at once, and is noted where no
/// configured device stands for it. io thread only; what is given outlives it.
class Hotplug {
 public:
  Hotplug(asio::io_context& io, Watch& watch, Journal& journal, const Clock& clock)
      : io_(io), watch_(watch), journal_(journal), clock_(clock), nodes_(io.get_executor()) {}

  /// Watches from the first call on, also when no configured device is on USB: what is plugged in
  /// beside them is told.
  void use(const AgentConfig& config);
  void stop() { usb_.reset(); }

  /// Polls what was absent when the system makes a device node.
  Task<void> run();

 private:
  void changed(const drivers::UsbChange& change);
  Task<void> look_again();

  asio::io_context& io_;
  Watch& watch_;
  Journal& journal_;
  const Clock& clock_;
  platform::DeviceNodes nodes_;
  Strangers strangers_;
  bool looking_again_ = false;
  bool left_again_ = false;                 ///< something left that was not looked for again yet
  std::unique_ptr<drivers::UsbWatch> usb_;  ///< null where nothing can be watched
};

}  // namespace kw::agent
