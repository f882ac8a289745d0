#include "common/link/io.hpp"

#include <chrono>
#include <string>

#include "common/link/tls_stream.hpp"

namespace kw::link {
namespace {

constexpr std::size_t plain_piece = 64 * 1024;

}  // namespace

CutAfter::CutAfter(tcp::socket& socket, Duration limit)
    : state_(std::make_shared<State>()), timer_(socket.get_executor()) {
  state_->socket = &socket;
  restart(limit);
}

CutAfter::~CutAfter() { state_->socket = nullptr; }

void CutAfter::restart(Duration limit) {
  timer_.expires_after(limit);
  timer_.async_wait([state = state_, round = ++state_->round](error_code ec) {
    if (ec || state->socket == nullptr || state->round != round) return;
    state->expired = true;
    state->socket->close(ec);
  });
}

Error error_of(error_code ec, std::string_view step) {
  auto code = Errc::disconnected;
  if (certificate_refused(ec)) {
    code = Errc::refused;
  } else if (ec.category() == tls_category()) {
    code = Errc::garbled;
  } else if (ec == asio::error::timed_out) {
    code = Errc::timeout;
  } else if (ec == asio::error::host_not_found) {
    code = Errc::missing;
  } else if (ec == asio::error::no_descriptors || ec == asio::error::access_denied ||
             ec == asio::error::address_in_use) {
    code = Errc::busy;
  }
  const bool ended = ec == asio::error::eof;
  const std::string reason = ended ? "closed by the other end" : ec.message();
  return Error{code, std::string{step}.append(": ").append(reason)};
}

Error timeout_of(Duration limit, std::string_view step) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  return Error{Errc::timeout,
               std::string{step}.append(": no answer within ") + std::to_string(ms) + " ms"};
}

Task<Moved> PlainBytes::read_some(asio::mutable_buffer into) {
  auto [ec, n] = co_await socket_.async_read_some(into, as_result);
  co_return Moved{ec, n};
}

Task<Moved> PlainBytes::write_some(asio::const_buffer bytes) {
  // In pieces: Windows takes what it is given as a whole, however long that lasts.
  const auto piece = asio::buffer(bytes, plain_piece);
  auto [ec, n] = co_await socket_.async_write_some(piece, as_result);
  co_return Moved{ec, n};
}

Task<Moved> TlsBytes::read_some(asio::mutable_buffer into) {
  auto [ec, n] = co_await stream_.async_read_some(into, as_result);
  co_return Moved{ec, n};
}

Task<Moved> TlsBytes::write_some(asio::const_buffer bytes) {
  auto [ec, n] = co_await stream_.async_write_some(bytes, as_result);
  co_return Moved{ec, n};
}

tcp::socket& TlsBytes::socket() { return stream_.next_layer(); }

Task<error_code> write_all(ByteStream& stream, std::string_view bytes) {
  constexpr Duration patience = std::chrono::seconds{30};
  CutAfter limit{stream.socket(), patience};
  while (!bytes.empty()) {
    const auto moved = co_await stream.write_some(asio::buffer(bytes));
    if (moved.ec) co_return moved.ec;
    bytes.remove_prefix(moved.n);
    limit.restart(patience);
  }
  co_return error_code{};
}

std::string remote_of(const tcp::socket& socket) {
  error_code ec;
  const auto at = socket.remote_endpoint(ec);
  if (ec) return {};
  return Endpoint{at.address().to_string(), at.port()}.text();
}

}  // namespace kw::link
