// ID readers and card readers against their vectors.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "drivers/card_reader/crt310/frame.hpp"
#include "drivers/card_reader/f2/frame.hpp"
#include "drivers/id_reader/sdt/frame.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <class Range>
Bytes bytes_of(const Range& range) {
  return {range.begin(), range.end()};
}

/// The only frame of a vector, which it fills to its last byte; control bytes and an address byte
/// may come before it. A frame that differs from it by one bit is none.
template <class Find>
Bytes whole_frame(Bytes bytes, std::size_t overhead, Find find) {
  auto found = find(bytes);
  using Kind = decltype(found.kind);
  while (found.kind != Kind::frame) {
    CAPTURE(found.skip);
    const bool goes_on = found.kind != Kind::partial && found.kind != Kind::corrupted;
    REQUIRE(goes_on);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(found.skip));
    found = find(bytes);
  }
  CHECK(found.skip == bytes.size());
  const auto payload = bytes_of(found.payload);
  bytes.erase(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(payload.size() + overhead));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    CAPTURE(bit);
    CHECK(find(damaged).kind != Kind::frame);
  }
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CAPTURE(n);
    CHECK(find(Bytes{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)}).kind ==
          Kind::partial);
  }
  return payload;
}

template <class Find>
bool has_frame(Bytes bytes, Find find) {
  for (;;) {
    const auto found = find(bytes);
    using Kind = decltype(found.kind);
    if (found.kind == Kind::frame) return true;
    if (found.kind == Kind::partial) return false;
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(found.skip));
  }
}

constexpr std::size_t sdt_overhead = sdt::header_size + 1;

const auto find_sdt = [](const Bytes& in) { return sdt::find_frame(in); };
const auto find_crt310 = [](const Bytes& in) { return crt310::find_frame(in); };
const auto find_f2 = [](const Bytes& in) { return f2::find_frame(in); };

template <class Command, std::size_t N>
bool is_one_of(std::uint16_t number, const std::array<Command, N>& commands) {
  return std::ranges::find(commands, static_cast<Command>(number)) != commands.end();
}

std::uint16_t number_of(std::uint8_t command, std::uint8_t parameter) {
  return static_cast<std::uint16_t>(command << 8U | parameter);
}

constexpr std::array sdt_polls{sdt::PollCommand::status, sdt::PollCommand::sam_id};
constexpr std::array sdt_tests{sdt::TestCommand::find_card, sdt::TestCommand::select_card,
                               sdt::TestCommand::read_base};
constexpr std::array crt310_polls{crt310::PollCommand::status, crt310::PollCommand::sensors};
constexpr std::array f2_polls{f2::PollCommand::status,  f2::PollCommand::sensors,
                              f2::PollCommand::serial,  f2::PollCommand::configuration,
                              f2::PollCommand::version, f2::PollCommand::bin_counter};

/// Whether a whole reply that follows what is no whole frame is found behind it.
bool next_reply_is_found(Bytes in) {
  const Bytes next{0xaa, 0xaa, 0xaa, 0x96, 0x69, 0x00, 0x04, 0x00, 0x00, 0x90, 0x94};
  // Room for whatever the broken frame announces, so that it ends.
  for (std::size_t room = 0; room < sdt::longest_frame; room += next.size()) {
    in.insert(in.end(), next.begin(), next.end());
  }
  for (;;) {
    const auto found = sdt::find_frame(in);
    if (found.kind == sdt::Found::Kind::frame) {
      return bytes_of(found.payload) == Bytes{0x00, 0x00, 0x90};
    }
    if (found.kind == sdt::Found::Kind::partial) return false;
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
  }
}

/// The beginning of a reply, made whole with zeros and the right checksum.
Bytes completed(Bytes start) {
  REQUIRE(start.size() >= sdt::header_size);
  const auto length = static_cast<std::size_t>(start[5]) << 8U | start[6];
  start.resize(sdt::header_size + length - 1, 0);
  std::uint8_t sum = 0;
  for (std::size_t i = 5; i < start.size(); ++i) sum = static_cast<std::uint8_t>(sum ^ start[i]);
  start.push_back(sum);
  return start;
}

}  // namespace

void sdt_request(const Vector& vector) {
  const auto payload = whole_frame(vector.bytes, sdt_overhead, find_sdt);
  const auto fields = sdt::read_request(payload);
  REQUIRE(bool(fields));
  CHECK(payload.size() == 2 + fields->data.size());
  const auto number = number_of(fields->command, fields->parameter);
  // Neither type has a value for any other command: there is nothing to encode it with.
  if (is_one_of(number, sdt_polls)) {
    CHECK(bytes_of(sdt::encode(static_cast<sdt::PollCommand>(number))) == vector.bytes);
  } else if (is_one_of(number, sdt_tests)) {
    CHECK(bytes_of(sdt::encode(static_cast<sdt::TestCommand>(number))) == vector.bytes);
  }
}

void sdt_reply(const Vector& vector) {
  auto bytes = vector.bytes;
  const auto first = sdt::find_frame(bytes);
  if (first.kind != sdt::Found::Kind::frame) {
    // A beginning, or what is no frame at all: never taken for one, and holds nothing up.
    CHECK(next_reply_is_found(bytes));
    if (vector.broken()) return;
    REQUIRE(first.kind == sdt::Found::Kind::partial);
    bytes = completed(bytes);
    const auto whole = sdt::find_frame(bytes);
    REQUIRE(whole.kind == sdt::Found::Kind::frame);
    CHECK(whole.skip == bytes.size());
    const auto reply = sdt::read_reply(whole.payload);
    REQUIRE(bool(reply));
    CHECK(sdt::is_known(reply->code()));
    if (vector.bytes.size() < 14) return;
    const auto lengths = sdt::base_lengths(reply->data);
    REQUIRE_MESSAGE(bool(lengths), lengths.error().text());
    CHECK(4 + lengths->text + lengths->photo <= reply->data.size());
    return;
  }
  const auto payload = whole_frame(bytes, sdt_overhead, find_sdt);
  const auto reply = sdt::read_reply(payload);
  REQUIRE(bool(reply));
  CHECK(sdt::is_known(reply->code()));
  if (reply->data.size() == 16) CHECK(bool(sdt::sam_id(reply->data)));
}

void crt310_request(const Vector& vector) {
  const auto message =
      crt310::read_message(whole_frame(vector.bytes, crt310::overhead, find_crt310));
  REQUIRE(bool(message));
  CHECK_FALSE(message->negative);
  const auto number = number_of(message->command, message->parameter);
  if (is_one_of(number, crt310_polls)) {
    const auto ours = crt310::encode(static_cast<crt310::PollCommand>(number));
    const bool addressed = vector.bytes.front() == 0x00;
    CHECK(Bytes{vector.bytes.begin() + (addressed ? 1 : 0), vector.bytes.end()} == ours);
  }
}

void crt310_reply(const Vector& vector) {
  if (vector.broken()) {
    CHECK_FALSE(has_frame(vector.bytes, find_crt310));
    return;
  }
  const auto payload = whole_frame(vector.bytes, crt310::overhead, find_crt310);
  const auto message = crt310::read_message(payload);
  REQUIRE(bool(message));
  CHECK(message->negative == (payload[0] == 0x4e));
  if (message->negative) CHECK(message->parameter != 0x4e);  // the command that was refused
}

void f2_request(const Vector& vector) {
  const auto found = f2::find_frame(vector.bytes);
  const auto payload = whole_frame(vector.bytes, f2::overhead, find_f2);
  const auto message = f2::read_message(payload);
  REQUIRE(bool(message));
  CHECK(message->kind == f2::Message::Kind::request);
  const auto number = number_of(message->command, message->parameter);
  if (is_one_of(number, f2_polls)) {
    CHECK(f2::encode(static_cast<f2::PollCommand>(number), found.address) == vector.bytes);
  }
}

void f2_reply(const Vector& vector) {
  if (vector.broken()) {
    CHECK_FALSE(has_frame(vector.bytes, find_f2));
    return;
  }
  const auto payload = whole_frame(vector.bytes, f2::overhead, find_f2);
  const auto message = f2::read_message(payload);
  REQUIRE(bool(message));
  if (payload[0] == 'P') {
    CHECK(message->kind == f2::Message::Kind::positive);
    CHECK(message->data.size() >= 3);
  } else {
    CHECK(message->kind == f2::Message::Kind::negative);
    CHECK(message->error.size() == 2);
  }
}

}  // namespace kw::drivers
