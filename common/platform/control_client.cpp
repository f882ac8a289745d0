#include "common/platform/control_client.hpp"

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/platform/control_server.hpp"

namespace kw::platform {
namespace {

namespace json = boost::json;

constexpr std::size_t answer_limit = 4 * 1024 * 1024;

}  // namespace

Result<ControlSession> ControlSession::open(const std::filesystem::path& data,
                                            const std::string& verb, const json::object& args,
                                            Duration wait) {
  auto call = ControlCall::connect(data / control_name, wait);
  if (!call) return std::move(call).error();
  json::object request;
  request["id"] = 1;
  request["verb"] = verb;
  request["args"] = args;
  const auto sent = call->send(json::serialize(request) + "\n");
  if (!sent) return sent.error();
  return ControlSession{std::move(*call)};
}

Result<json::object> ControlSession::next() {
  for (auto end = read_.find('\n'); end == std::string::npos; end = read_.find('\n')) {
    auto got = call_.receive();
    if (!got) return std::move(got).error();
    if (got->empty()) return Error{Errc::disconnected, "the daemon closed the connection"};
    read_ += *got;
    if (read_.size() > answer_limit) return Error{Errc::garbled, "the answer is too long"};
  }
  const auto end = read_.find('\n');
  json::error_code wrong;
  auto parsed = json::parse(std::string_view{read_}.substr(0, end), wrong);
  read_.erase(0, end + 1);
  if (wrong || !parsed.is_object()) return Error{Errc::garbled, "the answer is not a JSON object"};
  return std::move(parsed.get_object());
}

Result<json::object> ask_control(const std::filesystem::path& data, const std::string& verb,
                                 const json::object& args, Duration limit) {
  auto session = ControlSession::open(data, verb, args, limit);
  if (!session) return std::move(session).error();
  auto answer = session->next();
  if (!answer) return answer;
  const auto* ok = answer->if_contains("ok");
  if (ok == nullptr || !ok->is_bool() || !ok->get_bool()) {
    json::error_code wrong;
    const json::value whole(*answer);  // braces would make a list of it
    const auto* why = whole.find_pointer("/error/message", wrong);
    const bool told = why != nullptr && why->is_string();
    return Error{Errc::refused, told ? std::string{why->get_string()} : "no reason given"};
  }
  answer->erase("id");
  answer->erase("ok");
  return answer;
}

}  // namespace kw::platform
