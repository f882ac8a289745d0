// What a PC/SC service tells of a reader: SCARD_STATE_* as numbers of four bytes, the counter in
// the high word.
#include <doctest/doctest.h>

#include "drivers/ports/pcsc.hpp"
#include "tests/drivers/support.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

namespace pcsc = platform::pcsc;

/// A service with one reader, in one state.
class OneReader final : public platform::PcscService {
 public:
  explicit OneReader(std::uint32_t state) : state_(state) {}

  Code connect() override { return pcsc::success; }
  void disconnect() noexcept override {}
  Code list(std::vector<std::string>& readers) override {
    readers = {"a reader"};
    return pcsc::success;
  }
  Code look(std::span<platform::PcscLook> asked) override {
    for (auto& one : asked) {
      if (one.reader != pcsc::readers_changed) one.seen = state_;
    }
    return pcsc::success;
  }
  bool rests_without_readers() const override { return false; }

 private:
  std::uint32_t state_;
};

/// As a manual prints it, highest byte first, or as it lies in memory.
std::uint32_t number_of(const std::vector<std::uint8_t>& bytes) {
  const bool in_memory = bytes.size() == 4 && bytes.front() != 0;
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out = out << 8U | bytes[in_memory ? bytes.size() - 1 - i : i];
  }
  return out;
}

}  // namespace

Outcome pcsc_request(const Vector&) { return refused("nothing is sent to a reader, or a card"); }

Outcome pcsc_reply(const Vector& vector) {
  if (vector.bytes.size() != 2 && vector.bytes.size() != 4) return refused("no state");
  auto made = make_driver("pcsc", {{"card_mute_after_s", "0"}});
  REQUIRE(bool(made));
  const SystemClock clock;
  PcscPort port{{}, std::make_unique<OneReader>(number_of(vector.bytes)), clock};
  const auto until = clock.mono() + std::chrono::seconds{10};
  auto opened = (*made)->open(port, until);
  if (!opened) return refused(opened.error().text());
  const auto status = (*made)->poll(until);
  if (!status) return refused(status.error().text());
  Outcome out;
  out.taken = true;
  out.tells = {"media:", "device:", "card-mute", "not-present"};
  add_facts(*status, out);
  return out;
}

}  // namespace kw::drivers
