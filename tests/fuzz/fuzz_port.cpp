#include "tests/fuzz/fuzz_port.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kw::fuzz {
namespace {

constexpr Duration apart = std::chrono::milliseconds{5};
constexpr Duration each_byte = std::chrono::milliseconds{1};
constexpr Duration late_step = std::chrono::milliseconds{100};
/// What a byte takes at 115200 baud, about.
constexpr Duration babble_step = Duration{90};
/// A thousand times what any driver needs for one call.
constexpr std::size_t most_reads = 200'000;

Bytes with_head(const Bytes& body) {
  const auto head =
      fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n",
                  body.size());
  Bytes out{head.begin(), head.end()};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

}  // namespace

std::deque<Piece> pieces_of(Input input) {
  std::deque<Piece> out;
  auto text = text_of(input);
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    Piece piece;
    if (end > 0) {
      piece.manner = static_cast<std::uint8_t>(text.front());
      const auto rest = text.substr(1, end - 1);
      piece.bytes.assign(rest.begin(), rest.end());
    }
    out.push_back(std::move(piece));
    text.remove_prefix(std::min(end + separator.size(), text.size()));
  }
  return out;
}

Bytes input_of(const std::vector<Piece>& pieces) {
  Bytes out;
  for (const auto& piece : pieces) {
    if (&piece != pieces.data()) out.insert(out.end(), separator.begin(), separator.end());
    out.push_back(piece.manner);
    out.insert(out.end(), piece.bytes.begin(), piece.bytes.end());
  }
  return out;
}

void Wire::take(Piece piece) {
  babble_.clear();
  const auto arrive = [this](Bytes bytes, Duration after) {
    if (!bytes.empty()) coming_.push_back({now_ + after, std::move(bytes)});
  };
  switch (piece.manner & 0x0f) {
    case Piece::silence:
      return;
    case Piece::in_halves: {
      const auto half = piece.bytes.begin() + static_cast<std::ptrdiff_t>(piece.bytes.size() / 2);
      arrive({piece.bytes.begin(), half}, each_byte);
      return arrive({half, piece.bytes.end()}, apart);
    }
    case Piece::byte_by_byte: {
      Duration after = each_byte;
      for (const auto b : piece.bytes) arrive({b}, after += each_byte);
      return;
    }
    case Piece::late:
      return arrive(std::move(piece.bytes), late_step * (piece.manner >> 4));
    case Piece::then_gone:
      gone_ = true;
      return arrive(std::move(piece.bytes), each_byte);
    case Piece::babble:
      babble_ = std::move(piece.bytes);
      return;
    case Piece::framed:
      return arrive(with_head(piece.bytes), each_byte);
    default:
      return arrive(std::move(piece.bytes), each_byte);
  }
}

/// One connection. As the system's ports do, it hands over what is there even when the deadline has
/// passed: only a driver that looks at the time gets away from a device that babbles.
class WirePort final : public drivers::Port {
 public:
  explicit WirePort(Wire& wire) : wire_(wire) {
    wire_.coming_.clear();
    wire_.babble_.clear();
    wire_.gone_ = false;
  }

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    if (cancelled_) return Error{Errc::disconnected, "fuzz port: cancelled"};
    if (wire_.gone_) return Error{Errc::disconnected, "fuzz port: gone"};
    if (wire_.now_ >= deadline) return Error{Errc::timeout, "fuzz port: no time left"};
    wire_.take(wire_.device_(bytes));
    return {};
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    if (++wire_.reads_ > most_reads) broken("a call that reads without end");
    if (cancelled_) return Error{Errc::disconnected, "fuzz port: cancelled"};
    if (into.empty()) return Error{Errc::invalid, "fuzz port: a read into nothing"};
    auto& coming = wire_.coming_;
    if (!wire_.babble_.empty()) {
      wire_.now_ += babble_step * static_cast<std::int64_t>(wire_.babble_.size());
      const auto n = std::min(into.size(), wire_.babble_.size());
      std::copy_n(wire_.babble_.begin(), n, into.begin());
      return n;
    }
    if (coming.empty() && wire_.gone_) return Error{Errc::disconnected, "fuzz port: gone"};
    if (coming.empty() || coming.front().due > std::max(deadline, wire_.now_)) {
      wire_.now_ = std::max(wire_.now_, deadline);
      return Error{Errc::timeout, "fuzz port: nothing within the deadline"};
    }
    auto& next = coming.front();
    wire_.now_ = std::max(wire_.now_, next.due);
    const auto n = std::min(into.size(), next.bytes.size());
    std::copy_n(next.bytes.begin(), n, into.begin());
    next.bytes.erase(next.bytes.begin(), next.bytes.begin() + static_cast<std::ptrdiff_t>(n));
    if (next.bytes.empty()) coming.pop_front();
    return n;
  }

  void discard() override {
    std::erase_if(wire_.coming_, [this](const Wire::Arrival& a) { return a.due <= wire_.now_; });
  }

  void cancel() noexcept override { cancelled_ = true; }
  MonoTime now() const override { return wire_.now_; }

 private:
  Wire& wire_;
  bool cancelled_ = false;
};

std::unique_ptr<drivers::Port> Wire::connect() { return std::make_unique<WirePort>(*this); }

}  // namespace kw::fuzz
