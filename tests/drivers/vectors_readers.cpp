// ID readers against their vectors.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/id_reader/sdt/frame.hpp"
#include "tests/drivers/vectors_frames.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t overhead = sdt::header_size + 1;

const auto find_sdt = [](const Bytes& in) { return sdt::find_frame(in); };

constexpr std::array polls{sdt::PollCommand::status, sdt::PollCommand::sam_id};
constexpr std::array tests{sdt::TestCommand::find_card, sdt::TestCommand::select_card,
                           sdt::TestCommand::read_base};

template <class Command, std::size_t N>
bool is_one_of(unsigned number, const std::array<Command, N>& commands) {
  return std::ranges::find(commands, static_cast<Command>(number)) != commands.end();
}

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
      return std::ranges::equal(found.payload, Bytes{0x00, 0x00, 0x90});
    }
    if (found.kind == sdt::Found::Kind::partial) return false;
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
  }
}

/// The beginning of a reply, made whole with zeros and the right checksum.
Bytes completed(Bytes start) {
  const auto length = static_cast<std::size_t>(start[5]) << 8U | start[6];
  if (start.size() >= sdt::header_size + length) return start;
  start.resize(sdt::header_size + length - 1, 0);
  std::uint8_t sum = 0;
  for (std::size_t i = 5; i < start.size(); ++i) sum = static_cast<std::uint8_t>(sum ^ start[i]);
  start.push_back(sum);
  return start;
}

void add_reply(const sdt::Reply& reply, std::size_t frame_size, Outcome& out) {
  out.tells = {"code:"};
  out.add(fmt::format("code:{:02x}", static_cast<unsigned>(reply.code())));
  // A number that no document has is a reply all the same, and not a known one.
  const bool documented = sdt::is_known(reply.code());
  if (!documented) out.add("code:undocumented");
  out.figures = {fmt::format("total={}", frame_size), fmt::format("data={}", reply.data.size())};
  if (reply.data.size() == 16) {
    const auto id = sdt::sam_id(reply.data);
    CHECK(bool(id));
    if (id) out.figures.push_back("date=" + id->substr(6, 8));
  }
  if (const auto lengths = sdt::base_lengths(reply.data)) {
    out.figures.push_back(fmt::format("text={}", lengths->text));
    out.figures.push_back(fmt::format("photo={}", lengths->photo));
  }
  // What the module says of itself, as the driver has it.
  const auto code = reply.code();
  if (code != sdt::Code::sam_self_test_failed && code != sdt::Code::sam_unauthorised) return;
  const Bytes self{0xaa,
                   0xaa,
                   0xaa,
                   0x96,
                   0x69,
                   0x00,
                   0x04,
                   0x00,
                   0x00,
                   reply.status[2],
                   static_cast<std::uint8_t>(4 ^ reply.status[2])};
  const auto status = status_by("sdt", {}, self);
  REQUIRE_MESSAGE(bool(status), status.error().text());
  add_facts(*status, out);
  out.tells.emplace_back("sam");
}

}  // namespace

Outcome sdt_request(const Vector& vector) {
  Outcome out;
  const auto frame = only_frame(vector.bytes, overhead, find_sdt, out);
  if (!frame.there) return out;
  const auto fields = sdt::read_request(frame.payload);
  if (!fields) return refused(fields.error().text());
  out.taken = true;
  CHECK(frame.payload.size() == 2 + fields->data.size());
  const auto number = static_cast<unsigned>(fields->command) << 8U | fields->parameter;
  out.tells = {"command:"};
  out.add(fmt::format("command:{:04x}", number));
  // Neither type has a value for any other command: there is nothing to encode it with.
  if (is_one_of(number, polls)) {
    CHECK(std::ranges::equal(sdt::encode(static_cast<sdt::PollCommand>(number)), vector.bytes));
  } else if (is_one_of(number, tests)) {
    CHECK(std::ranges::equal(sdt::encode(static_cast<sdt::TestCommand>(number)), vector.bytes));
  }
  return out;
}

Outcome sdt_reply(const Vector& vector) {
  Outcome out;
  const auto first = sdt::find_frame(vector.bytes);
  const bool whole = first.kind == sdt::Found::Kind::frame;
  if (!whole && vector.bytes.size() > sdt::header_size) {
    // A beginning, or what is no frame at all: never taken for one, and holds nothing up.
    CHECK(next_reply_is_found(vector.bytes));
  }
  Outcome given;
  const auto frame = only_frame(vector.bytes, overhead, find_sdt, given);
  if (frame.there) {
    const auto reply = sdt::read_reply(frame.payload);
    if (!reply) return refused(reply.error().text());
    out.taken = true;
    add_reply(*reply, vector.bytes.size(), out);
    return out;
  }
  out.why = given.why;
  if (!given.part || vector.broken() || vector.bytes.size() < sdt::header_size + 3) return out;
  const auto bytes = completed(vector.bytes);
  const auto rest = sdt::find_frame(bytes);
  REQUIRE(rest.kind == sdt::Found::Kind::frame);
  out.part = true;
  const auto reply = sdt::read_reply(rest.payload);
  REQUIRE(bool(reply));
  add_reply(*reply, bytes.size(), out);
  return out;
}

}  // namespace kw::drivers
