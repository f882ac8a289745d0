#pragma once

#include <atomic>

namespace kw::agent::ctl {

/// Whether somebody pressed Ctrl-C or ended this program since `watch_for_stop`, so that it can
/// leave the terminal as it found it.
std::atomic<bool>& stop_flag();
void watch_for_stop();

}  // namespace kw::agent::ctl
