#pragma once

#include <memory>
#include <string>

#include "collector/api/reader_pool.hpp"
#include "collector/writer/writer.hpp"
#include "common/clock.hpp"
#include "common/link/text_socket.hpp"

namespace kw::collector {

/// What the live feed grants; tests give less.
struct LiveLimits {
  std::size_t clients = 64;               ///< one more is closed with 1013, try again later
  std::size_t terminals = 250;            ///< told at a time; when more have changed: resync
  std::size_t queue_bytes = 1024 * 1024;  ///< waiting for one client; when there is more: resync
  Duration gather = std::chrono::milliseconds{100};  ///< from a change to the message that tells it
  Duration figures = std::chrono::seconds{1};        ///< at least between two counts
  Duration heartbeat = std::chrono::seconds{15};     ///< at most between two messages
  Duration respite = std::chrono::seconds{5};        ///< after a resync of everybody
};

/// Tells those who watch what a COMMIT has changed (openapi.yaml, /api/v1/live). A message carries
/// the whole present state of each terminal concerned, read once for all clients, never a delta.
///
/// Nothing is missed: a client gets `hello` with the number of the last message before it reads the
/// state by REST, and every change committed later comes in a message with the next numbers. Every
/// queue is bounded: who cannot follow is told `resync`, to read the state again. io thread only.
class LiveFeed {
 public:
  /// `page`: names the page that this program serves; one that shows another should load itself
  /// again. `writer`, `readers` and `clock` outlive the feed's use of the executor.
  LiveFeed(asio::any_io_executor executor, Writer& writer, ReaderPool& readers, const Clock& clock,
           std::string page, LiveLimits limits = {});
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;
  ~LiveFeed();

  /// Serves one client until it leaves.
  Task<void> serve(std::shared_ptr<link::TextSocket> socket);

 private:
  struct State;
  std::shared_ptr<State> state_;
  Writer& writer_;
};

}  // namespace kw::collector
