#include "common/link/proxy.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/filled.hpp"

namespace kw::link {
namespace {

bool loopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(host, ec);
  return !ec && address.is_loopback();
}

bool printable(const std::string& text) {
  return std::ranges::none_of(text, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}

Bilingual wrong(const Text& why) {
  constexpr Text form{"代理写作 http://[用户:密码@]主机:端口：{}",
                      "a proxy is http://[user:password@]host:port: {}"};
  return filled(form, why);
}

}  // namespace

bool Proxy::operator==(const Proxy& other) const {
  return at.host == other.at.host && at.port == other.at.port && user == other.user &&
         password == other.password;
}

Checked<Proxy> Proxy::parse(const std::string& text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return wrong({"不是地址", "not an address"});
  if (parsed->scheme() != "http") return wrong({"不是 http://", "the scheme is not http"});
  if (!parsed->has_port()) return wrong({"缺少端口", "the port is missing"});
  const bool bare = parsed->encoded_path().empty() || parsed->encoded_path() == "/";
  if (!bare || parsed->has_query() || parsed->has_fragment()) {
    return wrong({"端口之后还有内容", "something follows the port"});
  }
  const std::string host{parsed->encoded_host()};
  const std::string port{parsed->port()};
  auto at = Endpoint::parse(host + ":" + port);
  if (!at || at->port == 0) return wrong({"不是主机和端口", "not a host and a port"});
  Proxy out;
  out.at = std::move(*at);
  out.user = parsed->user();
  out.password = parsed->password();
  if (out.user.empty() && !out.password.empty())
    return wrong({"有密码而无用户", "a password without a user"});
  if (out.user.find(':') != std::string::npos)
    return wrong({"用户名中有冒号", "a colon in the user's name"});
  if (!printable(out.user) || !printable(out.password))
    return wrong({"有控制字符", "control characters"});
  return out;
}

std::string Proxy::text() const { return "http://" + at.text(); }

bool Proxy::serves(const Endpoint& server) const {
  return loopback(at.host) || !loopback(server.host);
}

}  // namespace kw::link
