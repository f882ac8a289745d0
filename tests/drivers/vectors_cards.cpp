// Card readers against their vectors.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/card_reader/crt310/frame.hpp"
#include "drivers/card_reader/f2/frame.hpp"
#include "tests/drivers/vectors_frames.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

const auto find_crt310 = [](const Bytes& in) { return crt310::find_frame(in); };
const auto find_f2 = [](const Bytes& in) { return f2::find_frame(in); };

constexpr std::array crt310_polls{crt310::PollCommand::status, crt310::PollCommand::sensors};
constexpr std::array f2_polls{f2::PollCommand::status,  f2::PollCommand::sensors,
                              f2::PollCommand::serial,  f2::PollCommand::configuration,
                              f2::PollCommand::version, f2::PollCommand::bin_counter};

template <class Command, std::size_t N>
bool is_one_of(unsigned number, const std::array<Command, N>& commands) {
  return std::ranges::find(commands, static_cast<Command>(number)) != commands.end();
}

/// A row of nothing but control bytes: each as the decoder sees it. `sent_only`: one that the host
/// sends and no device.
template <class Find>
bool are_controls(const Vector& vector, std::uint8_t sent_only, Find find, Outcome& out) {
  constexpr std::string_view controls = "\x04\x05\x06\x15";
  auto rest = vector.bytes;
  if (!std::ranges::all_of(rest, [&](std::uint8_t b) {
        return controls.find(static_cast<char>(b)) != std::string_view::npos;
      })) {
    return false;
  }
  out.tells = {"control:"};
  while (!rest.empty()) {
    const auto found = find(rest);
    const bool known = found.kind == decltype(found.kind)::control && found.skip == 1;
    CHECK((known || rest.front() == sent_only));
    out.add(fmt::format("control:{:02x}", rest.front()));
    rest.erase(rest.begin());
  }
  out.taken = true;
  return true;
}

std::uint8_t xor_of(const Bytes& bytes) {
  std::uint8_t sum = 0;
  for (const auto b : bytes) sum = static_cast<std::uint8_t>(sum ^ b);
  return sum;
}

Bytes crt310_frame(const Bytes& payload) {
  Bytes out{0x02, static_cast<std::uint8_t>(payload.size() >> 8U),
            static_cast<std::uint8_t>(payload.size())};
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(0x03);
  out.push_back(xor_of(out));
  return out;
}

Bytes f2_frame(std::uint8_t address, const Bytes& payload) {
  Bytes out{0xf2, address, static_cast<std::uint8_t>(payload.size() >> 8U),
            static_cast<std::uint8_t>(payload.size())};
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(0x03);
  out.push_back(xor_of(out));
  return out;
}

/// Later CRT-310 models speak in the newer framing.
bool is_f2(const Vector& vector) {
  const auto& bytes = vector.bytes;
  const std::size_t at = bytes.size() > 1 && (bytes[0] == 0x06 || bytes[0] == 0x15) ? 1 : 0;
  return bytes[at] == 0xf2;
}

/// What the driver makes of it when it asks for the status.
void add_status(const Result<wire::Status>& status, Outcome& out) {
  CHECK_MESSAGE(bool(status), status.error().text());
  if (!status) return;
  add_facts(*status, out);
  out.tells.insert(out.tells.end(),
                   {"media:", "device:", "card", "jam", "power", "retain", "part-failed",
                    "not-init", "reader-error", "front_entry:", "rear_entry:", "link-noise"});
}

}  // namespace

Outcome crt310_request(const Vector& vector) {
  if (is_f2(vector)) return f2_request(vector);
  Outcome out;
  if (are_controls(vector, 0, find_crt310, out)) return out;
  const auto frame = only_frame(vector.bytes, crt310::overhead, find_crt310, out);
  if (!frame.there) return out;
  const auto message = crt310::read_message(frame.payload);
  if (!message) return refused(message.error().text());
  out.taken = !message->negative;
  const auto number = static_cast<unsigned>(message->command) << 8U | message->parameter;
  out.tells = {"command:"};
  out.add(fmt::format("command:{:04x}", number));
  if (is_one_of(number, crt310_polls)) {
    CHECK(crt310::encode(static_cast<crt310::PollCommand>(number)) == frame.bytes);
  }
  return out;
}

Outcome crt310_reply(const Vector& vector) {
  if (is_f2(vector)) return f2_reply(vector);
  Outcome out;
  if (are_controls(vector, 0, find_crt310, out)) return out;
  const auto frame = only_frame(vector.bytes, crt310::overhead, find_crt310, out);
  if (!frame.there) return out;
  const auto message = crt310::read_message(frame.payload);
  if (!message) return refused(message.error().text());
  out.taken = true;
  CHECK(message->negative == (frame.payload[0] == 0x4e));
  out.tells = {"sign:"};
  out.add(message->negative ? "sign:negative" : "sign:positive");
  auto payload = frame.payload;
  if (message->negative) {
    out.tells.emplace_back("error:");
    out.add(fmt::format("error:{:02x}", message->error));
    payload[1] = 0x31;  // an error means the same whatever was asked
    // "Unknown command" to the question for the status: no such reader, says the driver.
    if (message->error == 0x00) return out;
  } else if (message->command != 0x31 || message->parameter != 0x30 || message->data.empty()) {
    return out;
  }
  add_status(
      status_by("crt310", {{"enquiry", "false"}, {"sensors", "false"}}, crt310_frame(payload)),
      out);
  return out;
}

Outcome f2_request(const Vector& vector) {
  Outcome out;
  constexpr std::uint8_t enquiry = 0x05;  // of the older framing; nobody's here
  if (are_controls(vector, enquiry, find_f2, out)) return out;
  const auto frame = only_frame(vector.bytes, f2::overhead, find_f2, out);
  if (!frame.there) return out;
  const auto message = f2::read_message(frame.payload);
  if (!message) return refused(message.error().text());
  out.taken = message->kind == f2::Message::Kind::request;
  const auto number = static_cast<unsigned>(message->command) << 8U | message->parameter;
  out.tells = {"command:"};
  out.add(fmt::format("command:{:04x}", number));
  if (is_one_of(number, f2_polls)) {
    CHECK(f2::encode(static_cast<f2::PollCommand>(number), frame.bytes[1]) == frame.bytes);
  }
  return out;
}

Outcome f2_reply(const Vector& vector) {
  Outcome out;
  constexpr std::uint8_t enquiry = 0x05;
  if (are_controls(vector, enquiry, find_f2, out)) return out;
  const auto frame = only_frame(vector.bytes, f2::overhead, find_f2, out);
  if (!frame.there) return out;
  const auto message = f2::read_message(frame.payload);
  if (!message) return refused(message.error().text());
  using Kind = f2::Message::Kind;
  out.taken = message->kind != Kind::request;
  out.tells = {"sign:"};
  out.add(message->kind == Kind::negative ? "sign:negative" : "sign:positive");
  auto payload = frame.payload;
  if (message->kind == Kind::negative) {
    out.tells.emplace_back("error:");
    out.add("error:" + message->error);
    payload[1] = 0x31;
    payload[2] = 0x30;
  } else if (message->command != 0x31 || message->parameter != 0x30) {
    return out;
  }
  const auto address = frame.bytes[1];
  add_status(status_by("f2", {{"identify", "false"}, {"address", std::to_string(address)}},
                       f2_frame(address, payload)),
             out);
  return out;
}

}  // namespace kw::drivers
