#pragma once

#include <filesystem>
#include <string>

#include <boost/json/object.hpp>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// Asks the daemon that runs on this data folder and waits for its answer, for command line tools.
/// Errc::missing: none runs; Errc::refused: not for this user, or the daemon said no;
/// Errc::timeout. Blocks at most `limit`.
Result<boost::json::object> ask_control(const std::filesystem::path& data, const std::string& verb,
                                        const boost::json::object& args, Duration limit);

}  // namespace kw::platform
