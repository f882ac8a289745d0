#include "agent/local_api/settings.hpp"

#include <algorithm>

#include <boost/url/parse.hpp>

#include "agent/config_messages.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t origins_most = 16;
constexpr std::size_t name_most = 128;

}  // namespace

bool same(const AssistantSettings& a, const AssistantSettings& b) {
  return a.on == b.on && a.listen.text() == b.listen.text() && a.token_file == b.token_file &&
         a.readers == b.readers && a.origins == b.origins && a.events_per_s == b.events_per_s &&
         a.session_timeout == b.session_timeout;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  const auto address = boost::urls::parse_ipv4_address(host);
  return address && address->is_loopback();
}

bool valid_origin(const std::string& origin) {
  const auto url = boost::urls::parse_uri(origin);
  if (!url || (url->scheme() != "http" && url->scheme() != "https")) return false;
  return !url->host().empty() && !url->has_userinfo() && url->encoded_path().empty() &&
         !url->has_query() && !url->has_fragment();
}

AssistantSettings read_assistant(config::Reader reader) {
  AssistantSettings out;
  bool mistaken = false;
  const auto mistake = [&](std::string_view key, const Text& expected) {
    reader.object(key, expected);
    mistaken = true;
  };
  const auto listen = reader.text("listen", "");
  out.token_file = reader.text("token_file", "");
  out.readers = reader.text("readers", "");
  out.origins = reader.texts("origins");
  out.events_per_s = static_cast<std::uint32_t>(reader.integer("events_per_s", 10, 1, 1'000));
  out.session_timeout = std::chrono::seconds{reader.integer("session_timeout_s", 600, 5, 86'400)};
  reader.done();
  if (listen.empty()) {
    if (!out.token_file.empty()) mistake("listen", message::listen_wanted);
    return out;
  }
  const auto at = link::Endpoint::parse(listen);
  if (at && at->port != 0 && is_loopback(at->host)) {
    out.listen = *at;
  } else {
    mistake("listen", message::listen_loopback);
  }
  if (!platform::path_of(out.token_file).is_absolute()) {
    mistake("token_file", message::whole_path);
  }
  if (out.readers.size() > name_most) mistake("readers", message::group_name);
  const bool good =
      out.origins.size() <= origins_most && std::ranges::all_of(out.origins, valid_origin);
  if (!good) mistake("origins", message::origins);
  out.on = !mistaken;
  return out;
}

}  // namespace kw::agent
