#pragma once

#include <filesystem>

#include "common/result.hpp"

namespace kw::platform {

/// A local endpoint that only the owner and the administrator reach. A socket file that a dead
/// process left behind is replaced. The descriptor is the caller's to close.
Result<int> listen_control(const std::filesystem::path& path);

/// Errc::missing: nobody listens there; Errc::refused: not for this user.
Result<int> connect_control(const std::filesystem::path& path);

/// Whether the process at the other end runs as the administrator or as our own user.
bool control_peer_allowed(int descriptor);

}  // namespace kw::platform
