#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "drivers/port.hpp"
#include "drivers/ports/usb_address.hpp"
#include "drivers/ports/usb_facts.hpp"

namespace kw::drivers {

/// A device in the system's list, with the texts that the system has of it.
struct UsbAttached {
  UsbFacts facts;
  std::string manufacturer;
  std::string product;
  std::vector<std::string> serials;  ///< at most one, but see platform::UsbTexts

  bool has_serial(const std::string& serial) const;
};

/// Every attached USB device, hubs included, none of them opened. Takes milliseconds; the devices
/// themselves are not asked, so none of them can make it late. Any thread.
Result<std::vector<UsbAttached>> list_usb();

/// The port `usb-list:VID:PID`: looks into the system's device list and never opens a device, so
/// whoever uses the device is not disturbed. Opening it succeeds whatever is attached.
class UsbListPort : public Port {
 public:
  UsbListPort(UsbAddress wanted, const Clock& clock) : wanted_(std::move(wanted)), clock_(clock) {}

  /// What is attached now; tests give their own.
  virtual Result<std::vector<UsbAttached>> attached() const { return list_usb(); }

  /// Which of them is meant.
  const UsbAddress& wanted() const { return wanted_; }

  /// Always unsupported: nothing is opened.
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override {}
  void cancel() noexcept override {}
  MonoTime now() const override { return clock_.mono(); }

 private:
  UsbAddress wanted_;
  const Clock& clock_;
};

}  // namespace kw::drivers
