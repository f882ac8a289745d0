#pragma once

namespace kw::platform {

/// A peer that is gone must be an error of the write, not the end of the process: OpenSSL writes
/// with write(2), which raises SIGPIPE. First call of every main and test main.
void ignore_sigpipe();

}  // namespace kw::platform
