#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "drivers/port.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

using Bytes = std::vector<std::uint8_t>;

/// What a device answers to one question, and how.
struct Piece {
  /// The low four bits of a piece's first byte; those not named are `at_once`.
  enum Manner : std::uint8_t {
    at_once = 0,
    in_halves = 1,  ///< the second 5 ms after the first
    byte_by_byte = 2,
    late = 3,       ///< after 100 ms times the high four bits
    then_gone = 4,  ///< the connection ends behind it
    babble = 5,     ///< it comes again and again until something is written
    framed = 6,     ///< behind the head of an HTTP answer of the right length
    silence = 7,
  };

  std::uint8_t manner = at_once;
  Bytes bytes;
};

/// Between two pieces of an input.
inline constexpr std::string_view separator = "\xffKW|";

/// The pieces of an input, and an input of pieces (for seeds).
std::deque<Piece> pieces_of(Input input);
Bytes input_of(const std::vector<Piece>& pieces);

/// The other end of a wire: a device, with a clock of its own, so that waiting takes no time.
/// Connections to it share it.
class Wire {
 public:
  /// The device's answer to what was written; nothing more to say: `done`.
  using Device = std::function<Piece(Input written)>;

  explicit Wire(Device device) : device_(std::move(device)) {}

  /// A new connection: nothing is on its way. Its lifetime is within the wire's.
  std::unique_ptr<drivers::Port> connect();

  MonoTime now() const { return now_; }
  void pass(Duration time) { now_ += time; }

  /// Reads since the last call of this: a driver that reads without end is a finding.
  std::size_t reads() const { return reads_; }
  void forget_reads() { reads_ = 0; }

 private:
  friend class WirePort;
  struct Arrival {
    MonoTime due;
    Bytes bytes;
  };

  void take(Piece piece);

  Device device_;
  MonoTime now_ = mono_from(1'000'000'000);
  std::deque<Arrival> coming_;
  Bytes babble_;
  bool gone_ = false;
  std::size_t reads_ = 0;
};

}  // namespace kw::fuzz
