#include <optional>
#include <string>
#include <utility>

#include <windows.h>

#include "common/platform/modem_lines.hpp"
#include "common/platform/port.hpp"
#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

class SerialPort final : public Port, public ModemLines {
 public:
  SerialPort(Handle device, std::string name, const Clock& clock)
      : device_(std::move(device)),
        cancelled_(make_event()),
        name_(std::move(name)),
        clock_(clock) {}

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    while (!bytes.empty()) {
      if (auto ended = ended_already()) return std::move(*ended);
      Overlapped operation;
      const auto started = WriteFile(device_.get(), bytes.data(), static_cast<DWORD>(bytes.size()),
                                     nullptr, operation.get());
      auto sent = finish(operation, started, deadline);
      if (!sent) return std::move(sent).error();
      bytes = bytes.subspan(*sent);
    }
    return {};
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    for (;;) {
      if (auto ended = ended_already()) return std::move(*ended);
      Overlapped operation;
      const auto started = ReadFile(device_.get(), into.data(), static_cast<DWORD>(into.size()),
                                    nullptr, operation.get());
      auto got = finish(operation, started, deadline);
      if (!got) return std::move(got).error();
      if (*got > 0) return std::size_t{*got};
    }
  }

  void discard() override { PurgeComm(device_.get(), PURGE_RXCLEAR); }
  void cancel() noexcept override { SetEvent(cancelled_.get()); }

  std::optional<bool> data_set_ready() const override {
    DWORD lines = 0;
    if (GetCommModemStatus(device_.get(), &lines) == FALSE) return std::nullopt;
    return (lines & MS_DSR_ON) != 0;
  }

  MonoTime now() const override { return clock_.mono(); }

 private:
  std::optional<Error> ended_already() const {
    if (WaitForSingleObject(cancelled_.get(), 0) != WAIT_OBJECT_0) return std::nullopt;
    return Error{Errc::disconnected, name_ + ": cancelled"};
  }

  Result<DWORD> finish(Overlapped& operation, BOOL started, MonoTime deadline) const {
    auto moved =
        operation.finish(device_.get(), started, wait_ms(now(), deadline), cancelled_.get());
    if (!moved) return std::move(moved).error().within(name_);
    return moved;
  }

  Handle device_;
  Handle cancelled_;  ///< an event, set for ever once `cancel` was called
  std::string name_;
  const Clock& clock_;
};

Error device_error(DWORD number, const std::string& where) {
  auto code = Errc::disconnected;
  if (number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND) code = Errc::missing;
  // Whoever opens a serial port has it alone; the second is told so in these words.
  if (number == ERROR_ACCESS_DENIED || number == ERROR_SHARING_VIOLATION) code = Errc::busy;
  return Error{code, where + ": " + reason_of(number)};
}

Result<void> configure(HANDLE device, const SerialLine& line, const std::string& where) {
  DCB state{};
  state.DCBlength = sizeof state;
  if (GetCommState(device, &state) == FALSE) {
    return Error{Errc::unsupported, where + ": not a serial port"};
  }
  state.BaudRate = line.baud;
  state.ByteSize = static_cast<BYTE>(line.data_bits);
  state.StopBits = line.stop_bits == 2 ? TWOSTOPBITS : ONESTOPBIT;
  state.Parity = line.parity == SerialLine::Parity::none  ? NOPARITY
                 : line.parity == SerialLine::Parity::odd ? ODDPARITY
                                                          : EVENPARITY;
  const bool hardware = line.flow == SerialLine::Flow::rtscts;
  const bool software = line.flow == SerialLine::Flow::xonxoff;
  state.fBinary = 1;
  state.fParity = line.parity != SerialLine::Parity::none ? 1 : 0;
  state.fOutxCtsFlow = hardware ? 1 : 0;
  state.fRtsControl = hardware ? RTS_CONTROL_HANDSHAKE : RTS_CONTROL_ENABLE;
  state.fOutxDsrFlow = 0;
  state.fDtrControl = DTR_CONTROL_ENABLE;
  state.fDsrSensitivity = 0;
  state.fOutX = software ? 1 : 0;
  state.fInX = software ? 1 : 0;
  state.fErrorChar = 0;
  state.fNull = 0;
  state.fAbortOnError = 0;
  if (SetCommState(device, &state) == FALSE) {
    return Error{Errc::unsupported, where + ": the port cannot do " + std::to_string(line.baud) +
                                        " baud with this framing: " + reason_of(GetLastError())};
  }
  // A read returns as soon as there is a byte; how long it waits is our business.
  COMMTIMEOUTS times{};
  times.ReadIntervalTimeout = MAXDWORD;
  times.ReadTotalTimeoutMultiplier = MAXDWORD;
  times.ReadTotalTimeoutConstant = MAXDWORD - 1;
  if (SetCommTimeouts(device, &times) == FALSE) return device_error(GetLastError(), where);
  return {};
}

}  // namespace

Result<std::unique_ptr<Port>> open_serial(const SerialLine& line, const Clock& clock) {
  const std::string where = "serial:" + line.device;
  // The prefix is what COM10 and above need, and it keeps files out.
  Handle device{CreateFileW((L"\\\\.\\" + wide(line.device)).c_str(), GENERIC_READ | GENERIC_WRITE,
                            0, nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr)};
  if (!device) return device_error(GetLastError(), where);
  auto configured = configure(device.get(), line, where);
  if (!configured) return std::move(configured).error();
  std::unique_ptr<Port> port = std::make_unique<SerialPort>(std::move(device), where, clock);
  port->discard();
  return port;
}

}  // namespace kw::platform
