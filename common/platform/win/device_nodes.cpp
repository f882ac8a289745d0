#include "common/platform/device_nodes.hpp"

namespace kw::platform {
namespace {

// Only a window or a service is told there; the long interval of absent devices has to do.
constexpr auto blind_look = std::chrono::hours{1};

}  // namespace

struct DeviceNodes::Watch {};

DeviceNodes::DeviceNodes(const asio::any_io_executor& /*io*/,
                         const std::filesystem::path& /*folder*/) {}
DeviceNodes::~DeviceNodes() = default;

Task<void> DeviceNodes::appeared() { co_await sleep_for(blind_look); }

}  // namespace kw::platform
