#include "collector/notify/live_feed.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include "collector/api/json.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;
using Message = std::shared_ptr<const std::string>;

constexpr std::size_t rows_of_one_terminal = 500;
// RFC 6455, section 7.4.1.
constexpr std::uint16_t policy_violation = 1008;
constexpr std::uint16_t try_again_later = 1013;

/// What a reader is asked for one message.
struct Question {
  std::set<TerminalKey> terminals;
  bool figures = false;
};

struct Answer {
  json::object body;
  std::set<TerminalKey> unsettled;  ///< whose state will change with time alone
};

template <class T>
json::array array_of(const std::vector<T>& rows) {
  json::array out;
  for (const auto& row : rows) out.push_back(to_json(row));
  return out;
}

/// The terminal as it is now: its row, its open faults, its orders that can still move.
Result<json::object> present(Queries& queries, TerminalKey key, bool& unsettled) {
  const auto code = queries.code_of(key);
  if (!code) return code.error();
  const auto terminal = queries.terminal(*code);
  if (!terminal) return terminal.error();
  const Page all{.limit = rows_of_one_terminal};
  const auto faults = queries.faults(all, {.terminal = *code, .code = {}, .open = true});
  if (!faults) return faults.error();
  const auto orders = queries.orders(all, {.terminal = *code, .state = {}, .open = true});
  if (!orders) return orders.error();
  unsettled = !terminal->connected && terminal->state != TerminalState::offline &&
              terminal->state != TerminalState::switched_off;
  return json::object{{"terminal", to_json(*terminal)},
                      {"faults", array_of(faults->items)},
                      {"orders", array_of(orders->items)}};
}

Result<Answer> answer(Queries& queries, const Question& question) {
  Answer out;
  json::array terminals;
  for (const auto key : question.terminals) {
    bool unsettled = false;
    auto one = present(queries, key, unsettled);
    if (!one) return std::move(one).error();
    if (unsettled) out.unsettled.insert(key);
    terminals.push_back(std::move(*one));
  }
  out.body["terminals"] = std::move(terminals);
  if (question.figures) {
    const auto figures = queries.figures();
    if (!figures) return figures.error();
    out.body["figures"] = to_json(*figures);
  }
  return out;
}

/// One who watches, and what waits to be sent to it.
struct Client {
  Client(std::shared_ptr<link::TextSocket> s, const asio::any_io_executor& executor)
      : socket(std::move(s)), wake(executor, asio::steady_timer::time_point::max()) {}

  std::shared_ptr<link::TextSocket> socket;
  std::deque<Message> queue;
  std::size_t bytes = 0;
  bool gone = false;
  asio::steady_timer wake;  ///< cancelled when `queue` or `gone` has changed

  void put(Message message) {
    bytes += message->size();
    queue.push_back(std::move(message));
    wake.cancel();
  }
  Message take() {
    auto message = std::move(queue.front());
    queue.pop_front();
    bytes -= message->size();
    return message;
  }
  void drop() {
    queue.clear();
    bytes = 0;
  }
};

}  // namespace

struct LiveFeed::State {
  State(asio::any_io_executor e, ReaderPool& r, const Clock& c, std::string p, LiveLimits l)
      : executor(std::move(e)),
        readers(r),
        clock(c),
        page(std::move(p)),
        limits(l),
        changed(executor) {}

  const asio::any_io_executor executor;
  ReaderPool& readers;
  const Clock& clock;
  const std::string page;
  const LiveLimits limits;

  // Written by the writer thread too. Holds terminals only while somebody watches, and no more than
  // one message may tell.
  std::mutex mutex;
  std::set<TerminalKey> pending;
  bool too_many = false;
  bool told = false;
  bool watched = false;

  // io thread only.
  std::list<std::shared_ptr<Client>> clients;
  std::uint64_t seq = 0;
  bool pumping = false;
  bool figures_owed = false;
  MonoTime figures_at{};
  MonoTime heartbeat_at{};
  std::set<TerminalKey> unsettled;
  asio::steady_timer changed;  ///< cancelled when `told` is set

  void note(const std::set<TerminalKey>& terminals) {
    pending.insert(terminals.begin(), terminals.end());
    if (pending.size() <= limits.terminals) return;
    pending.clear();
    too_many = true;
  }

  /// The writer thread, after a COMMIT.
  static void tell(const std::weak_ptr<State>& weak, const std::set<TerminalKey>& terminals) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    {
      const std::lock_guard lock{self->mutex};
      if (!self->watched) return;
      self->note(terminals);
      if (std::exchange(self->told, true)) return;
    }
    asio::post(self->executor, [self] { self->changed.cancel(); });
  }

  bool anything() {
    const std::lock_guard lock{mutex};
    return told;
  }

  /// What to ask for the next message; `too_many` says that asking one by one makes no sense.
  Question next(bool& all) {
    const auto now = clock.mono();
    const std::lock_guard lock{mutex};
    if (now - heartbeat_at >= limits.heartbeat) {
      heartbeat_at = now;
      figures_owed = true;
      note(std::exchange(unsettled, {}));
    }
    told = false;
    all = std::exchange(too_many, false);
    Question question{.terminals = std::exchange(pending, {})};
    figures_owed = figures_owed || !question.terminals.empty();
    question.figures = figures_owed && now - figures_at >= limits.figures;
    if (question.figures) {
      figures_owed = false;
      figures_at = now;
    }
    return question;
  }

  Message message(std::string_view type, json::object body) const {
    body["type"] = type;
    body["seq"] = seq;
    body["at"] = rfc3339(clock.wall());
    return std::make_shared<const std::string>(json::serialize(body));
  }

  void broadcast(std::string_view type, json::object body) {
    ++seq;
    const auto text = message(type, std::move(body));
    for (const auto& client : clients) {
      const bool slow = !client->queue.empty() && client->bytes + text->size() > limits.queue_bytes;
      if (slow) {
        client->drop();
        client->put(message("resync", {}));
      } else {
        client->put(text);
      }
    }
  }

  /// Runs while anybody watches.
  static Task<void> pump(std::shared_ptr<State> self) {
    while (!self->clients.empty()) {
      self->changed.expires_after(self->figures_owed ? self->limits.figures
                                                     : self->limits.heartbeat);
      if (!self->anything()) co_await self->changed.async_wait(as_result);
      co_await sleep_for(self->limits.gather);
      bool all = false;
      auto question = self->next(all);
      if (all) {
        self->broadcast("resync", {});
        co_await sleep_for(self->limits.respite);
        continue;
      }
      if (question.terminals.empty() && !question.figures) continue;
      std::function ask = [question](Queries& q) { return answer(q, question); };
      auto told = co_await self->readers.read(std::move(ask));
      if (!told) {
        log::warning("live-not-read", {{"reason", told.error()}});
        self->broadcast("resync", {});
        co_await sleep_for(self->limits.respite);
        continue;
      }
      self->unsettled.merge(told->unsettled);
      self->broadcast("changes", std::move(told->body));
    }
    self->pumping = false;
    const std::lock_guard lock{self->mutex};
    self->watched = false;
    self->told = false;
    self->too_many = false;
    self->pending.clear();
  }

  void join(const std::shared_ptr<State>& self, const std::shared_ptr<Client>& client) {
    {
      const std::lock_guard lock{mutex};
      watched = true;  // before hello: what commits from now on comes in a message
    }
    clients.push_back(client);
    client->put(message("hello", {{"page", page}}));
    figures_owed = true;  // the first thing that a page shows
    changed.cancel();
    if (std::exchange(pumping, true)) return;
    heartbeat_at = clock.mono();
    spawn(executor, "live-feed", pump(self));
  }

  void leave(const std::shared_ptr<Client>& client) {
    client->gone = true;
    client->wake.cancel();
    clients.remove(client);
    if (clients.empty()) changed.cancel();
  }

  static Task<void> send(std::shared_ptr<Client> client) {
    while (!client->gone) {
      if (client->queue.empty()) {
        client->wake.expires_at(asio::steady_timer::time_point::max());
        co_await client->wake.async_wait(as_result);
        continue;
      }
      const auto sent = co_await client->socket->send(client->take());
      if (!sent) client->socket->cut();
      if (!sent) co_return;
    }
  }

  /// Nothing is expected from a client: its end is all that is waited for.
  static Task<void> listen(std::shared_ptr<State> self, std::shared_ptr<Client> client) {
    const auto said = co_await client->socket->receive();
    self->leave(client);
    if (said) co_await client->socket->close(policy_violation, "the live feed only tells");
    client->socket->cut();
  }
};

LiveFeed::LiveFeed(asio::any_io_executor executor, Writer& writer, ReaderPool& readers,
                   const Clock& clock, std::string page, LiveLimits limits)
    : state_(std::make_shared<State>(std::move(executor), readers, clock, std::move(page), limits)),
      writer_(writer) {
  writer_.on_committed([weak = std::weak_ptr{state_}](const std::set<TerminalKey>& terminals) {
    State::tell(weak, terminals);
  });
}

LiveFeed::~LiveFeed() { writer_.on_committed({}); }

Task<void> LiveFeed::serve(std::shared_ptr<link::TextSocket> socket) {
  using asio::experimental::awaitable_operators::operator&&;
  const auto self = state_;
  if (self->clients.size() >= self->limits.clients) {
    co_await socket->close(try_again_later, "as many watch as may");
    co_return;
  }
  const auto client = std::make_shared<Client>(std::move(socket), self->executor);
  self->join(self, client);
  co_await (State::send(client) && State::listen(self, client));
}

}  // namespace kw::collector
