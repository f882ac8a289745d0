// usbfs as the kernel documents it (linux/usbdevice_fs.h), played by this process through umockdev.
#include "tests/peers/usb/mock_device.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

namespace kw::mock {
namespace {

constexpr unsigned bus = 1;

struct Handler {
  UMockdevIoctlBase parent;
  MockDevice* device;
};
struct HandlerClass {
  UMockdevIoctlBaseClass parent;
};

G_DEFINE_TYPE(Handler, handler, UMOCKDEV_TYPE_IOCTL_BASE)

gboolean on_ioctl(UMockdevIoctlBase* base, UMockdevIoctlClient* client) {
  return reinterpret_cast<Handler*>(base)->device->answer(client) ? TRUE : FALSE;
}

void handler_class_init(HandlerClass* made) { made->parent.handle_ioctl = on_ioctl; }
void handler_init(Handler*) {}

void fail_on(GError* error, const char* doing) {
  if (error == nullptr) return;
  std::fprintf(stderr, "mock: %s: %s\n", doing, error->message);
  std::abort();
}

void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}

Bytes device_descriptor(const Shape& shape) {
  Bytes out{18, 1, 0x00, 0x02, 0, 0, 0, 64};
  put16(out, shape.vendor);
  put16(out, shape.product);
  put16(out, 0x0100);
  const std::uint8_t serial = shape.serial.empty() ? 0 : 3;
  out.insert(out.end(), {1, 2, serial, 1});
  return out;
}

Bytes configuration(const Shape& shape) {
  Bytes rest;
  std::set<std::uint8_t> numbers;
  for (const auto& one : shape.functions) {
    numbers.insert(one.number);
    rest.insert(rest.end(),
                {9, 4, one.number, one.alternate, static_cast<std::uint8_t>(one.endpoints.size()),
                 one.type, one.subtype, one.protocol, 0});
    for (const auto& endpoint : one.endpoints) {
      rest.insert(rest.end(), {7, 5, endpoint.address, endpoint.attributes});
      put16(rest, endpoint.packet);
      rest.push_back(endpoint.attributes == 3 ? 10 : 0);
    }
  }
  Bytes out{9, 2};
  put16(out, static_cast<unsigned>(9 + rest.size()));
  out.insert(out.end(), {static_cast<std::uint8_t>(numbers.size()), 1, 0, 0x80, 50});
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

std::string hex(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) out += fmt::format("{:02X}", b);
  return out;
}

template <class T>
T& in(UMockdevIoctlData* data) {
  return *reinterpret_cast<T*>(data->data);
}

void put(UMockdevIoctlData* data, std::size_t offset, const void* bytes, std::size_t size) {
  Bytes copy(size);
  std::memcpy(copy.data(), bytes, size);
  umockdev_ioctl_data_update(data, offset, copy.data(), static_cast<gint>(size));
}

bool complete(UMockdevIoctlClient* client, long result, int number = 0) {
  umockdev_ioctl_client_complete(client, result, number);
  return true;
}

}  // namespace

struct MockDevice::Urb {
  UMockdevIoctlData* urb = nullptr;
  UMockdevIoctlData* buffer = nullptr;

  usbdevfs_urb& fields() const { return in<usbdevfs_urb>(urb); }
  ~Urb() {
    if (urb != nullptr) g_object_unref(urb);
    if (buffer != nullptr) g_object_unref(buffer);
  }
};

MockDevice::MockDevice(UMockdevTestbed* bed, Shape shape, unsigned port)
    : bed_(bed), shape_(std::move(shape)), port_(port), number_(port + 1) {}

MockDevice::~MockDevice() = default;

std::string MockDevice::node() const {
  return fmt::format("/dev/bus/usb/{:03}/{:03}", bus, number_);
}

std::string MockDevice::place() const {
  return fmt::format("/devices/pci0000:00/0000:00:14.0/usb{}/{}-{}", bus, bus, port_);
}

std::string MockDevice::description() const {
  auto descriptors = device_descriptor(shape_);
  const auto configured = configuration(shape_);
  descriptors.insert(descriptors.end(), configured.begin(), configured.end());
  std::string out = fmt::format(
      "P: {0}\nN: bus/usb/{1:03}/{2:03}={3}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n"
      "E: DEVNAME=/dev/bus/usb/{1:03}/{2:03}\nE: BUSNUM={1:03}\nE: DEVNUM={2:03}\n"
      "E: PRODUCT={4:x}/{5:x}/100\nA: busnum={1}\nA: devnum={2}\nA: speed=12\n"
      "A: bConfigurationValue=1\nA: idVendor={4:04x}\nA: idProduct={5:04x}\nH: descriptors={3}\n",
      place(), bus, number_, hex(descriptors), shape_.vendor, shape_.product);
  const auto text = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out += fmt::format("A: {}={}\n", name, value);
  };
  text("manufacturer", shape_.manufacturer);
  text("product", shape_.name);
  text("serial", shape_.serial);
  if (!shape_.tty.empty()) {
    // Its port hangs below its first function, as a driver of serial adapters puts it.
    out += fmt::format(
        "\nP: {0}/{1}-{2}:1.0/{3}/tty/{3}\nN: {3}\nL: device=../../../{3}\nE: DEVNAME=/dev/{3}\n"
        "E: SUBSYSTEM=tty\nE: MAJOR=188\nE: MINOR=0\n",
        place(), bus, port_, shape_.tty);
  }
  return out;
}

void MockDevice::plug() {
  if (plugged_) return;
  GError* error = nullptr;
  auto* made = static_cast<Handler*>(g_object_new(handler_get_type(), nullptr));
  made->device = this;
  // Before anybody can be told of the device: adding it tells.
  umockdev_testbed_attach_ioctl(bed_, node().c_str(), UMOCKDEV_IOCTL_BASE(made), &error);
  fail_on(error, "attach");
  plugged_ = true;
  umockdev_testbed_add_from_string(bed_, description().c_str(), &error);
  fail_on(error, "plug");
  umockdev_testbed_uevent(bed_, ("/sys" + place()).c_str(), "add");
}

void MockDevice::unplug() {
  if (!plugged_) return;
  plugged_ = false;
  while (!waiting_.empty()) {
    auto urb = std::move(waiting_.front());
    waiting_.pop_front();
    finish(std::move(urb), -ENODEV, 0);
  }
  umockdev_testbed_uevent(bed_, ("/sys" + place()).c_str(), "remove");
  umockdev_testbed_remove_device(bed_, ("/sys" + place()).c_str());
  // The old node's handler stays for those who have it open, and answers that it is gone.
  number_ += 16;
  halted_.clear();
  ready_.clear();
  driver_.clear();
}

void MockDevice::mute(bool on) {
  muted_ = on;
  pump();
}

void MockDevice::say(std::uint8_t endpoint, Bytes packet) {
  ready_[endpoint].push_back(std::move(packet));
  pump();
}

void MockDevice::finish(std::unique_ptr<Urb> urb, int status, std::size_t moved) {
  const auto actual = static_cast<int>(moved);
  put(urb->urb, offsetof(usbdevfs_urb, status), &status, sizeof status);
  put(urb->urb, offsetof(usbdevfs_urb, actual_length), &actual, sizeof actual);
  done_.push_back(std::move(urb));
}

void MockDevice::pump() {
  if (muted_) return;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    auto& fields = (*it)->fields();
    auto& ready = ready_[fields.endpoint];
    const bool halted = halted_.contains(fields.endpoint);
    const bool out = (fields.endpoint & 0x80) == 0;
    if (!halted && !out && ready.empty()) {
      ++it;
      continue;
    }
    auto urb = std::move(*it);
    it = waiting_.erase(it);
    const auto room = static_cast<std::size_t>(fields.buffer_length);
    if (halted) {
      finish(std::move(urb), -EPIPE, 0);
    } else if (out) {
      const auto* from = urb->buffer->data;
      const Bytes bytes{from, from + room};
      const auto endpoint = fields.endpoint;
      finish(std::move(urb), 0, room);
      heard(endpoint, bytes);
      return pump();
    } else {
      const Bytes packet = std::move(ready.front());
      ready.pop_front();
      const auto fits = std::min(packet.size(), room);
      put(urb->buffer, 0, packet.data(), fits);
      finish(std::move(urb), packet.size() > room ? -EOVERFLOW : 0, fits);
    }
  }
}

std::optional<Bytes> MockDevice::standard(std::span<const std::uint8_t> setup) const {
  if (setup[0] != 0x80 || setup[1] != 6 || setup[3] != 3) return std::nullopt;
  if (setup[2] == 0) return Bytes{4, 3, 0x09, 0x04};
  const std::string* text = nullptr;
  if (setup[2] == 1) text = &shape_.manufacturer;
  if (setup[2] == 2) text = &shape_.name;
  if (setup[2] == 3) text = &shape_.serial;
  if (text == nullptr || text->empty()) return std::nullopt;
  Bytes out{static_cast<std::uint8_t>(2 + 2 * text->size()), 3};
  for (const char c : *text) put16(out, static_cast<unsigned char>(c));
  return out;
}

void MockDevice::control(std::unique_ptr<Urb> urb) {
  const auto* from = urb->buffer->data;
  const std::span<const std::uint8_t> setup{from, 8};
  const std::size_t length = static_cast<std::size_t>(setup[6] | setup[7] << 8);
  const bool to_host = (setup[0] & 0x80) != 0;
  std::optional<Bytes> answer;
  if ((setup[0] & 0x60) == 0) {
    answer = standard(setup);
  } else {
    ++transfers_;
    answer = asked(setup, to_host ? Bytes{} : Bytes{from + 8, from + 8 + length});
  }
  if (!answer) return finish(std::move(urb), -EPIPE, 0);
  const auto moved = to_host ? std::min(answer->size(), length) : length;
  if (to_host) put(urb->buffer, 8, answer->data(), moved);
  finish(std::move(urb), 0, moved);
}

bool MockDevice::submit(UMockdevIoctlClient* client, UMockdevIoctlData* data) {
  GError* error = nullptr;
  auto urb = std::make_unique<Urb>();
  urb->urb = UMOCKDEV_IOCTL_DATA(g_object_ref(data));
  const auto size = static_cast<gsize>(urb->fields().buffer_length);
  urb->buffer = umockdev_ioctl_data_resolve(data, offsetof(usbdevfs_urb, buffer), size, &error);
  fail_on(error, "buffer");
  const auto type = urb->fields().type;
  if (type == USBDEVFS_URB_TYPE_CONTROL && !muted_) {
    control(std::move(urb));
  } else {
    if (type != USBDEVFS_URB_TYPE_CONTROL) ++transfers_;
    waiting_.push_back(std::move(urb));
    pump();
  }
  return complete(client, 0);
}

bool MockDevice::discard(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  const auto wanted = arg->client_addr;
  const auto at = std::ranges::find_if(waiting_, [&](const auto& urb) {
    return urb->urb->client_addr == wanted || urb->urb->client_addr == in<gulong>(arg);
  });
  if (at == waiting_.end()) return complete(client, -1, EINVAL);
  auto urb = std::move(*at);
  waiting_.erase(at);
  finish(std::move(urb), -ENOENT, 0);
  return complete(client, 0);
}

bool MockDevice::answer(UMockdevIoctlClient* client) {
  const auto request = umockdev_ioctl_client_get_request(client);
  auto* arg = umockdev_ioctl_client_get_arg(client);
  GError* error = nullptr;
  const auto size = static_cast<gsize>((request >> _IOC_SIZESHIFT) & ((1U << _IOC_SIZEBITS) - 1));
  auto* data = size == 0 ? arg : umockdev_ioctl_data_resolve(arg, 0, size, &error);
  fail_on(error, "argument");
  const bool reaps = request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY;
  if (reaps && !done_.empty()) {
    const auto urb = std::move(done_.front());
    done_.pop_front();
    umockdev_ioctl_data_set_ptr(data, 0, urb->urb);
    return complete(client, 0);
  }
  if (!plugged_) return complete(client, -1, ENODEV);
  switch (request) {
    case USBDEVFS_REAPURB:
    case USBDEVFS_REAPURBNDELAY:
      return complete(client, -1, EAGAIN);
    case USBDEVFS_SUBMITURB:
      return submit(client, data);
    case USBDEVFS_DISCARDURB:
      return discard(client, arg);
    case USBDEVFS_GET_CAPABILITIES: {
      const std::uint32_t none = 0;
      put(data, 0, &none, sizeof none);
      return complete(client, 0);
    }
    case USBDEVFS_GETDRIVER:
      if (driver_.empty()) return complete(client, -1, ENODATA);
      put(data, offsetof(usbdevfs_getdriver, driver), driver_.c_str(), driver_.size() + 1);
      return complete(client, 0);
    case USBDEVFS_DISCONNECT_CLAIM:
      put_off_ = std::exchange(driver_, {});
      ++claims_;
      return complete(client, 0);
    case USBDEVFS_IOCTL:  // USBDEVFS_CONNECT: the driver comes back
      if (!put_off_.empty()) driver_ = std::exchange(put_off_, {});
      return complete(client, 0);
    case USBDEVFS_CLAIMINTERFACE:
      if (claimed_elsewhere_ || !driver_.empty()) return complete(client, -1, EBUSY);
      ++claims_;
      return complete(client, 0);
    case USBDEVFS_CLEAR_HALT:
      halted_.erase(static_cast<std::uint8_t>(in<unsigned>(data)));
      return complete(client, 0);
    case USBDEVFS_RELEASEINTERFACE:
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_SETINTERFACE:
    case USBDEVFS_RESET:
      return complete(client, 0);
    default:
      std::fprintf(stderr, "mock: unknown ioctl %lx\n", request);
      return complete(client, -1, ENOTTY);
  }
}

}  // namespace kw::mock
