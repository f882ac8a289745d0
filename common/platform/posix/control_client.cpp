#include "common/platform/control_client.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/platform/control_endpoint.hpp"
#include "common/platform/control_server.hpp"

namespace kw::platform {
namespace {

namespace json = boost::json;

constexpr std::size_t answer_limit = 4 * 1024 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error broken() {
  const int why = errno;
  if (why == EAGAIN || why == EWOULDBLOCK) return {Errc::timeout, "no answer in time"};
  return {Errc::disconnected, std::strerror(why)};
}

Result<std::string> exchange(int fd, std::string line) {
  while (!line.empty()) {
    const auto sent = send(fd, line.data(), line.size(), MSG_NOSIGNAL);
    if (sent <= 0) return broken();
    line.erase(0, static_cast<std::size_t>(sent));
  }
  std::string answer;
  std::array<char, 4'096> block{};
  while (answer.find('\n') == std::string::npos) {
    const auto got = recv(fd, block.data(), block.size(), 0);
    if (got < 0) return broken();
    if (got == 0) return Error{Errc::disconnected, "the daemon closed the connection"};
    answer.append(block.data(), static_cast<std::size_t>(got));
    if (answer.size() > answer_limit) return Error{Errc::garbled, "the answer is too long"};
  }
  return answer;
}

}  // namespace

Result<json::object> ask_control(const std::filesystem::path& data, const std::string& verb,
                                 const json::object& args, Duration limit) {
  const auto connected = connect_control(data / control_name);
  if (!connected) return connected.error();
  const Descriptor socket{*connected};
  timeval within{};
  within.tv_sec = static_cast<time_t>(limit.count() / 1'000'000);
  within.tv_usec = static_cast<suseconds_t>(limit.count() % 1'000'000);
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &within, sizeof within);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &within, sizeof within);
  json::object request;
  request["id"] = 1;
  request["verb"] = verb;
  request["args"] = args;
  auto answer = exchange(socket.get(), json::serialize(request) + "\n");
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
