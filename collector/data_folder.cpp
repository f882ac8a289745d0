#include "collector/data_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/platform/control_client.hpp"

namespace kw::collector {
namespace {

namespace asio = boost::asio;

/// The system tells nobody when a lock is free but who blocks on it without an end.
constexpr auto look_again = std::chrono::milliseconds{200};
constexpr auto answer_within = std::chrono::seconds{1};

/// Whatever the answer is: it is a collector's.
bool collector_answers(const std::filesystem::path& data) {
  const auto asked = platform::ask_control(data, "is-there", {}, answer_within);
  return asked || asked.error().code() != Errc::missing;
}

}  // namespace

Result<std::unique_ptr<platform::FolderLock>> take_data_folder(const std::filesystem::path& data,
                                                               const Clock& clock, Duration wait) {
  const auto until = clock.mono() + wait;
  for (;;) {
    auto lock = platform::FolderLock::take(data);
    if (lock || lock.error().code() != Errc::busy) return lock;
    if (clock.mono() >= until || collector_answers(data)) return lock;
    // Before there is anything else to do: nobody else waits for this thread.
    asio::io_context io;
    asio::steady_timer{io, look_again}.wait();
  }
}

}  // namespace kw::collector
