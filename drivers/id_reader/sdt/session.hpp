#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "common/platform/locked_memory.hpp"
#include "drivers/id_reader/sdt/frame.hpp"
#include "drivers/port.hpp"

namespace kw::drivers::sdt {

/// One request, one reply. Only the two sessions below can use it: what may be sent is decided by
/// their types.
class Wire {
  friend class PollSession;
  friend class TestSession;

  Wire(Port& port, std::span<std::uint8_t> buffer) : port_(port), buffer_(buffer) {}

  /// The reply lies in the buffer until the next call. Errc::garbled: bytes came, and no frame
  /// with a right checksum among them (`framed` tells whether any looked like one).
  Result<Reply> exchange(const Request& request, MonoTime until);
  Result<void> wait_until_quiet(Duration quiet, MonoTime deadline);

  Port& port_;
  std::span<std::uint8_t> buffer_;
  bool framed_ = false;
  std::size_t frame_bytes_ = 0;
  Duration receiving_{};
};

/// A conversation of health polls. It can send `PollCommand`s and nothing else, and takes no reply
/// that is longer than theirs: a card's data, which some other program asked for, is passed over in
/// a small buffer and wiped.
class PollSession {
 public:
  explicit PollSession(Port& port) : wire_(port, buffer_) {}
  PollSession(const PollSession&) = delete;
  PollSession& operator=(const PollSession&) = delete;
  ~PollSession();

  /// `data` of the reply is valid until the next call.
  Result<Reply> ask(PollCommand command, MonoTime until);

  /// Whether the last answer that was garbled had the form of a frame: a reader on a bad line, and
  /// not another device.
  bool framed() const { return wire_.framed_; }

  /// Throws away what comes until the line has been quiet.
  Result<void> wait_until_quiet(MonoTime deadline);

 private:
  std::array<std::uint8_t, 64> buffer_{};
  Wire wire_;
};

/// An operator's self-test. Nothing that a card said leaves it: replies are read into locked
/// memory, looked at there and wiped before `ask` returns.
class TestSession {
 public:
  TestSession(Port& port, platform::LockedMemory& memory)
      : memory_(memory), wire_(port, memory.bytes()) {}

  /// What may be known of a reply.
  struct Told {
    Code code{};
    std::size_t frame_bytes = 0;
    Duration receiving{};                ///< from the first bytes to the last
    std::optional<BaseLengths> lengths;  ///< of a base read that succeeded
  };
  /// Errc::garbled also when a base reply is not complete.
  Result<Told> ask(TestCommand command, MonoTime until);

  /// Lets `duration` pass; what the reader says meanwhile is thrown away. Errc::disconnected.
  Result<void> pause(Duration duration);

 private:
  platform::LockedMemory& memory_;
  Wire wire_;
};

}  // namespace kw::drivers::sdt
