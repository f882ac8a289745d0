// A USB smart card reader below the real libccid, made with umockdev: the system's libusb opens it,
// pcscd drives it.
//   umockdev-wrapper ccid_reader COMMAND ARGUMENT...
// runs COMMAND in the world where the reader is plugged in, and obeys lines on standard input:
// "insert", "mute" (a card that does not answer power-on), "remove", "unplug", "plug"; each is
// repeated on standard output once it is so. Ends with COMMAND, which gets SIGTERM at the end of
// the input. When "touched" stands on standard error, a command for a card's contents came: nobody
// here may send one.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <glib-unix.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <umockdev.h>
#include <unistd.h>

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t bulk_out = 0x01;
constexpr std::uint8_t bulk_in = 0x81;
constexpr std::uint8_t interrupt_in = 0x82;

// ---- what the reader is (USB 2.0 section 9.6, CCID 1.1 section 5.1)
// ---------------------------------------------

/// 08E6:3437, which libccid's table calls "Gemalto PC Twin Reader".
const Bytes device_descriptor{18,   1,    0x00, 0x02, 0,    0, 0, 64, 0xe6,
                              0x08, 0x37, 0x34, 0x00, 0x01, 1, 2, 0,  1};

Bytes configuration() {
  Bytes out{9, 2, 0, 0, 1, 1,    0, 0x80, 50,  // configuration: one interface, bus powered
            9, 4, 0, 0, 3, 0x0b, 0, 0,    0};  // interface: three endpoints, smart card class
  const Bytes ccid{
      54,   0x21, 0x10, 0x01,                                // CCID 1.1
      0,    7,    3,    0,    0,    0,                       // one slot, 5/3/1.8 V, T=0 and T=1
      0xfc, 0x0d, 0,    0,    0xfc, 0x0d, 0, 0, 0,           // 3580 kHz
      0x80, 0x25, 0,    0,    0x80, 0x25, 0, 0, 0,           // 9600 bit/s
      0xfe, 0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0,  // IFSD; no synchronous, no mechanical
      0xbe, 0x04, 0x02, 0x00,            // automatic parameters, short APDU exchange
      0x0f, 0x01, 0,    0,               // longest message: 271
      0xff, 0xff, 0,    0,    0,    1};  // no display, no keypad, one slot busy at a time
  out.insert(out.end(), ccid.begin(), ccid.end());
  for (const Bytes& endpoint :
       {Bytes{7, 5, bulk_out, 2, 64, 0, 0}, Bytes{7, 5, bulk_in, 2, 64, 0, 0},
        Bytes{7, 5, interrupt_in, 3, 8, 0, 10}}) {
    out.insert(out.end(), endpoint.begin(), endpoint.end());
  }
  out[2] = static_cast<std::uint8_t>(out.size());
  return out;
}

std::string hex(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02X", b);
    out += two.data();
  }
  return out;
}

// ---- the card's side: CCID messages (section 6)
// -----------------------------------------------------------------

enum class CardIs { absent, mute, answering };

class Slot {
 public:
  CardIs card = CardIs::absent;
  bool powered = false;

  /// What comes back on the bulk pipe for one message.
  Bytes reply(std::span<const std::uint8_t> in) {
    if (in.size() < 10) return {};
    const Bytes atr{0x3b, 0x80, 0x80, 0x01, 0x01};
    switch (in[0]) {
      case 0x62:  // PC_to_RDR_IccPowerOn
        if (card == CardIs::absent) return message(0x80, in, 0x42, 0xfe, {});
        if (card == CardIs::mute) return message(0x80, in, 0x41, 0xfe, {});
        powered = true;
        return message(0x80, in, 0, 0, atr);
      case 0x63:  // PC_to_RDR_IccPowerOff
        powered = false;
        return message(0x81, in, status(), 0, {});
      case 0x65:  // PC_to_RDR_GetSlotStatus
        return message(0x81, in, status(), 0, {});
      case 0x61:  // PC_to_RDR_SetParameters
      case 0x6c:  // PC_to_RDR_GetParameters: T=1's
        return message(0x82, in, status(), 0, {0x11, 0x10, 0x00, 0x4d, 0x00, 0xfe, 0x00});
      case 0x6f:  // PC_to_RDR_XfrBlock: for the card itself
        std::fputs("touched\n", stderr);
        return message(0x80, in, 0, 0, {0x6d, 0x00});
      default:
        return message(0x81, in, static_cast<std::uint8_t>(status() | 0x40), 0, {});
    }
  }

  /// RDR_to_PC_NotifySlotChange.
  Bytes notice() const { return {0x50, static_cast<std::uint8_t>(card == CardIs::absent ? 2 : 3)}; }

 private:
  std::uint8_t status() const {
    if (card == CardIs::absent) return 2;
    return powered ? 0 : 1;
  }

  static Bytes message(std::uint8_t type, std::span<const std::uint8_t> to, std::uint8_t status,
                       std::uint8_t error, const Bytes& data) {
    Bytes out{type, static_cast<std::uint8_t>(data.size()), 0, 0, 0, to[5], to[6], status, error,
              0};
    out.insert(out.end(), data.begin(), data.end());
    return out;
  }
};

// ---- usbdevfs
// ---------------------------------------------------------------------------------------------------

struct Transfer {
  UMockdevIoctlData* urb;
  UMockdevIoctlData* buffer;
  const usbdevfs_urb& facts() const { return *reinterpret_cast<const usbdevfs_urb*>(urb->data); }
};

void put(UMockdevIoctlData* into, std::size_t at, Bytes bytes) {
  umockdev_ioctl_data_update(into, at, bytes.data(), static_cast<gint>(bytes.size()));
}

void put_number(UMockdevIoctlData* into, std::size_t at, std::int32_t value) {
  Bytes bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  put(into, at, std::move(bytes));
}

/// One plugging-in of the reader: what the kernel would know of its transfers.
struct Wire {
  Slot& slot;
  std::list<Transfer> waiting;
  std::deque<Transfer> done;
  Bytes to_host;
  bool notice = false;

  void finish(const Transfer& one, int status, std::size_t moved) {
    put_number(one.urb, offsetof(usbdevfs_urb, status), status);
    put_number(one.urb, offsetof(usbdevfs_urb, actual_length), static_cast<std::int32_t>(moved));
    done.push_back(one);
  }

  void deliver(const Transfer& one, std::size_t at, const Bytes& bytes, std::size_t room) {
    const auto n = std::min(room, bytes.size());
    put(one.buffer, at, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)});
    finish(one, 0, n);
  }

  void pump() {
    for (auto it = waiting.begin(); it != waiting.end();) {
      const auto room = static_cast<std::size_t>(it->facts().buffer_length);
      if (it->facts().endpoint == bulk_in && !to_host.empty()) {
        deliver(*it, 0, to_host, room);
        to_host.erase(to_host.begin(), to_host.begin() + static_cast<std::ptrdiff_t>(
                                                             std::min(room, to_host.size())));
      } else if (it->facts().endpoint == interrupt_in && notice) {
        notice = false;
        deliver(*it, 0, slot.notice(), room);
      } else {
        ++it;
        continue;
      }
      it = waiting.erase(it);
    }
  }

  void control(const Transfer& one) {
    const auto* setup = one.buffer->data;
    const auto room = static_cast<std::size_t>(setup[6] | setup[7] << 8);
    const bool text = setup[0] == 0x80 && setup[1] == 6 && setup[3] == 3;
    const char* const words = setup[2] == 1 ? "Kiosk" : setup[2] == 2 ? "Reader" : nullptr;
    if (!text || (setup[2] != 0 && words == nullptr)) return finish(one, -EPIPE, 0);
    Bytes out{4, 3, 9, 4};  // string 0: English
    if (words != nullptr) {
      out = {0, 3};
      for (const char c : std::string_view{words}) {
        out.push_back(static_cast<std::uint8_t>(c));
        out.push_back(0);
      }
      out[0] = static_cast<std::uint8_t>(out.size());
    }
    deliver(one, 8, out, room);
  }

  void submit(UMockdevIoctlData* urb) {
    const auto& facts = *reinterpret_cast<const usbdevfs_urb*>(urb->data);
    Transfer one{static_cast<UMockdevIoctlData*>(g_object_ref(urb)),
                 umockdev_ioctl_data_resolve(urb, offsetof(usbdevfs_urb, buffer),
                                             static_cast<gsize>(facts.buffer_length), nullptr)};
    if (facts.type == USBDEVFS_URB_TYPE_CONTROL) {
      control(one);
    } else if (facts.endpoint == bulk_out) {
      const auto size = static_cast<std::size_t>(facts.buffer_length);
      const auto reply = slot.reply({one.buffer->data, size});
      to_host.insert(to_host.end(), reply.begin(), reply.end());
      finish(one, 0, size);
    } else {
      waiting.push_back(one);
    }
    pump();
  }

  bool discard(gulong address) {
    const auto it = std::ranges::find_if(
        waiting, [address](const Transfer& t) { return t.urb->client_addr == address; });
    if (it == waiting.end()) return false;
    finish(*it, -ENOENT, 0);
    waiting.erase(it);
    return true;
  }
};

Wire* plugged = nullptr;

/// One ioctl of libusb's on the device's node.
gboolean on_ioctl(UMockdevIoctlBase* /*base*/, UMockdevIoctlClient* client) {
  const auto request = umockdev_ioctl_client_get_request(client);
  UMockdevIoctlData* const argument = umockdev_ioctl_client_get_arg(client);
  const auto answer = [client](glong value, glong error) {
    umockdev_ioctl_client_complete(client, value, error);
    return TRUE;
  };
  if (request == USBDEVFS_DISCARDURB) {
    return plugged->discard(*reinterpret_cast<const gulong*>(argument->data)) ? answer(0, 0)
                                                                              : answer(-1, EINVAL);
  }
  const gsize size = _IOC_SIZE(request);
  UMockdevIoctlData* const data =
      size == 0 ? nullptr : umockdev_ioctl_data_resolve(argument, 0, size, nullptr);
  switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
      put_number(data, 0, 0);
      return answer(0, 0);
    case USBDEVFS_GETDRIVER:
      return answer(-1, ENODATA);
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_RELEASEINTERFACE:
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_CLEAR_HALT:
    case USBDEVFS_RESET:
      return answer(0, 0);
    case USBDEVFS_SUBMITURB:
      plugged->submit(data);
      return answer(0, 0);
    case USBDEVFS_REAPURB:
    case USBDEVFS_REAPURBNDELAY: {
      if (plugged->done.empty()) return answer(-1, EAGAIN);
      umockdev_ioctl_data_set_ptr(data, 0, plugged->done.front().urb);
      plugged->done.pop_front();
      return answer(0, 0);
    }
    default:
      std::fprintf(stderr, "unknown ioctl %lx\n", static_cast<unsigned long>(request));
      return answer(-1, ENOTTY);
  }
}

struct Handler {
  UMockdevIoctlBase parent;
};
struct HandlerClass {
  UMockdevIoctlBaseClass parent;
};
G_DEFINE_TYPE(Handler, handler, UMOCKDEV_TYPE_IOCTL_BASE)
void handler_init(Handler* /*self*/) {}
void handler_class_init(HandlerClass* type) { type->parent.handle_ioctl = on_ioctl; }

// ---- the bus
// ----------------------------------------------------------------------------------------------------

constexpr const char* device_path = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2";
constexpr const char* interface_path = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0";
constexpr const char* node = "/dev/bus/usb/001/002";

struct World {
  UMockdevTestbed* bed;
  GMainLoop* loop;
  GPid child;
  Slot slot;

  void plug() {
    const auto facts = hex(device_descriptor) + hex(configuration());
    const std::string text =
        "P: /devices/pci0000:00/0000:00:14.0/usb1/1-2\nN: bus/usb/001/002=" + facts +
        "\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNAME=/dev/bus/usb/001/002\nE: "
        "BUSNUM=001\nE: DEVNUM=002\n"
        "E: PRODUCT=8e6/3437/100\nA: busnum=1\nA: devnum=2\nA: speed=12\nA: bConfigurationValue=1\n"
        "A: idVendor=08e6\nA: idProduct=3437\nA: manufacturer=Kiosk\nA: product=Reader\nH: "
        "descriptors=" +
        facts +
        "\n\nP: /devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0\nE: SUBSYSTEM=usb\nE: "
        "DEVTYPE=usb_interface\n"
        "E: PRODUCT=8e6/3437/100\nA: bInterfaceNumber=00\nA: bInterfaceClass=0b\nA: "
        "interface=CCID\n";
    GError* wrong = nullptr;
    slot = {};
    plugged = new Wire{slot, {}, {}, {}, false};
    auto* handler = static_cast<UMockdevIoctlBase*>(g_object_new(handler_get_type(), nullptr));
    if (!umockdev_testbed_add_from_string(bed, text.c_str(), &wrong) ||
        !umockdev_testbed_attach_ioctl(bed, node, handler, &wrong)) {
      g_error("%s", wrong->message);
    }
  }

  void tell(const char* what) {
    if (std::string_view{what} == "remove") umockdev_testbed_uevent(bed, interface_path, what);
    umockdev_testbed_uevent(bed, device_path, what);
    if (std::string_view{what} == "add") umockdev_testbed_uevent(bed, interface_path, what);
  }

  void unplug() {
    tell("remove");
    umockdev_testbed_detach_ioctl(bed, node, nullptr);
    umockdev_testbed_remove_device(bed, interface_path);
    umockdev_testbed_remove_device(bed, device_path);
  }

  void card(CardIs now) {
    slot.card = now;
    slot.powered = false;
    plugged->notice = true;
    plugged->pump();
  }

  void obey(const std::string& line) {
    if (line == "insert") {
      card(CardIs::answering);
    } else if (line == "mute") {
      card(CardIs::mute);
    } else if (line == "remove") {
      card(CardIs::absent);
    } else if (line == "unplug") {
      unplug();
    } else if (line == "plug") {
      plug();
      tell("add");
    } else {
      std::fprintf(stderr, "unknown order: %s\n", line.c_str());
      return;
    }
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }
};

gboolean on_input(gint fd, GIOCondition /*why*/, gpointer context) {
  static std::string line;
  auto& world = *static_cast<World*>(context);
  std::array<char, 256> chunk{};
  const auto got = ::read(fd, chunk.data(), chunk.size());
  if (got <= 0) {
    ::kill(world.child, SIGTERM);
    return FALSE;
  }
  for (const char c : std::span{chunk}.first(static_cast<std::size_t>(got))) {
    if (c != '\n') {
      line += c;
      continue;
    }
    world.obey(line);
    line.clear();
  }
  return TRUE;
}

/// Standard output is the reader's.
void talk_aside(gpointer /*context*/) { ::dup2(STDERR_FILENO, STDOUT_FILENO); }

void on_end(GPid /*pid*/, gint /*status*/, gpointer context) {
  g_main_loop_quit(static_cast<World*>(context)->loop);
}

}  // namespace

int main(int count, char** arguments) {
  World world{umockdev_testbed_new(), g_main_loop_new(nullptr, FALSE), 0, {}};
  if (count < 2 || !umockdev_in_mock_environment()) {
    std::fputs("umockdev-wrapper ccid_reader COMMAND ARGUMENT...\n", stderr);
    return 2;
  }
  world.plug();
  GError* wrong = nullptr;
  if (!g_spawn_async(nullptr, arguments + 1, nullptr, G_SPAWN_DO_NOT_REAP_CHILD, talk_aside,
                     nullptr, &world.child, &wrong)) {
    std::fprintf(stderr, "%s\n", wrong->message);
    return 2;
  }
  g_child_watch_add(world.child, on_end, &world);
  g_unix_fd_add(STDIN_FILENO, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP), on_input, &world);
  g_main_loop_run(world.loop);
  g_object_unref(world.bed);
  return 0;
}
