#include "common/platform/control_server.hpp"

#include <optional>
#include <set>
#include <utility>

#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/log.hpp"
#include "common/platform/control_endpoint.hpp"

namespace kw::platform {
namespace {

namespace json = boost::json;

constexpr auto accept_rest = std::chrono::milliseconds{100};

json::object refusal(json::value id, const Error& why, std::string_view hint) {
  json::object error;
  error["code"] = name(why.code());
  error["message"] = why.text();
  error["hint"] = hint;
  json::object out;
  out["id"] = std::move(id);
  out["ok"] = false;
  out["error"] = std::move(error);
  return out;
}

}  // namespace

struct ControlServer::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor on, std::string can, Answer with, const Limits& within)
      : executor(std::move(on)),
        verbs(std::move(can)),
        answer(std::move(with)),
        limits(within),
        acceptor(executor) {}

  struct Client {
    explicit Client(ControlStream from) : socket(std::move(from)), idle(socket.get_executor()) {}
    ControlStream socket;
    asio::steady_timer idle;
    std::string buffer;
    bool over = false;
  };

  Task<void> accept(std::shared_ptr<State> self);
  Task<void> serve(std::shared_ptr<State> self, std::shared_ptr<Client> client);
  Task<void> watch(std::shared_ptr<State> self, std::shared_ptr<Client> client);
  Task<json::object> reply(std::string line);

  asio::any_io_executor executor;
  std::string verbs;
  Answer answer;
  Limits limits;
  ControlAcceptor acceptor;
  std::set<std::shared_ptr<Client>> clients;
};

Task<void> ControlServer::State::accept(std::shared_ptr<State> self) {
  while (acceptor.is_open()) {
    auto stream = co_await acceptor.accept();
    if (!acceptor.is_open()) co_return;
    if (!stream) {
      const bool stranger = stream.error().code() == Errc::refused;
      if (!stranger) co_await sleep_for(accept_rest);  // out of descriptors, say
      continue;
    }
    if (clients.size() >= limits.clients) continue;  // closed as it goes out of scope
    auto client = std::make_shared<Client>(std::move(*stream));
    clients.insert(client);
    spawn(executor, "control-client", serve(self, client));
    spawn(executor, "control-idle", watch(self, client));
  }
}

/// Closes a connection on which nothing was asked for a while.
Task<void> ControlServer::State::watch(std::shared_ptr<State>, std::shared_ptr<Client> client) {
  while (!client->over) {
    client->idle.expires_after(limits.idle);
    const auto [moved] = co_await client->idle.async_wait(as_result);
    if (moved) continue;
    boost::system::error_code ignored;
    client->socket.close(ignored);
    co_return;
  }
}

Task<void> ControlServer::State::serve(std::shared_ptr<State> self,
                                       std::shared_ptr<Client> client) {
  for (;;) {
    auto into = asio::dynamic_buffer(client->buffer, limits.line);
    const auto [failed, length] =
        co_await asio::async_read_until(client->socket, into, '\n', as_result);
    client->idle.cancel();
    json::object out;
    const bool too_long = failed == asio::error::not_found;
    if (failed && !too_long) break;
    if (too_long) {
      out = refusal(nullptr, Error{Errc::garbled, "the line is too long"}, "at most 64 KiB a line");
    } else {
      auto line = client->buffer.substr(0, length - 1);
      client->buffer.erase(0, length);
      out = co_await reply(std::move(line));
    }
    const auto text = json::serialize(out) + "\n";
    const auto bytes = asio::buffer(text);
    const auto [unsent, sent] = co_await asio::async_write(client->socket, bytes, as_result);
    if (unsent || too_long) break;
  }
  client->over = true;
  client->idle.cancel();
  boost::system::error_code ignored;
  client->socket.close(ignored);
  clients.erase(client);
}

Task<json::object> ControlServer::State::reply(std::string line) {
  json::error_code wrong;
  auto parsed = json::parse(line, wrong);
  if (wrong || !parsed.is_object()) {
    co_return refusal(nullptr, Error{Errc::garbled, "not a JSON object"},
                      R"(send {"id":1,"verb":"…"})");
  }
  auto& request = parsed.get_object();
  json::value id = nullptr;
  if (const auto* given = request.if_contains("id")) {
    if (given->is_number() || given->is_string()) id = *given;
  }
  const auto* verb = request.if_contains("verb");
  if (verb == nullptr || !verb->is_string()) {
    co_return refusal(id, Error{Errc::invalid, "verb is missing"}, verbs);
  }
  json::object args;
  if (auto* given = request.if_contains("args"); given != nullptr && given->is_object()) {
    args = given->get_object();
  }
  std::string asked{std::string_view{verb->get_string()}};
  auto answered = co_await answer(std::move(asked), std::move(args));
  if (!answered) {
    co_return refusal(id, answered.error(), verbs);
  }
  json::object out;
  out["id"] = id;
  out["ok"] = true;
  for (auto& [key, value] : *answered) out[key] = std::move(value);
  co_return out;
}

ControlServer::ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer,
                             const Limits& limits) noexcept
    : state_(std::make_shared<State>(std::move(executor), std::move(verbs), std::move(answer),
                                     limits)) {}

ControlServer::~ControlServer() { stop(); }

Result<void> ControlServer::listen(const std::filesystem::path& path) {
  auto listening = state_->acceptor.listen(path);
  if (!listening) return listening;
  spawn(state_->executor, "control-accept", state_->accept(state_));
  return {};
}

void ControlServer::stop() {
  boost::system::error_code ignored;
  state_->acceptor.close();
  for (const auto& client : state_->clients) {
    client->over = true;
    client->idle.cancel();
    client->socket.close(ignored);
  }
}

}  // namespace kw::platform
