#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/uplink/uplink.hpp"

namespace kw::agent {

/// One session on one connection, shared by the coroutines that serve it.
struct Uplink::Talk {
  Talk(const asio::any_io_executor& executor, std::unique_ptr<link::Link> with, Session machine)
      : link(std::move(with)), session(std::move(machine)), queued(executor), due(executor) {
    queued.expires_at(asio::steady_timer::time_point::max());
  }

  struct Out {
    std::string frame;
    std::optional<act::Close> close;
  };

  std::unique_ptr<link::Link> link;
  Session session;
  std::deque<Out> out;
  asio::steady_timer queued;  ///< cancelled when there is something to write
  asio::steady_timer due;     ///< the session's next tick
  MonoTime wakes_at{};        ///< what `due` waits for
  bool closing = false;       ///< Close is queued: nothing is performed any more
  bool over = false;
};

}  // namespace kw::agent
