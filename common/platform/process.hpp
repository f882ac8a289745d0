#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace kw::platform {

/// Files that this process makes are the owner's alone unless they say otherwise. For main, before
/// any thread starts.
void keep_files_private();

/// Threads are few and shallow: small stacks and few arenas keep the footprint small. For main,
/// before any thread starts.
void keep_memory_small();

/// The terminal shows what we print, which is UTF-8. For main.
void print_utf8();

/// What the system and its user send to end a process in good order, for asio::signal_set.
std::span<const int> stop_signals();

/// Where an agent that is told nothing else keeps its data, and its configuration file.
std::filesystem::path default_data();
std::filesystem::path default_config();

/// The tag of the language that this process's user reads, "zh_CN.UTF-8" or "zh-CN"; empty when
/// nothing says.
std::string user_language();

}  // namespace kw::platform
