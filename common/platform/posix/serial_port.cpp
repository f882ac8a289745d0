#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "common/platform/modem_lines.hpp"
#include "common/platform/port.hpp"
#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

class SerialPort final : public DescriptorPort, public ModemLines {
 public:
  SerialPort(Descriptor fd, std::string name, const Clock& clock)
      : DescriptorPort(std::move(fd), std::move(name), clock) {}

  /// Exclusiveness is the terminal's, not the descriptor's: on a pseudo-terminal it would outlive
  /// us while the other side is open.
  ~SerialPort() override { ::ioctl(fd(), TIOCNXCL); }

  void discard() override { ::tcflush(fd(), TCIFLUSH); }

  std::optional<bool> data_set_ready() const override {
    int lines = 0;
    if (::ioctl(fd(), TIOCMGET, &lines) != 0) return std::nullopt;
    return (lines & TIOCM_DSR) != 0;
  }

 private:
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    return ::write(fd(), bytes.data(), bytes.size());
  }
};

speed_t speed_of(unsigned baud) {
  static constexpr std::array<std::pair<unsigned, speed_t>, 10> speeds{{{1200, B1200},
                                                                        {2400, B2400},
                                                                        {4800, B4800},
                                                                        {9600, B9600},
                                                                        {19200, B19200},
                                                                        {38400, B38400},
                                                                        {57600, B57600},
                                                                        {115200, B115200},
                                                                        {230400, B230400},
                                                                        {460800, B460800}}};
  for (const auto& [number, speed] : speeds) {
    if (number == baud) return speed;
  }
  return B9600;
}

/// The kernel keeps 8N1 on a pseudo-terminal whatever is asked, which harms nobody.
bool is_pseudo_terminal(int fd) {
  struct stat st{};
  return ::fstat(fd, &st) == 0 && major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143;
}

Result<void> configure(int fd, const SerialLine& line) {
  const std::string where = "serial:" + line.device;
  termios wanted{};
  if (::tcgetattr(fd, &wanted) != 0) return port_error(errno, where + ": not a serial port");

  ::cfmakeraw(&wanted);
  wanted.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS | HUPCL);
  wanted.c_cflag |= CLOCAL | CREAD | (line.data_bits == 7 ? CS7 : CS8);
  wanted.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY | INPCK);
  if (line.parity != SerialLine::Parity::none) {
    wanted.c_cflag |=
        static_cast<tcflag_t>(PARENB) | (line.parity == SerialLine::Parity::odd ? PARODD : 0U);
    wanted.c_iflag |= INPCK;
  }
  if (line.stop_bits == 2) wanted.c_cflag |= CSTOPB;
  if (line.flow == SerialLine::Flow::rtscts) wanted.c_cflag |= CRTSCTS;
  if (line.flow == SerialLine::Flow::xonxoff) wanted.c_iflag |= IXON | IXOFF;
  wanted.c_cc[VMIN] = 1;
  wanted.c_cc[VTIME] = 0;
  const auto speed = speed_of(line.baud);
  ::cfsetispeed(&wanted, speed);
  ::cfsetospeed(&wanted, speed);

  // tcsetattr succeeds when anything could be set: read back what the port really does.
  termios actual{};
  if (::tcsetattr(fd, TCSANOW, &wanted) != 0 || ::tcgetattr(fd, &actual) != 0) {
    return port_error(errno, where);
  }
  if (::cfgetospeed(&actual) != speed) {
    return Error{Errc::unsupported,
                 where + ": the port cannot do " + std::to_string(line.baud) + " baud"};
  }
  const tcflag_t framing = CSIZE | PARENB | PARODD;
  if ((actual.c_cflag & framing) != (wanted.c_cflag & framing) && !is_pseudo_terminal(fd)) {
    return Error{Errc::unsupported, where + ": the port cannot do these data bits and parity"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Port>> open_serial(const SerialLine& line, const Clock& clock) {
  const std::string where = "serial:" + line.device;
  // Non-blocking from the start: open(2) would else wait for a carrier on some adapters.
  Descriptor fd{::open(line.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return port_error(errno, where);
  // The lock keeps out those who ask, TIOCEXCL those who do not.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{Errc::busy, where + ": another program has it open"};
    return port_error(errno, where);
  }
  if (::ioctl(fd.get(), TIOCEXCL) != 0) return port_error(errno, where + ": not a serial port");
  // From here on the port object takes the exclusiveness back when it goes.
  const int raw = fd.get();
  std::unique_ptr<Port> port = std::make_unique<SerialPort>(std::move(fd), where, clock);
  auto configured = configure(raw, line);
  if (!configured) return std::move(configured).error();
  port->discard();
  return port;
}

}  // namespace kw::platform
