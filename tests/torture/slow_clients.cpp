#include "tests/torture/slow_clients.hpp"

#include <array>

#include "common/link/connect.hpp"
#include "common/link/link.hpp"
#include "common/wire/codec.hpp"

namespace kw::torture {
namespace {

using link::ByteStream;

constexpr auto step = std::chrono::seconds{10};
constexpr auto patience = std::chrono::seconds{25};  // past every limit of the collector's
constexpr int receive_buffer = 4'096;
constexpr int asked_at_once = 10;
constexpr auto asked_every = std::chrono::milliseconds{10};
constexpr std::uint64_t epoch = 11;

/// Reads one piece; an error when the collector has ended the connection.
Task<Result<std::string>> read_piece(ByteStream& stream) {
  std::array<char, 4'096> into{};
  const auto moved = co_await stream.read_some(asio::buffer(into));
  if (moved.ec) co_return link::error_of(moved.ec, "read");
  co_return std::string{into.data(), moved.n};
}

void count_end(Slow& kind, MonoTime since) {
  const Duration took = SystemClock{}.mono() - since;
  ++kind.ended;
  kind.longest = std::max(kind.longest, took);
  if (took > kind.limit) ++kind.late;
}

/// Sends a byte each `every` and waits for the end. What the collector says first counts as
/// nothing: it may give its reasons.
Task<void> dribble(ByteStream& stream, std::string bytes, Duration every, Slow& kind) {
  const auto since = SystemClock{}.mono();
  ++kind.begun;
  for (std::size_t at = 0; SystemClock{}.mono() - since < patience;) {
    const auto got = co_await with_deadline(read_piece(stream), every);
    if (!got && got.error().code() != Errc::timeout) {
      count_end(kind, since);
      co_return;
    }
    if (got || at == bytes.size()) continue;
    const auto failed = co_await link::write_all(stream, bytes.substr(at++, 1));
    if (failed) {
      count_end(kind, since);
      co_return;
    }
  }
  ++kind.late;
}

std::string upgrade_request(const link::Endpoint& at) {
  return "GET /agent HTTP/1.1\r\nHost: " + at.text() +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
         std::string{link::subprotocol} + "\r\n\r\n";
}

/// A binary message of a client; masked with zeros, so it reads as it is.
std::string framed(const std::string& message) {
  std::string out{'\x82'};
  if (message.size() < 126) {
    out += static_cast<char>(0x80 | message.size());
  } else {
    out += '\xfe';
    out += static_cast<char>(message.size() >> 8);
    out += static_cast<char>(message.size() & 0xff);
  }
  return out.append(4, '\0') + message;
}

std::string hello() {
  pb::Envelope out;
  auto& h = *out.mutable_hello();
  h.set_min_version(wire::version);
  h.set_max_version(wire::version);
  h.set_boot_id("slow");
  auto& held = *h.add_epoch();
  held.set_epoch(epoch);
  held.set_boot_id("slow");
  return framed(wire::encode(out));
}

std::string snapshot() {
  pb::Envelope out;
  out.mutable_snapshot()->set_as_of_epoch(epoch);
  return framed(wire::encode(out));
}

std::string question() {
  pb::Envelope out;
  out.mutable_heartbeat()->set_want_reply(true);
  return framed(wire::encode(out));
}

/// TLS on a socket whose receive buffer is as small as the system lets it be.
Task<Result<link::TlsStream>> narrow(link::Endpoint at,
                                     std::shared_ptr<const link::ClientTls> tls) {
  auto executor = co_await asio::this_coro::executor;
  link::tcp::socket socket{executor};
  link::error_code ec;
  socket.open(link::tcp::v4(), ec);
  // Before the connection, so that the window is never larger.
  if (!ec) socket.set_option(link::tcp::socket::receive_buffer_size{receive_buffer}, ec);
  const link::tcp::endpoint to{asio::ip::make_address(at.host), at.port};
  if (!ec) std::tie(ec) = co_await socket.async_connect(to, as_result);
  if (ec) co_return link::error_of(ec, "connect");
  auto side = std::make_unique<link::ClientSide>();
  side->tls = std::move(tls);
  side->server = std::move(at);
  auto stream = link::TlsStream::client(std::move(socket), std::move(side));
  if (!stream) co_return std::move(stream).error();
  auto shaken = co_await link::shake_hands(*stream, step);
  if (!shaken) co_return std::move(shaken).error();
  co_return std::move(*stream);
}

/// Sends the whole upgrade and reads its answer.
Task<bool> upgraded(ByteStream& stream, link::Endpoint at) {
  const auto request = upgrade_request(at);
  const auto failed = co_await link::write_all(stream, request);
  std::string answer;
  while (!failed && answer.find("\r\n\r\n") == std::string::npos) {
    const auto got = co_await with_deadline(read_piece(stream), step);
    if (!got) co_return false;
    answer += *got;
  }
  co_return answer.starts_with("HTTP/1.1 101");
}

Task<Result<bool>> write_now(ByteStream& stream, const std::string& bytes) {
  const auto failed = co_await link::write_all(stream, bytes);
  if (failed) co_return link::error_of(failed, "write");
  co_return true;
}

}  // namespace

Task<void> trickle(link::Endpoint at, std::string bytes, Duration every, Slow& kind) {
  auto socket = co_await link::connect_tcp(at, step);
  if (!socket) {
    ++kind.failed;
    co_return;
  }
  link::PlainBytes stream{*socket};
  co_await dribble(stream, std::move(bytes), every, kind);
}

Task<void> slow_upgrade(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls,
                        Duration every, Slow& kind) {
  auto opened = co_await link::connect_tls(at, std::move(tls), step);
  if (!opened) {
    ++kind.failed;
    co_return;
  }
  link::TlsBytes stream{*opened};
  co_await dribble(stream, upgrade_request(at), every, kind);
}

Task<void> slow_hello(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, Duration every,
                      Slow& kind) {
  auto opened = co_await link::connect_tls(at, std::move(tls), step);
  if (!opened) {
    ++kind.failed;
    co_return;
  }
  link::TlsBytes stream{*opened};
  const bool open = co_await upgraded(stream, at);
  if (!open) {
    ++kind.failed;
    co_return;
  }
  co_await dribble(stream, hello(), every, kind);
}

Task<void> never_read(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, Slow& kind,
                      std::uint64_t& asked) {
  auto opened = co_await narrow(at, std::move(tls));
  if (!opened) {
    ++kind.failed;
    co_return;
  }
  link::TlsBytes stream{*opened};
  const bool open = co_await upgraded(stream, at);
  if (!open) {
    ++kind.failed;
    co_return;
  }
  const auto since = SystemClock{}.mono();
  ++kind.begun;
  const auto greeting = hello() + snapshot();
  std::string questions;
  for (int i = 0; i < asked_at_once; ++i) questions += question();
  auto sent = co_await write_now(stream, greeting);
  while (sent) {
    sent = co_await with_deadline(write_now(stream, questions), patience);
    if (sent) asked += asked_at_once;
    // Not a flood: that is another test's.
    co_await sleep_for(asked_every);
    if (SystemClock{}.mono() - since > patience) break;
  }
  if (sent || sent.error().code() == Errc::timeout) {
    ++kind.late;
  } else {
    count_end(kind, since);
  }
}

Task<void> small_bytes(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls,
                       std::uint64_t& answered) {
  auto opened = co_await link::connect_tls(at, std::move(tls), step);
  if (!opened) co_return;
  link::TlsBytes stream{*opened};
  const bool open = co_await upgraded(stream, at);
  if (!open) co_return;
  const auto bytes = hello() + snapshot() + question();
  for (const char byte : bytes) {
    const auto sent = co_await write_now(stream, std::string(1, byte));
    if (!sent) co_return;
  }
  // Welcome and the answer to the question, in whatever pieces: two frames of a server.
  std::string got;
  int frames = 0;
  while (frames < 2) {
    const auto piece = co_await with_deadline(read_piece(stream), step);
    if (!piece) co_return;
    got += *piece;
    while (got.size() >= 2) {
      const auto length = static_cast<unsigned char>(got[1]);
      if (length >= 126 || got.size() < 2U + length) break;
      got.erase(0, 2U + length);
      ++frames;
    }
  }
  ++answered;
}

}  // namespace kw::torture
