#include "drivers/id_reader/sdt/session.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace kw::drivers::sdt {
namespace {

/// No reader pauses as long within a reply (section 1.7: 2321 bytes take 201 ms in all).
constexpr Duration line_quiet = std::chrono::milliseconds{100};

}  // namespace

Result<Reply> Wire::exchange(const Request& request, MonoTime until) {
  framed_ = false;
  frame_bytes_ = 0;
  port_.discard();
  auto sent = port_.write(request, until);
  if (!sent) return std::move(sent).error();

  std::size_t filled = 0;
  std::size_t noise = 0;
  std::optional<MonoTime> first;
  for (;;) {
    // A corrupted reply is not sent again: only what is on its way is waited for.
    const auto wait = framed_ ? std::min(until, port_.now() + line_quiet) : until;
    auto got = port_.read(buffer_.subspan(filled), wait);
    if (!got) {
      if (got.error().code() != Errc::timeout) return std::move(got).error();
      if (framed_) return Error{Errc::garbled, "a reply with a wrong checksum or length"};
      if (noise + filled == 0) return Error{Errc::timeout, "no reply"};
      return Error{Errc::garbled, fmt::format("{} bytes and no reply among them", noise + filled)};
    }
    if (!first) first = port_.now();
    filled += *got;
    for (;;) {
      const auto found = find_frame(buffer_.first(filled), buffer_.size());
      if (found.kind == Found::Kind::frame) {
        receiving_ = port_.now() - *first;
        frame_bytes_ = header_size + found.payload.size() + 1;
        return read_reply(found.payload);
      }
      noise += found.skip;
      std::ranges::copy(buffer_.subspan(found.skip, filled - found.skip), buffer_.begin());
      filled -= found.skip;
      if (found.kind == Found::Kind::partial) break;
      if (found.kind == Found::Kind::timed_out) {
        return Error{Errc::timeout, "the reader says that its module does not answer"};
      }
      framed_ = true;
    }
    if (port_.now() >= until) return Error{Errc::garbled, "a line that is never quiet"};
  }
}

Result<void> Wire::wait_until_quiet(Duration quiet, MonoTime deadline) {
  for (;;) {
    const auto until = port_.now() + quiet;
    auto got = port_.read(buffer_, std::min(until, deadline));
    if (got) {
      if (port_.now() < deadline) continue;
      return Error{Errc::garbled, "the line is never quiet"};
    }
    if (got.error().code() != Errc::timeout) return std::move(got).error();
    if (until > deadline) return Error{Errc::timeout, "no time left to get back into step"};
    return {};
  }
}

PollSession::~PollSession() { OPENSSL_cleanse(buffer_.data(), buffer_.size()); }

Result<Reply> PollSession::ask(PollCommand command, MonoTime until) {
  return wire_.exchange(encode(command), until);
}

Result<void> PollSession::wait_until_quiet(MonoTime deadline) {
  auto done = wire_.wait_until_quiet(line_quiet, deadline);
  OPENSSL_cleanse(buffer_.data(), buffer_.size());
  return done;
}

Result<TestSession::Told> TestSession::ask(TestCommand command, MonoTime until) {
  const auto reply = wire_.exchange(encode(command), until);
  Told out;
  out.frame_bytes = wire_.frame_bytes_;
  out.receiving = wire_.receiving_;
  std::optional<Error> wrong;
  if (!reply) {
    wrong = reply.error();
  } else {
    out.code = reply->code();
    if (command == TestCommand::read_base && out.code == Code::ok) {
      auto lengths = base_lengths(reply->data);
      if (lengths) {
        out.lengths = *lengths;
      } else {
        wrong = std::move(lengths).error();
      }
    }
  }
  memory_.wipe();
  if (wrong) return std::move(*wrong);
  return out;
}

Result<void> TestSession::pause(Duration duration) {
  const auto until = wire_.port_.now() + duration;
  for (;;) {
    auto got = wire_.port_.read(memory_.bytes(), until);
    memory_.wipe();
    if (got) {
      if (wire_.port_.now() < until) continue;
      return {};
    }
    if (got.error().code() == Errc::timeout) return {};
    return std::move(got).error();
  }
}

}  // namespace kw::drivers::sdt
