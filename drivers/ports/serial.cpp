#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "drivers/ports/descriptor.hpp"
#include "drivers/ports/transports.hpp"

namespace kw::drivers {
namespace {

class SerialPort final : public DescriptorPort {
 public:
  SerialPort(Descriptor fd, std::string name, const Clock& clock)
      : DescriptorPort(std::move(fd), std::move(name), clock) {}

  /// Exclusiveness is the terminal's, not the descriptor's: on a pseudo-terminal it would outlive
  /// us while the other side is open.
  ~SerialPort() override { ::ioctl(fd(), TIOCNXCL); }

  void discard() override { ::tcflush(fd(), TCIFLUSH); }

 private:
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    return ::write(fd(), bytes.data(), bytes.size());
  }
};

speed_t speed_of(std::string_view baud) {
  static constexpr std::array<std::pair<std::string_view, speed_t>, 10> speeds{
      {{"1200", B1200},
       {"2400", B2400},
       {"4800", B4800},
       {"9600", B9600},
       {"19200", B19200},
       {"38400", B38400},
       {"57600", B57600},
       {"115200", B115200},
       {"230400", B230400},
       {"460800", B460800}}};
  for (const auto& [text, speed] : speeds) {
    if (text == baud) return speed;
  }
  return B9600;
}

/// The kernel keeps 8N1 on a pseudo-terminal whatever is asked, which harms nobody.
bool is_pseudo_terminal(int fd) {
  struct stat st{};
  return ::fstat(fd, &st) == 0 && major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143;
}

Result<void> configure(int fd, const PortAddress& address) {
  const auto option = [&](std::string_view name, std::string_view fallback) {
    const auto it = address.options.find(name);
    return it == address.options.end() ? std::string{fallback} : it->second;
  };
  const std::string where = "serial:" + address.host;
  termios wanted{};
  if (::tcgetattr(fd, &wanted) != 0) return port_error(errno, where + ": not a serial port");

  ::cfmakeraw(&wanted);
  wanted.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS | HUPCL);
  wanted.c_cflag |= CLOCAL | CREAD | (option("data", "8") == "7" ? CS7 : CS8);
  wanted.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY | INPCK);
  const auto parity = option("parity", "none");
  if (parity != "none") {
    wanted.c_cflag |= static_cast<tcflag_t>(PARENB) | (parity == "odd" ? PARODD : 0U);
    wanted.c_iflag |= INPCK;
  }
  if (option("stop", "1") == "2") wanted.c_cflag |= CSTOPB;
  const auto flow = option("flow", "none");
  if (flow == "rtscts") wanted.c_cflag |= CRTSCTS;
  if (flow == "xonxoff") wanted.c_iflag |= IXON | IXOFF;
  wanted.c_cc[VMIN] = 1;
  wanted.c_cc[VTIME] = 0;
  const auto speed = speed_of(option("baud", "9600"));
  ::cfsetispeed(&wanted, speed);
  ::cfsetospeed(&wanted, speed);

  // tcsetattr succeeds when anything could be set: read back what the port really does.
  termios actual{};
  if (::tcsetattr(fd, TCSANOW, &wanted) != 0 || ::tcgetattr(fd, &actual) != 0) {
    return port_error(errno, where);
  }
  if (::cfgetospeed(&actual) != speed) {
    return Error{Errc::unsupported,
                 where + ": the port cannot do " + option("baud", "9600") + " baud"};
  }
  const tcflag_t framing = CSIZE | PARENB | PARODD;
  if ((actual.c_cflag & framing) != (wanted.c_cflag & framing) && !is_pseudo_terminal(fd)) {
    return Error{Errc::unsupported, where + ": the port cannot do these data bits and parity"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Port>> open_serial(const PortAddress& address, const Clock& clock) {
  const std::string where = "serial:" + address.host;
  // Non-blocking from the start: open(2) would else wait for a carrier on some adapters.
  Descriptor fd{::open(address.host.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
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
  auto configured = configure(raw, address);
  if (!configured) return std::move(configured).error();
  port->discard();
  return port;
}

}  // namespace kw::drivers
