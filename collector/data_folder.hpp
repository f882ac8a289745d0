#pragma once

#include <filesystem>
#include <memory>

#include "common/clock.hpp"
#include "common/platform/folder_lock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The data folder for a collector that starts. A backup, its record or a trial hold it for
/// moments, and timers that were missed come at the start of the machine, as the collector does: up
/// to `wait` is waited for those. Errc::busy: another collector runs on it, which is told at once
/// because it answers; or `wait` is over.
Result<std::unique_ptr<platform::FolderLock>> take_data_folder(const std::filesystem::path& data,
                                                               const Clock& clock,
                                                               Duration wait = std::chrono::seconds{
                                                                   30});

}  // namespace kw::collector
