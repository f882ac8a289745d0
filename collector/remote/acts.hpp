#pragma once

#include <string>
#include <string_view>

#include "collector/accounts/authorize.hpp"
#include "collector/model/remote.hpp"
#include "collector/remote/requests.hpp"
#include "collector/writer/writer.hpp"
#include "common/result.hpp"

/// What people do to a terminal from afar. Each runs inside a write, with its audit entry, and
/// answers Errc::missing for a terminal that there is not, Errc::refused for what cannot be now.
namespace kw::collector {

inline constexpr std::size_t open_commands_limit = 64;  ///< a terminal

/// Stores the command; after the commit it is sent to the terminal's session.
Result<Command> make_command(Work& work, const Subject& subject, std::string_view terminal_code,
                             const CommandRequest& asked);

/// The terminal shall run on this text (checked before). The one that it shall run on already is
/// well; one that the kiosk turned down is refused with its words.
Result<void> push_configuration(Work& work, const Subject& subject, std::string_view terminal_code,
                                const std::string& body);
/// Takes back what was pushed: the kiosk's own file counts again.
Result<void> clear_configuration(Work& work, const Subject& subject,
                                 std::string_view terminal_code);

/// 维护 on (again: with another reason or end) or off.
Result<void> set_maintenance(Work& work, const Subject& subject, std::string_view terminal_code,
                             const MaintenanceRequest& asked);

}  // namespace kw::collector
