#include "drivers/ports/usb_wire.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace kw::drivers::usb {
namespace {

/// How long a withdrawn transfer may take to come back; the system does it at once.
constexpr Duration withdrawal_limit = std::chrono::milliseconds{250};

constexpr std::uint8_t get_descriptor = 6;  // USB 2.0, table 9-4
constexpr std::uint8_t string_type = 3;     // table 9-5
constexpr std::uint8_t from_device = 0x80;
constexpr std::uint16_t english = 0x0409;
constexpr std::size_t longest_descriptor = 255;

timeval wait_of(Duration left) {
  const auto micros = std::max<Duration>(left, Duration::zero()).count();
  timeval out{};
  out.tv_sec = static_cast<decltype(out.tv_sec)>(micros / 1'000'000);
  out.tv_usec = static_cast<decltype(out.tv_usec)>(micros % 1'000'000);
  return out;
}

void put_utf8(std::string& out, char32_t c) {
  const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | (c >> 6));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3f));
  } else {
    put(0xf0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3f));
    put(0x80 | ((c >> 6) & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

}  // namespace

std::string text_of(std::span<const std::uint8_t> descriptor) {
  if (descriptor.size() < 2 || descriptor[1] != string_type) return {};
  const auto size = std::min<std::size_t>(descriptor[0], descriptor.size()) & ~std::size_t{1};
  const auto unit = [&](std::size_t at) -> char32_t {
    return at + 1 < size ? static_cast<char32_t>(descriptor[at] | descriptor[at + 1] << 8) : 0U;
  };
  std::string out;
  for (std::size_t at = 2; at < size; at += 2) {
    char32_t c = unit(at);
    const char32_t next = unit(at + 2);
    if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
      at += 2;
    }
    if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c < 0xe000)) continue;
    put_utf8(out, c);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

struct Wire::Running {
  libusb_transfer* transfer = libusb_alloc_transfer(0);
  std::vector<std::uint8_t> buffer;
  int done = 0;

  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    // A citizen's card may have been read over this.
    OPENSSL_cleanse(buffer.data(), buffer.size());
    libusb_free_transfer(transfer);
  }

  static void LIBUSB_CALL ended(libusb_transfer* transfer) {
    static_cast<Running*>(transfer->user_data)->done = 1;
  }
};

Wire::~Wire() {
  if (!lost_) return;
  // The system still writes into what a transfer holds: leaked rather than freed under it.
  [[maybe_unused]] auto* handle = handle_.release();
  [[maybe_unused]] auto* context = context_.release();
}

Result<void> Wire::open(libusb_device* device) {
  handle_.reset();
  libusb_device_handle* opened = nullptr;
  const int code = libusb_open(device, &opened);
  // Its node is gone, its entry in the list not yet.
  if (code == LIBUSB_ERROR_NO_DEVICE) return Error{Errc::missing, name_ + ": unplugged"};
  if (code != 0) return error(code, name_);
  handle_.reset(opened);
  return {};
}

void Wire::cancel() noexcept {
  cancelled_ = true;
  libusb_interrupt_event_handler(context_.get());
}

Result<std::size_t> Wire::run(std::unique_ptr<Running>& running, MonoTime deadline) {
  if (cancelled_ || lost_) return Error{Errc::disconnected, name_ + ": cancelled"};
  if (const int code = libusb_submit_transfer(running->transfer); code != 0) {
    return error(code, name_);
  }
  bool withdrawn = false;
  auto until = deadline;
  while (running->done == 0) {
    if (!withdrawn && (cancelled_ || now() >= until)) {
      withdrawn = true;
      until = now() + withdrawal_limit;
      libusb_cancel_transfer(running->transfer);  // fails when it has just ended: then it is done
    } else if (now() >= until) {
      lost_ = true;
      [[maybe_unused]] auto* leaked = running.release();
      return Error{Errc::disconnected, name_ + ": the system does not give a transfer back"};
    }
    auto wait = wait_of(until - now());
    const int code = libusb_handle_events_timeout_completed(context_.get(), &wait, &running->done);
    if (code != 0 && code != LIBUSB_ERROR_INTERRUPTED) until = now();
  }
  return outcome(*running);
}

Result<std::size_t> Wire::outcome(const Running& running) const {
  const auto& transfer = *running.transfer;
  const auto moved = static_cast<std::size_t>(std::max(transfer.actual_length, 0));
  switch (transfer.status) {
    case LIBUSB_TRANSFER_COMPLETED:
      return moved;
    case LIBUSB_TRANSFER_CANCELLED:
    case LIBUSB_TRANSFER_TIMED_OUT:
      if (cancelled_) return Error{Errc::disconnected, name_ + ": cancelled"};
      if (moved > 0) return moved;
      return Error{Errc::timeout, name_ + ": nothing within the deadline"};
    case LIBUSB_TRANSFER_STALL:
      return error(LIBUSB_ERROR_PIPE, name_);
    case LIBUSB_TRANSFER_OVERFLOW:
      return error(LIBUSB_ERROR_OVERFLOW, name_);
    case LIBUSB_TRANSFER_NO_DEVICE:
      return Error{Errc::disconnected, name_ + ": unplugged"};
    case LIBUSB_TRANSFER_ERROR:
      break;
  }
  return Error{Errc::disconnected, name_ + ": the transfer broke down"};
}

Result<std::size_t> Wire::transfer(UsbEndpoint::Kind kind, std::uint8_t endpoint,
                                   std::span<std::uint8_t> bytes, MonoTime deadline) {
  auto running = std::make_unique<Running>();
  running->buffer.assign(bytes.begin(), bytes.end());
  const auto fill = kind == UsbEndpoint::Kind::interrupt ? libusb_fill_interrupt_transfer
                                                         : libusb_fill_bulk_transfer;
  // Without a time limit of libusb's own: deadlines are the clock's.
  fill(running->transfer, handle(), endpoint, running->buffer.data(),
       static_cast<int>(bytes.size()), Running::ended, running.get(), 0);
  auto moved = run(running, deadline);
  if (moved && (endpoint & from_device) != 0) {
    std::copy_n(running->buffer.begin(), std::min(*moved, bytes.size()), bytes.begin());
  }
  if (!moved && running && running->transfer->status == LIBUSB_TRANSFER_STALL) {
    // Else every later transfer would fail as well.
    libusb_clear_halt(handle(), endpoint);
  }
  return moved;
}

Result<std::vector<std::uint8_t>> Wire::control(const UsbSetup& setup,
                                                std::span<const std::uint8_t> bytes,
                                                std::size_t most, MonoTime deadline) {
  constexpr std::size_t longest = 4096;  // what Linux takes
  const bool in = (setup.type & from_device) != 0;
  const auto size = in ? most : bytes.size();
  if (size > longest) return Error{Errc::invalid, name_ + ": a control transfer that long"};
  auto running = std::make_unique<Running>();
  running->buffer.resize(LIBUSB_CONTROL_SETUP_SIZE + size);
  libusb_fill_control_setup(running->buffer.data(), setup.type, setup.request, setup.value,
                            setup.index, static_cast<std::uint16_t>(size));
  std::ranges::copy(bytes, running->buffer.begin() + LIBUSB_CONTROL_SETUP_SIZE);
  libusb_fill_control_transfer(running->transfer, handle(), running->buffer.data(), Running::ended,
                               running.get(), 0);
  auto moved = run(running, deadline);
  if (!moved) {
    if (!running || running->transfer->status != LIBUSB_TRANSFER_STALL) {
      return std::move(moved).error();
    }
    return Error{Errc::unsupported,
                 fmt::format("{}: the device does not know request {:02x} {:02x}", name_,
                             setup.type, setup.request)};
  }
  const auto begin = running->buffer.begin() + LIBUSB_CONTROL_SETUP_SIZE;
  return std::vector<std::uint8_t>{begin,
                                   begin + static_cast<std::ptrdiff_t>(std::min(*moved, size))};
}

Result<std::string> Wire::text(std::uint8_t index, std::uint16_t language, MonoTime deadline) {
  if (index == 0) return std::string{};
  const UsbSetup ask{from_device, get_descriptor,
                     static_cast<std::uint16_t>(string_type << 8 | index), language};
  const auto answer = control(ask, {}, longest_descriptor, deadline);
  if (answer) return text_of(*answer);
  if (answer.error().code() == Errc::unsupported) return std::string{};
  return answer.error();
}

Result<UsbNames> Wire::names(MonoTime deadline) {
  libusb_device_descriptor descriptor{};
  if (const int code = libusb_get_device_descriptor(libusb_get_device(handle()), &descriptor);
      code != 0) {
    return error(code, name_);
  }
  const UsbSetup ask_languages{from_device, get_descriptor,
                               static_cast<std::uint16_t>(string_type << 8), 0};
  const auto languages = control(ask_languages, {}, longest_descriptor, deadline);
  if (!languages && languages.error().code() != Errc::unsupported) return languages.error();
  std::uint16_t language = english;
  if (languages && languages->size() >= 4) {
    language = static_cast<std::uint16_t>((*languages)[2] | (*languages)[3] << 8);
  }
  UsbNames out;
  const std::array<std::pair<std::uint8_t, std::string*>, 3> texts{
      {{descriptor.iManufacturer, &out.manufacturer},
       {descriptor.iProduct, &out.product},
       {descriptor.iSerialNumber, &out.serial}}};
  for (const auto& [index, to] : texts) {
    auto told = text(index, language, deadline);
    if (!told) return std::move(told).error();
    *to = std::move(*told);
  }
  return out;
}

}  // namespace kw::drivers::usb
