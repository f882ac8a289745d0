#pragma once

#include <functional>
#include <memory>

#include "common/link/io.hpp"
#include "common/link/tls.hpp"

/// How servers take connections. For sources of link/ only.
namespace kw::link {

/// Binds and listens. The host is an address, "localhost", or "" for every address.
Result<tcp::acceptor> open_acceptor(const asio::any_io_executor& executor, const Endpoint& at);
Result<Endpoint> address_of(const tcp::acceptor& acceptor);

/// Hands every connection to `take` until the acceptor is closed; pauses while `full` says so.
/// Running out of descriptors or memory passes: it waits a little and goes on.
Task<void> accept_each(std::shared_ptr<tcp::acceptor> acceptor, std::function<bool()> full,
                       std::function<void(tcp::socket)> take);

/// At most one line in ten seconds for what strangers can provoke; says how many were left out.
class QuietLog {
 public:
  void note(std::string_view event, const std::string& remote, const Error& why);

 private:
  std::int64_t next_us_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace kw::link
