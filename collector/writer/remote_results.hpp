#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/writer/session_jobs.hpp"
#include "wire/kioskwatch.pb.h"

/// Both directions of what is asked of kiosks from afar, inside the writer's transactions. Writer
/// thread only.
namespace kw::collector {

/// The hash by which "nothing pushed, the kiosk's own file" goes: that of an empty body.
const std::string& no_configuration_hash();

/// What Hello says of the configuration in force.
void note_configuration(Work& work, Session& session);
/// Ends the command that it names. One that is unknown or another terminal's changes nothing: it
/// stays an event.
void take_command_result(Work& work, const Session& session, const pb::CommandResult& result);
void take_configuration_report(Work& work, const Session& session,
                               const pb::ConfigurationReport& report);

/// The terminal's command timer is due.
void expire_commands(Work& work, TerminalKey terminal);
/// The audit's line about a maintenance that ended by itself.
Change maintenance_expired(std::string_view terminal_code, WallTime now);

/// What the kiosk has not been told yet in this session: commands without a result, in order, and
/// the configuration when it is another one. `answer` gets the envelopes to send after the commit.
Job outgoing_job(std::shared_ptr<Session> session,
                 std::function<void(std::vector<pb::Envelope>)> answer);

}  // namespace kw::collector
