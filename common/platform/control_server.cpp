#include "common/platform/control_server.hpp"

#include <array>
#include <map>
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
    bool answering = false;  ///< a verb has limits of its own
    bool following = false;  ///< may be silent for as long as it likes
    bool writing = false;    ///< to a follower: it must take what it asked for
  };

  /// A request once it is understood, or the refusal of one that is not.
  struct Request {
    json::value id = nullptr;
    std::string verb;
    json::object args;
    std::optional<json::object> refused;
  };

  struct ToClient final : Lines {
    ToClient(Client& to, json::value with) : client(to), id(std::move(with)) {}
    Task<bool> send(json::object line) override;
    bool open() const override { return !client.over; }
    Client& client;
    json::value id;
  };

  Task<void> accept(std::shared_ptr<State> self);
  Task<void> serve(std::shared_ptr<State> self, std::shared_ptr<Client> client);
  Task<void> watch(std::shared_ptr<State> self, std::shared_ptr<Client> client);
  Task<void> hang_up(std::shared_ptr<State> self, std::shared_ptr<Client> client);
  Task<void> run_follow(std::shared_ptr<State> self, std::shared_ptr<Client> client,
                        Request request);
  Request understand(const std::string& line) const;
  Task<json::object> reply(Request request);
  Duration patience(const Client& client) const;

  asio::any_io_executor executor;
  std::string verbs;
  Answer answer;
  Limits limits;
  std::map<std::string, Follow> follows;
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

/// How long a connection may stay as it is.
Duration ControlServer::State::patience(const Client& client) const {
  constexpr auto endless = std::chrono::hours{24 * 365};
  if (client.writing) return limits.stall;
  return client.following || client.answering ? endless : limits.idle;
}

/// Closes a connection on which nothing was asked for a while, or whose follower takes nothing.
Task<void> ControlServer::State::watch(std::shared_ptr<State>, std::shared_ptr<Client> client) {
  while (!client->over) {
    client->idle.expires_after(patience(*client));
    const auto [moved] = co_await client->idle.async_wait(as_result);
    if (moved) continue;
    client->over = client->following;
    boost::system::error_code ignored;
    client->socket.close(ignored);
    co_return;
  }
}

Task<bool> ControlServer::State::ToClient::send(json::object line) {
  json::object out;
  out["id"] = id;
  out["ok"] = true;
  for (auto& [key, value] : line) out[key] = std::move(value);
  const auto text = json::serialize(out) + "\n";
  if (client.over) co_return false;
  client.writing = true;
  client.idle.cancel();
  const auto bytes = asio::buffer(text);
  const auto [unsent, sent] = co_await asio::async_write(client.socket, bytes, as_result);
  client.writing = false;
  client.idle.cancel();
  if (unsent) client.over = true;
  co_return !client.over;
}

/// A follower says nothing more: whatever comes, mostly the end, ends the following.
Task<void> ControlServer::State::hang_up(std::shared_ptr<State>, std::shared_ptr<Client> client) {
  std::array<char, 256> ignored{};
  const auto into = asio::buffer(ignored);
  co_await client->socket.async_read_some(into, as_result);
  client->over = true;
  boost::system::error_code failed;
  client->socket.close(failed);
}

Task<void> ControlServer::State::run_follow(std::shared_ptr<State> self,
                                            std::shared_ptr<Client> client, Request request) {
  client->following = true;
  client->idle.cancel();
  spawn(executor, "control-follower", hang_up(self, client));
  ToClient lines{*client, request.id};
  const auto ended = co_await follows.at(request.verb)(std::move(request.args), lines);
  if (client->over) co_return;
  if (ended) {
    json::object last;
    last["end"] = true;
    co_await lines.send(std::move(last));
    co_return;
  }
  const auto text = json::serialize(refusal(request.id, ended.error(), verbs)) + "\n";
  const auto bytes = asio::buffer(text);
  co_await asio::async_write(client->socket, bytes, as_result);
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
      auto request = understand(line);
      if (!request.refused && follows.contains(request.verb)) {
        co_await run_follow(self, client, std::move(request));
        break;
      }
      client->answering = true;
      out = co_await reply(std::move(request));
      client->answering = false;
      client->idle.cancel();
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

ControlServer::State::Request ControlServer::State::understand(const std::string& line) const {
  Request out;
  json::error_code wrong;
  auto parsed = json::parse(line, wrong);
  if (wrong || !parsed.is_object()) {
    out.refused =
        refusal(nullptr, Error{Errc::garbled, "not a JSON object"}, R"(send {"id":1,"verb":"…"})");
    return out;
  }
  auto& request = parsed.get_object();
  if (const auto* given = request.if_contains("id")) {
    if (given->is_number() || given->is_string()) out.id = *given;
  }
  const auto* verb = request.if_contains("verb");
  if (verb == nullptr || !verb->is_string()) {
    out.refused = refusal(out.id, Error{Errc::invalid, "verb is missing"}, verbs);
    return out;
  }
  out.verb = std::string_view{verb->get_string()};
  if (auto* given = request.if_contains("args"); given != nullptr && given->is_object()) {
    out.args = given->get_object();
  }
  return out;
}

Task<json::object> ControlServer::State::reply(Request request) {
  if (request.refused) co_return std::move(*request.refused);
  auto answered = co_await answer(std::move(request.verb), std::move(request.args));
  if (!answered) {
    co_return refusal(request.id, answered.error(), verbs);
  }
  json::object out;
  out["id"] = request.id;
  out["ok"] = true;
  for (auto& [key, value] : *answered) out[key] = std::move(value);
  co_return out;
}

ControlServer::ControlServer(asio::any_io_executor executor, std::string verbs, Answer answer,
                             const Limits& limits) noexcept
    : state_(std::make_shared<State>(std::move(executor), std::move(verbs), std::move(answer),
                                     limits)) {}

ControlServer::~ControlServer() { stop(); }

void ControlServer::follow(std::string verb, Follow handler) {
  state_->follows[std::move(verb)] = std::move(handler);
}

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
