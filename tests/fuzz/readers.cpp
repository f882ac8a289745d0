// Frames of ID readers and card readers.
#include <vector>

#include "drivers/card_reader/crt310/frame.hpp"
#include "drivers/card_reader/f2/frame.hpp"
#include "drivers/id_reader/sdt/frame.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {
namespace {

using namespace drivers;

/// Takes a whole line apart as a session does. What `find` says must lie within what it was given,
/// must go on, and must not leave more than one frame's worth waiting.
template <class Find, class Look>
void take_apart(Input input, std::size_t longest, Find find, Look look) {
  std::vector<std::uint8_t> in;
  for (const auto byte : input) {
    in.push_back(byte);
    for (;;) {
      const auto found = find(in);
      using Kind = decltype(found.kind);
      if (found.skip > in.size()) broken("more is skipped than is there");
      if (found.kind == Kind::frame) {
        const auto* const begin = found.payload.data();
        if (begin < in.data() || begin + found.payload.size() > in.data() + in.size()) {
          broken("a payload outside the bytes");
        }
        look(found.payload);
      }
      if (found.kind != Kind::partial && found.skip == 0) broken("it does not go on");
      in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
      if (found.kind == Kind::partial) break;
    }
    if (in.size() > longest) broken("noise without end is kept");
  }
}

}  // namespace

void fuzz_sdt_frame(Input input) {
  const auto look = [](std::span<const std::uint8_t> payload) {
    [[maybe_unused]] const auto request = sdt::read_request(payload);
    const auto reply = sdt::read_reply(payload);
    if (!reply) return;
    [[maybe_unused]] const auto id = sdt::sam_id(reply->data);
    const auto lengths = sdt::base_lengths(reply->data);
    if (lengths && lengths->text + lengths->photo + lengths->fingerprint >= reply->data.size()) {
      broken("parts longer than the whole");
    }
  };
  take_apart(input, sdt::longest_frame, [](const auto& in) { return sdt::find_frame(in); }, look);
  take_apart(input, 64, [](const auto& in) { return sdt::find_frame(in, 64); }, look);
}

void fuzz_crt310_frame(Input input) {
  take_apart(
      input, crt310::longest_frame, [](const auto& in) { return crt310::find_frame(in); },
      [](std::span<const std::uint8_t> payload) {
        const auto message = crt310::read_message(payload);
        if (message && message->data.size() + 2 > payload.size()) broken("data longer than it");
      });
}

void fuzz_f2_frame(Input input) {
  take_apart(
      input, f2::longest_frame, [](const auto& in) { return f2::find_frame(in); },
      [](std::span<const std::uint8_t> payload) {
        const auto message = f2::read_message(payload);
        if (!message) return;
        const bool negative = message->kind == f2::Message::Kind::negative;
        if (negative != (message->error.size() == 2)) broken("an error that is none");
      });
}

}  // namespace kw::fuzz
