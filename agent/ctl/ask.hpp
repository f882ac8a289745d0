#pragma once

#include <filesystem>
#include <string>

#include <boost/json/object.hpp>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::agent::ctl {

/// Asks the agent that runs on this data folder. Errc::missing: none runs; Errc::refused: not for
/// this user, or the agent said no; Errc::timeout. Blocks at most `limit`.
Result<boost::json::object> ask(const std::filesystem::path& data, const std::string& verb,
                                Duration limit);

}  // namespace kw::agent::ctl
