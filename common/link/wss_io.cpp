#include <algorithm>
#include <chrono>

#include <boost/beast/websocket/error.hpp>

#include "common/link/io.hpp"
#include "common/link/wss_wire.hpp"

namespace kw::link {
namespace {

constexpr Duration close_limit = std::chrono::seconds{2};

class WssLink final : public Link {
 public:
  explicit WssLink(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  WssLink(const WssLink&) = delete;
  WssLink& operator=(const WssLink&) = delete;
  ~WssLink() override { wire_->cut(); }

  Task<Result<std::string>> receive() override { return Wire::receive(wire_); }
  Task<Result<void>> send(std::string frame) override {
    return Wire::send(wire_, std::move(frame));
  }
  Task<void> close(std::uint16_t code, std::string reason) override {
    return Wire::close(wire_, code, std::move(reason));
  }
  void cut() override { wire_->cut(); }
  std::uint16_t close_code() const override { return wire_->close_code(); }
  const PeerCertificate& peer() const override { return wire_->peer; }
  const std::string& remote() const override { return wire_->remote; }

 private:
  std::shared_ptr<Wire> wire_;
};

}  // namespace

std::unique_ptr<Link> link_on(std::shared_ptr<Wire> wire) {
  return std::make_unique<WssLink>(std::move(wire));
}

Wire::Wire(TlsStream stream, std::string from)
    : remote(std::move(from)),
      ws_(std::move(stream)),
      arrival_(ws_.get_executor(), asio::steady_timer::time_point::max()) {
  // No timers and pings of Beast's: our limits cut the socket, TCP_USER_TIMEOUT finds the dead.
  const websocket::stream_base::timeout none{websocket::stream_base::none(),
                                             websocket::stream_base::none(), false};
  ws_.set_option(none);
  ws_.read_message_max(frame_limit);
  ws_.auto_fragment(false);
  ws_.binary(true);
}

void Wire::opened(std::size_t write_buffer) { ws_.write_buffer_bytes(write_buffer); }

void Wire::cut() {
  error_code ec;
  tls().next_layer().close(ec);
}

Error Wire::ending(error_code ec) const {
  if (ec == websocket::error::closed) {
    const auto& reason = ws_.reason();
    std::string text = "closed by the other end (" + std::to_string(reason.code);
    if (!reason.reason.empty()) text.append(" ").append(reason.reason.c_str());
    return Error{Errc::disconnected, text + ")"};
  }
  if (ec == websocket::error::message_too_big) {
    return Error{Errc::garbled,
                 "WebSocket: a frame over " + std::to_string(frame_limit) + " bytes"};
  }
  if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) {
    return Error{Errc::disconnected, "WebSocket: closed"};
  }
  const error_code rule = websocket::error::closed;
  if (ec.category() == rule.category()) return Error{Errc::garbled, "WebSocket: " + ec.message()};
  return error_of(ec, "WebSocket");
}

// ---- receiving

void Wire::read_on() {
  reading_ = true;
  message_.clear();
  ws_.async_read_some(asio::buffer(first_),
                      [self = shared_from_this()](error_code ec, std::size_t n) {
                        self->message_.assign(self->first_.data(), n);
                        self->have_read(ec);
                      });
}

/// `message_` holds what has come of the message so far.
void Wire::have_read(error_code ec) {
  if (ec) {
    reading_ = false;
    // While we close, the reader merely gives way to the closing handshake.
    const bool giving_way = closing_ && !closing_->done;
    arrived(ending(ec));
    if (!giving_way) cut();
    return;
  }
  if (ws_.is_message_done()) {
    reading_ = false;
    if (ws_.got_binary()) return arrived(std::move(message_));
    arrived(Error{Errc::garbled, "WebSocket: a text frame"});
    if (closing_) return;
    closing_ = std::make_unique<Closing>(ws_.get_executor());
    closing_->reason = websocket::close_reason{websocket::close_code::unknown_data};
    closing_->limit.expires_after(close_limit);
    closing_->limit.async_wait([self = shared_from_this()](error_code aborted) {
      if (!aborted) self->cut();
    });
    return write_on();
  }
  const auto have = message_.size();
  const auto most = frame_limit + 1 - std::min(have, frame_limit);
  const auto next = std::clamp<std::size_t>(ws_.read_size_hint(std::size_t{1024}), 1, most);
  message_.resize(have + next);
  ws_.async_read_some(asio::buffer(message_.data() + have, next),
                      [self = shared_from_this(), have](error_code failed, std::size_t got) {
                        self->message_.resize(have + got);
                        self->have_read(failed);
                      });
}

void Wire::arrived(Result<std::string> message) {
  arrived_.emplace(std::move(message));
  message_ = std::string{};  // an idle connection holds no buffer
  arrival_.cancel();
}

Task<Result<std::string>> Wire::receive(std::shared_ptr<Wire> self) {
  if (!self->arrived_) {
    if (!self->reading_) self->read_on();
    co_await self->arrival_.async_wait(as_result);
  }
  if (!self->arrived_) co_return Error{Errc::timeout, "WebSocket: receive was cancelled"};
  auto message = std::move(*self->arrived_);
  self->arrived_.reset();
  co_return message;
}

// ---- sending

Wire::Outgoing::Outgoing(std::string f, const asio::any_io_executor& executor)
    : frame(std::move(f)), sent(executor, asio::steady_timer::time_point::max()) {}

void Wire::write_on() {
  if (writing_) return;
  if (outgoing_.empty()) return close_on();
  writing_ = true;
  ws_.async_write(
      asio::buffer(outgoing_.front()->frame),
      [self = shared_from_this()](error_code ec, std::size_t) { self->have_written(ec); });
}

void Wire::have_written(error_code ec) {
  writing_ = false;
  const auto settle = [this](Result<void> result) {
    const auto out = std::move(outgoing_.front());
    outgoing_.pop_front();
    out->result.emplace(std::move(result));
    out->sent.cancel();
  };
  if (!ec) {
    settle(Result<void>{});
  } else {
    while (!outgoing_.empty()) settle(ending(ec));
    // Aborted: the reader or the closer is ending the connection in its own way.
    if (ec != asio::error::operation_aborted) cut();
  }
  write_on();
}

Task<Result<void>> Wire::send(std::shared_ptr<Wire> self, std::string frame) {
  if (frame.size() > frame_limit) {
    co_return Error{Errc::invalid, "WebSocket: a frame over " + std::to_string(frame_limit) +
                                       " bytes was to be sent"};
  }
  if (self->closing_ || !self->ws_.is_open() || !self->tls().next_layer().is_open()) {
    co_return Error{Errc::disconnected, "WebSocket: closed"};
  }
  const auto out = std::make_shared<Outgoing>(std::move(frame), self->ws_.get_executor());
  self->outgoing_.push_back(out);
  self->write_on();
  if (!out->result) co_await out->sent.async_wait(as_result);
  if (!out->result) co_return Error{Errc::timeout, "WebSocket: waiting for a send was cancelled"};
  co_return std::move(*out->result);
}

// ---- closing

/// Begins the closing handshake once everything that was queued before has gone out.
void Wire::close_on() {
  if (!closing_ || closing_->begun) return;
  closing_->begun = true;
  ws_.async_close(closing_->reason,
                  [self = shared_from_this()](error_code) { self->have_closed(); });
}

void Wire::have_closed() {
  cut();
  closing_->done = true;
  closing_->limit.cancel();
}

Task<void> Wire::close(std::shared_ptr<Wire> self, std::uint16_t code, std::string reason) {
  if (self->closing_ || !self->ws_.is_open()) {
    self->cut();
    co_return;
  }
  self->closing_ = std::make_unique<Closing>(self->ws_.get_executor());
  auto& closing = *self->closing_;
  closing.reason.code = code;
  // A close frame has room for 123 bytes; a character cut in half is not UTF-8 any more.
  std::size_t length = std::min<std::size_t>(reason.size(), 123);
  while (length < reason.size() && length > 0 &&
         (static_cast<unsigned char>(reason[length]) & 0xc0) == 0x80) {
    --length;
  }
  closing.reason.reason.assign(reason.data(), length);
  closing.limit.expires_after(close_limit);
  self->write_on();
  if (!closing.done) co_await closing.limit.async_wait(as_result);
  self->cut();
}

}  // namespace kw::link
