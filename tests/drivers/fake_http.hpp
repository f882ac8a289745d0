#pragma once

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "drivers/ports/http.hpp"
#include "tests/drivers/fake_port.hpp"

namespace kw::drivers {

/// A connection to one scripted device, as an HttpPort owns it.
class FakeConnection final : public Port {
 public:
  explicit FakeConnection(std::shared_ptr<FakePort> device) : device_(std::move(device)) {}

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    return device_->write(bytes, deadline);
  }
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    return device_->read(into, deadline);
  }
  void discard() override { device_->discard(); }
  void cancel() noexcept override { device_->cancel(); }
  MonoTime now() const override { return device_->now(); }

 private:
  std::shared_ptr<FakePort> device_;
};

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// What follows the head of a request.
inline Bytes body_of(const Bytes& request) {
  const std::string text{request.begin(), request.end()};
  return bytes_of(text.substr(text.find("\r\n\r\n") + 4));
}

inline Bytes http_answer(std::string_view head, const Bytes& body) {
  auto out = bytes_of(head);
  const auto length = bytes_of(fmt::format("Content-Length: {}\r\n\r\n", body.size()));
  out.insert(out.end(), length.begin(), length.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

/// An HttpPort whose connections all lead to `device`; every new one begins with its wire whole and
/// nothing on its way.
struct FakeHttp {
  std::shared_ptr<FakePort> device = std::make_shared<FakePort>();
  int connections = 1;
  bool listening = true;
  HttpPort port{std::make_unique<FakeConnection>(device),
                [this](MonoTime) { return connect(); },
                {"ipp://printer:631/ipp/print", "printer:631", "/ipp/print"}};

  MonoTime within(Duration d) const { return device->now() + d; }

 private:
  Result<std::unique_ptr<Port>> connect() {
    if (!listening) return Error{Errc::refused, "fake: nobody listens"};
    ++connections;
    device->renew();
    return std::unique_ptr<Port>{std::make_unique<FakeConnection>(device)};
  }
};

}  // namespace kw::drivers
