#include "common/link/accept.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include "common/clock.hpp"
#include "common/log.hpp"

namespace kw::link {
namespace {

Result<tcp::endpoint> local(const Endpoint& at) {
  if (at.host.empty()) return tcp::endpoint{tcp::v6(), at.port};
  error_code ec;
  const auto address = asio::ip::make_address(at.host == "localhost" ? "127.0.0.1" : at.host, ec);
  if (ec) return Error{Errc::invalid, "listen: not an address: " + at.host};
  return tcp::endpoint{address, at.port};
}

}  // namespace

Result<tcp::acceptor> open_acceptor(const asio::any_io_executor& executor, const Endpoint& at) {
  auto where = local(at);
  if (!where) return std::move(where).error();
  tcp::acceptor acceptor{executor};
  error_code ec;
  acceptor.open(where->protocol(), ec);
  if (ec && at.host.empty()) {  // a system without IPv6
    *where = tcp::endpoint{tcp::v4(), at.port};
    acceptor.open(where->protocol(), ec);
  }
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec && at.host.empty() && where->address().is_v6()) {
    acceptor.set_option(asio::ip::v6_only{false}, ec);
  }
  if (!ec) acceptor.bind(*where, ec);
  if (!ec) acceptor.listen(tcp::acceptor::max_listen_connections, ec);
  if (ec) return error_of(ec, "listen on " + at.text());
  return acceptor;
}

Result<Endpoint> address_of(const tcp::acceptor& acceptor) {
  error_code ec;
  const auto at = acceptor.local_endpoint(ec);
  if (ec) return error_of(ec, "listen");
  return Endpoint{at.address().to_string(), at.port()};
}

Task<void> accept_each(std::shared_ptr<tcp::acceptor> acceptor, std::function<bool()> full,
                       std::function<void(tcp::socket)> take) {
  constexpr Duration room_check = std::chrono::milliseconds{20};
  constexpr Duration respite = std::chrono::milliseconds{200};
  while (acceptor->is_open()) {
    if (full()) {
      co_await sleep_for(room_check);
      continue;
    }
    auto [ec, socket] = co_await acceptor->async_accept(as_result);
    if (!ec) {
      take(std::move(socket));
      continue;
    }
    if (!acceptor->is_open() || ec == asio::error::operation_aborted) co_return;
    if (ec == asio::error::connection_aborted) continue;
    log::warning("accept-failed", {{"reason", ec.message()}});
    co_await sleep_for(respite);
  }
}

void QuietLog::note(std::string_view event, const std::string& remote, const Error& why) {
  const auto now = micros(SystemClock{}.mono());
  if (now < next_us_) {
    ++left_out_;
    return;
  }
  log::info(event, {{"remote", remote}, {"reason", why}, {"left_out", left_out_}});
  next_us_ = now + 10'000'000;
  left_out_ = 0;
}

}  // namespace kw::link
