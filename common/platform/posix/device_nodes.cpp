#include "common/platform/device_nodes.hpp"

#include <array>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/inotify.h>
#include <unistd.h>

namespace kw::platform {
namespace {

/// A node is made, then given its rights and links: looked at when that has been done.
constexpr auto settling = std::chrono::milliseconds{200};
/// Where nothing tells.
constexpr auto blind_look = std::chrono::hours{1};

int watch_folder(const std::filesystem::path& folder) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return -1;
  if (inotify_add_watch(fd, folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

void drain(int fd) {
  std::array<char, 4096> scrap{};
  while (read(fd, scrap.data(), scrap.size()) > 0) {
  }
}

}  // namespace

struct DeviceNodes::Watch {
  asio::posix::stream_descriptor events;
};

DeviceNodes::DeviceNodes(const asio::any_io_executor& io, const std::filesystem::path& folder)
    : watch_(new Watch{asio::posix::stream_descriptor{io}}) {
  const int fd = watch_folder(folder);
  if (fd >= 0) watch_->events.assign(fd);
}

DeviceNodes::~DeviceNodes() = default;

Task<void> DeviceNodes::appeared() {
  auto& events = watch_->events;
  if (!events.is_open()) {
    co_await sleep_for(blind_look);
    co_return;
  }
  co_await events.async_wait(asio::posix::stream_descriptor::wait_read, as_result);
  co_await sleep_for(settling);
  drain(events.native_handle());
}

}  // namespace kw::platform
