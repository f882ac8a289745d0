#include "common/platform/control.hpp"

#include <optional>
#include <set>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kw::platform {
namespace {

namespace json = boost::json;
using Socket = asio::local::stream_protocol::socket;
constexpr auto pause_after_failure = std::chrono::milliseconds{100};
using Path = asio::local::stream_protocol::endpoint;

bool may_speak(Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

json::object failed(const Error& error, std::string_view hint) {
  return {{"ok", false},
          {"error",
           json::object{{"code", name(error.code())}, {"message", error.text()}, {"hint", hint}}}};
}

Task<Result<std::string>> read_line(Socket& socket, std::string& buffer) {
  auto [error, size] = co_await asio::async_read_until(
      socket, asio::dynamic_buffer(buffer, control_line_limit), '\n', as_result);
  if (error == asio::error::not_found) co_return Error{Errc::garbled, "line longer than 64 KiB"};
  if (error) co_return Error{Errc::disconnected, error.message()};
  std::string line = buffer.substr(0, size - 1);
  buffer.erase(0, size);
  co_return line;
}

Task<bool> write_line(Socket& socket, json::object reply) {
  const std::string line = json::serialize(reply) + "\n";
  auto [error, size] = co_await asio::async_write(socket, asio::buffer(line), as_result);
  co_return !error;
}

}  // namespace

struct ControlServer::State : std::enable_shared_from_this<ControlServer::State> {
  State(asio::any_io_executor ex, Handler h)
      : executor(std::move(ex)), handler(std::move(h)), acceptor(executor) {}

  Task<void> accept_all() {
    const auto self = shared_from_this();
    while (acceptor.is_open()) {
      auto [error, socket] = co_await acceptor.async_accept(as_result);
      if (error) {
        if (!acceptor.is_open()) co_return;
        co_await sleep_for(pause_after_failure);
        continue;
      }
      auto client = std::make_shared<Socket>(std::move(socket));
      if (clients.size() >= control_clients || !may_speak(*client)) continue;
      spawn(executor, "control-client", serve(client));
    }
  }

  Task<void> serve(std::shared_ptr<Socket> client) {
    const auto self = shared_from_this();
    clients.insert(client);
    std::string buffer;
    for (;;) {
      auto line = co_await with_deadline(read_line(*client, buffer), control_idle);
      if (!line) {
        if (line.error().code() == Errc::garbled) {
          auto told = failed(line.error(), "send one JSON object a line");
          co_await write_line(*client, std::move(told));
        }
        break;
      }
      auto reply = co_await answer(std::move(*line));
      const bool sent = co_await write_line(*client, std::move(reply));
      if (!sent) break;
    }
    clients.erase(client);
  }

  Task<json::object> answer(std::string line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    const auto* request = error ? nullptr : value.if_object();
    const auto* verb = request == nullptr ? nullptr : request->if_contains("verb");
    if (verb == nullptr || !verb->is_string()) {
      const Error why{Errc::garbled, "not a JSON object with a verb"};
      co_return failed(why, "send {\"id\": …, \"verb\": \"…\", \"args\": {…}}");
    }
    json::object args;
    if (const auto* given = request->if_contains("args"); given != nullptr && given->is_object()) {
      args = given->get_object();
    }
    std::string called{verb->get_string()};
    auto result = co_await handler(std::move(called), std::move(args));
    json::object reply;
    if (result) {
      reply = std::move(*result);
      reply["ok"] = true;
    } else {
      reply = failed(result.error(), "");
    }
    if (const auto* id = request->if_contains("id")) reply["id"] = *id;
    co_return reply;
  }

  asio::any_io_executor executor;
  Handler handler;
  asio::local::stream_protocol::acceptor acceptor;
  std::set<std::shared_ptr<Socket>> clients;
  std::filesystem::path path;
};

ControlServer::ControlServer(asio::any_io_executor executor, Handler handler)
    : state_(std::make_shared<State>(std::move(executor), std::move(handler))) {}

ControlServer::~ControlServer() { stop(); }

Result<void> ControlServer::listen(const std::filesystem::path& socket) {
  boost::system::error_code error;
  if (socket.native().size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{Errc::invalid, "the path of the control socket is too long: " + socket.string()};
  }
  Socket probe{state_->executor};
  probe.connect(Path{socket.string()}, error);
  if (!error) return Error{Errc::busy, "somebody listens at " + socket.string() + " already"};
  std::error_code none;
  std::filesystem::remove(socket, none);
  auto& acceptor = state_->acceptor;
  acceptor.open(asio::local::stream_protocol{}, error);
  // The folder is the owner's alone; between bind and chmod nobody else can reach the socket.
  if (!error) acceptor.bind(Path{socket.string()}, error);
  if (!error) ::chmod(socket.c_str(), S_IRUSR | S_IWUSR);
  if (!error) acceptor.listen(static_cast<int>(control_clients), error);
  if (error)
    return Error{Errc::storage, "control socket " + socket.string() + ": " + error.message()};
  state_->path = socket;
  spawn(state_->executor, "control-accept", state_->accept_all());
  return {};
}

void ControlServer::stop() {
  if (!state_->acceptor.is_open()) return;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (const auto& client : state_->clients) client->close(ignored);
  std::error_code none;
  std::filesystem::remove(state_->path, none);
}

namespace {

Task<Result<std::string>> ask_once(std::string path, std::string line) {
  Socket socket{co_await asio::this_coro::executor};
  const Path at{path};
  auto [refused] = co_await socket.async_connect(at, as_result);
  if (refused) co_return Error{Errc::missing, "nobody listens at " + path};
  auto [unsent, size] = co_await asio::async_write(socket, asio::buffer(line), as_result);
  if (unsent) co_return Error{Errc::disconnected, unsent.message()};
  std::string buffer;
  auto answer = co_await read_line(socket, buffer);
  co_return answer;
}

Task<void> ask_into(std::string path, std::string line, Duration limit,
                    std::optional<Result<std::string>>& out) {
  out = co_await with_deadline(ask_once(std::move(path), std::move(line)), limit);
}

}  // namespace

Result<json::object> control_ask(const std::filesystem::path& socket, std::string_view verb,
                                 const json::object& args, Duration limit) {
  asio::io_context io{1};
  std::optional<Result<std::string>> answer;
  const std::string line =
      json::serialize(json::object{{"id", 1}, {"verb", verb}, {"args", args}}) + "\n";
  spawn(io, "control-ask", ask_into(socket.string(), line, limit, answer));
  io.run();
  if (!answer) return Error{Errc::disconnected, "no answer"};
  if (!*answer) return answer->error();
  boost::system::error_code error;
  auto value = json::parse(**answer, error);
  auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return Error{Errc::garbled, "the answer is not a JSON object"};
  if (const auto* ok = object->if_contains("ok");
      ok != nullptr && ok->is_bool() && ok->get_bool()) {
    return std::move(*object);
  }
  std::string why = "refused";
  if (const auto* told = object->if_contains("error"); told != nullptr && told->is_object()) {
    if (const auto* message = told->get_object().if_contains("message");
        message != nullptr && message->is_string()) {
      why = message->get_string();
    }
  }
  return Error{Errc::refused, why};
}

}  // namespace kw::platform
