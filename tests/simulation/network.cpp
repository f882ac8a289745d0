#include "tests/simulation/network.hpp"

#include <algorithm>
#include <utility>

namespace kw::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t head = 4;              // bytes before each frame: its length
constexpr std::uint32_t closing = 1U << 31;  // in place of a length: a close frame with this code
constexpr Duration user_timeout = 60s;  // TCP_USER_TIMEOUT of both programs (data path, section 6)

std::string framed(std::uint32_t word, std::string_view body) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift & 0xffU);
  out += body;
  return out;
}

std::uint32_t word_of(std::string_view bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = head; i-- > 0;) out = out << 8U | static_cast<unsigned char>(bytes[i]);
  return out;
}

}  // namespace

/// One end as the programs see it.
class SimulatedLink final : public link::Link {
 public:
  SimulatedLink(Network& network, Network::Shared connection, Side side)
      : network_(network),
        c_(std::move(connection)),
        side_(side),
        arrived_(network.time_.io(), asio::steady_timer::time_point::max()) {
    end().arrived = &arrived_;
  }
  SimulatedLink(const SimulatedLink&) = delete;
  SimulatedLink& operator=(const SimulatedLink&) = delete;
  ~SimulatedLink() override {
    cut();
    end().arrived = nullptr;
  }

  Task<Result<std::string>> receive() override {
    for (;;) {
      // First: who has gone away must not take a frame along.
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) {
        co_return Error{Errc::timeout, "cancelled"};
      }
      if (!end().inbox.empty()) {
        auto frame = std::move(end().inbox.front());
        end().inbox.pop_front();
        tell_read(frame);
        co_return frame;
      }
      if (end().broken) co_return Error{Errc::disconnected, "the connection is gone"};
      co_await arrived_.async_wait(as_result);
    }
  }

  Task<Result<void>> send(std::string frame) override {
    if (end().broken || end().said_end) {
      co_return Error{Errc::disconnected, "the connection is gone"};
    }
    if (!swallowed(frame)) {
      const auto length = static_cast<std::uint32_t>(frame.size());
      network_.push(c_, Network::other(side_), {framed(length, frame)});
    }
    co_return Result<void>{};
  }

  Task<void> close(std::uint16_t code, std::string) override {
    if (!end().broken && !end().said_end) {
      network_.push(c_, Network::other(side_), {framed(closing | code, {})});
      hang_up();
    }
    end().broken = true;
    arrived_.cancel();
    co_return;
  }

  void cut() override {
    if (end().broken) return;
    hang_up();
    end().broken = true;
    end().inbox.clear();
    arrived_.cancel();
  }

  std::uint16_t close_code() const override { return c_->ends[static_cast<int>(side_)].close_code; }
  const link::PeerCertificate& peer() const override { return c_->peer; }
  const std::string& remote() const override { return c_->remote; }

 private:
  Network::End& end() { return Network::end(*c_, side_); }
  void hang_up() {
    if (std::exchange(end().said_end, true)) return;
    network_.push(c_, Network::other(side_), {{}, true});
  }
  void tell_read(const std::string& frame) {
    if (side_ != Side::collector || !network_.on_read) return;
    pb::Envelope envelope;
    if (envelope.ParseFromString(frame)) network_.on_read(c_->kiosk, envelope, c_->quarantined);
  }
  bool swallowed(const std::string& frame) {
    pb::Envelope envelope;
    if (!envelope.ParseFromString(frame)) return false;
    if (side_ == Side::kiosk) {
      return envelope.has_batch() && network_.swallow_every > 0 &&
             ++network_.batches_ % network_.swallow_every == 0;
    }
    if (envelope.has_welcome()) {
      c_->greeted = true;
      c_->quarantined = envelope.welcome().quarantined();
    }
    if (network_.on_sent) network_.on_sent(c_->kiosk, envelope, c_->sole);
    return false;
  }

  Network& network_;
  Network::Shared c_;
  Side side_;
  asio::steady_timer arrived_;
};

Duration Network::latency() {
  return rng_.chance(0.05) ? rng_.between(200ms, 3s) : rng_.between(1ms, 120ms);
}

bool Network::parted(int kiosk, Side towards) const {
  const auto it = parted_.find(kiosk);
  if (it == parted_.end()) return false;
  return towards == Side::collector ? it->second.first : it->second.second;
}

Task<Result<std::unique_ptr<link::Link>>> Network::dial(int kiosk,
                                                        std::shared_ptr<const bool> alive,
                                                        Duration step,
                                                        std::optional<link::Refusal>* declined) {
  co_await sleep_for(3 * latency());
  if (parted(kiosk, Side::collector) || parted(kiosk, Side::kiosk)) {
    co_await sleep_for(step);
    if (parted(kiosk, Side::collector) || parted(kiosk, Side::kiosk)) {
      co_return Error{Errc::timeout, "connect: no answer"};
    }
  }
  if (!*alive || host == nullptr) co_return Error{Errc::disconnected, "connect: refused"};
  link::PeerCertificate peer;
  peer.present = peer.chain_ok = true;
  peer.serial = "K" + std::to_string(kiosk);
  peer.common_name = peer.serial;
  auto refusal = host->admit(peer);
  if (refusal) {
    const bool busy = refusal->code == "busy";
    const Error why{busy ? Errc::busy : Errc::refused, refusal->detail};
    if (declined != nullptr) *declined = std::move(refusal);
    co_return why;
  }
  forget_dead();
  auto c = std::make_shared<Connection>();
  c->kiosk = kiosk;
  c->peer = std::move(peer);
  c->remote = c->peer.serial + "#" + std::to_string(next_++);
  for (const auto& older : all_) {
    if (older->kiosk != kiosk || !end(*older, Side::collector).open) continue;
    if (end(*older, Side::collector).broken) continue;
    c->sole = false;
    ++counters_.overtaken;
  }
  ++counters_.reconnects;
  all_.push_back(c);
  spawn(time_.io(), "serve",
        host->serve(std::make_unique<SimulatedLink>(*this, c, Side::collector)));
  co_return std::make_unique<SimulatedLink>(*this, c, Side::kiosk);
}

void Network::forget_dead() {
  std::erase_if(all_, [](const Shared& c) {
    return c.use_count() == 1 && std::ranges::all_of(c->ends, &End::broken);
  });
}

void Network::push(const Shared& c, Side towards, Piece piece) {
  if (c->dead) return;
  if (c->cut_at && towards == Side::collector) {
    if (piece.bytes.size() > *c->cut_at) {
      // It breaks here: a part may still arrive, and is nothing.
      ++counters_.frames_cut;
      piece.bytes.resize(*c->cut_at);
      schedule(c, towards, std::move(piece));
      c->dead = true;
      for (const auto side : {Side::kiosk, Side::collector}) {
        time_.after(latency(), [this, c, side] { snap(*c, side); });
      }
      return;
    }
    *c->cut_at -= piece.bytes.size();
  }
  // Frames arrive as their bytes do: now and then in several pieces.
  while (piece.bytes.size() > 1 && rng_.chance(0.15)) {
    const auto part = 1 + rng_.below(piece.bytes.size() - 1);
    schedule(c, towards, {piece.bytes.substr(0, part)});
    piece.bytes.erase(0, part);
  }
  schedule(c, towards, std::move(piece));
}

void Network::schedule(const Shared& c, Side towards, Piece piece) {
  auto& to = end(*c, towards);
  if (parted(c->kiosk, towards) || !to.held.empty()) {
    to.held.push_back(std::move(piece));
    give_up_later(c, other(towards));
    return;
  }
  to.last_arrival = std::max(to.last_arrival, time_.now() + latency());
  time_.at(to.last_arrival, [this, c, towards, piece = std::move(piece)]() mutable {
    arrive(c, towards, std::move(piece));
  });
}

/// What is not taken by the other end for a minute ends the connection on the side that sent it.
void Network::give_up_later(const Shared& c, Side sender) {
  time_.after(user_timeout, [this, c, sender] {
    if (!end(*c, other(sender)).held.empty() && parted(c->kiosk, other(sender))) snap(*c, sender);
  });
}

void Network::arrive(const Shared& c, Side at, Piece piece) {
  auto& to = end(*c, at);
  if (parted(c->kiosk, at) || !to.held.empty()) {
    to.held.push_back(std::move(piece));
    give_up_later(c, other(at));
    return;
  }
  if (!to.open || to.broken) {
    // The other end hears that nobody is here.
    if (!piece.end) time_.after(latency(), [this, c, at] { snap(*c, other(at)); });
    return;
  }
  to.partial += piece.bytes;
  take_frames(*c, at);
  if (piece.end) to.broken = true;
  if (to.arrived != nullptr) to.arrived->cancel();
}

void Network::take_frames(Connection& c, Side at) {
  auto& to = end(c, at);
  while (to.partial.size() >= head) {
    const auto word = word_of(to.partial);
    if ((word & closing) != 0) {
      to.close_code = static_cast<std::uint16_t>(word & ~closing);
      to.broken = true;
      to.partial.clear();
      return;
    }
    if (to.partial.size() < head + word) return;
    to.inbox.push_back(to.partial.substr(head, word));
    to.partial.erase(0, head + word);
  }
}

/// This end finds the connection broken.
void Network::snap(Connection& c, Side at) {
  auto& to = end(c, at);
  to.broken = true;
  to.held.clear();
  if (to.arrived != nullptr) to.arrived->cancel();
}

void Network::part(int kiosk, bool up, bool down) { parted_[kiosk] = {up, down}; }

void Network::heal(int kiosk) {
  if (parted_.erase(kiosk) == 0) return;
  for (const auto& c : std::vector{all_}) {
    if (c->kiosk != kiosk) continue;
    for (const auto side : {Side::kiosk, Side::collector}) {
      auto held = std::exchange(end(*c, side).held, {});
      for (auto& piece : held) schedule(c, side, std::move(piece));
    }
  }
}

void Network::cut_after(int kiosk, std::size_t bytes) {
  for (const auto& c : all_) {
    if (c->kiosk == kiosk && !c->dead) c->cut_at = bytes;
  }
}

void Network::process_ended(Side side, int kiosk, bool spoken) {
  for (const auto& c : std::vector{all_}) {
    if (side == Side::kiosk && c->kiosk != kiosk) continue;
    auto& gone = end(*c, side);
    if (!gone.open) continue;
    if (spoken && !gone.broken && !std::exchange(gone.said_end, true)) {
      push(c, other(side), {{}, true});
    }
    gone.open = false;
    gone.inbox.clear();
    snap(*c, side);
  }
}

bool Network::connected(int kiosk) const {
  return std::ranges::any_of(all_, [&](const Shared& c) {
    const auto& at = c->ends[static_cast<int>(Side::collector)];
    return c->kiosk == kiosk && c->greeted && !c->quarantined && at.open && !at.broken;
  });
}

std::size_t Network::longest_queue() const {
  std::size_t out = 0;
  for (const auto& c : all_) {
    for (const auto& e : c->ends) out = std::max({out, e.inbox.size(), e.held.size()});
  }
  return out;
}

}  // namespace kw::simulation
