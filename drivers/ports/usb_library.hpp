#pragma once

#include <memory>
#include <string>
#include <vector>

#include <libusb.h>

#include "common/result.hpp"
#include "drivers/ports/usb_facts.hpp"

// What the files that use libusb share; only they include this.
namespace kw::drivers::usb {

struct CloseContext {
  void operator()(libusb_context* context) const { libusb_exit(context); }
};
using Context = std::unique_ptr<libusb_context, CloseContext>;

struct CloseHandle {
  void operator()(libusb_device_handle* handle) const { libusb_close(handle); }
};
using Handle = std::unique_ptr<libusb_device_handle, CloseHandle>;

struct ReleaseDevice {
  void operator()(libusb_device* device) const { libusb_unref_device(device); }
};
using Device = std::unique_ptr<libusb_device, ReleaseDevice>;

/// One user of libusb; events of what it opens are handled by the thread that waits for them.
Result<Context> make_context();

/// Every attached device.
Result<std::vector<Device>> devices(libusb_context* context);

/// Reads nothing from the device itself.
UsbFacts facts_of(libusb_device* device);

/// What an error of libusb means to a caller of a port.
Error error(int code, const std::string& where);

}  // namespace kw::drivers::usb
