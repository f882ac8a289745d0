#include "common/platform/control_client.hpp"

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/platform/control_endpoint.hpp"
#include "common/platform/control_server.hpp"

namespace kw::platform {
namespace {

namespace json = boost::json;

constexpr std::size_t answer_limit = 4 * 1024 * 1024;

Result<std::string> line_after(ControlCall& call, const std::string& line) {
  const auto sent = call.send(line);
  if (!sent) return sent.error();
  std::string answer;
  while (answer.find('\n') == std::string::npos) {
    const auto got = call.receive();
    if (!got) return got.error();
    if (got->empty()) return Error{Errc::disconnected, "the daemon closed the connection"};
    answer += *got;
    if (answer.size() > answer_limit) return Error{Errc::garbled, "the answer is too long"};
  }
  return answer;
}

}  // namespace

Result<json::object> ask_control(const std::filesystem::path& data, const std::string& verb,
                                 const json::object& args, Duration limit) {
  auto call = ControlCall::connect(data / control_name, limit);
  if (!call) return std::move(call).error();
  json::object request;
  request["id"] = 1;
  request["verb"] = verb;
  request["args"] = args;
  auto answer = line_after(*call, json::serialize(request) + "\n");
  if (!answer) return std::move(answer).error();
  json::error_code wrong;
  auto parsed = json::parse(*answer, wrong);
  if (wrong || !parsed.is_object()) return Error{Errc::garbled, "the answer is not a JSON object"};
  auto& object = parsed.get_object();
  const auto* ok = object.if_contains("ok");
  if (ok == nullptr || !ok->is_bool() || !ok->get_bool()) {
    const auto* why = parsed.find_pointer("/error/message", wrong);
    const bool told = why != nullptr && why->is_string();
    return Error{Errc::refused, told ? std::string{why->get_string()} : "no reason given"};
  }
  object.erase("id");
  object.erase("ok");
  return std::move(object);
}

}  // namespace kw::platform
