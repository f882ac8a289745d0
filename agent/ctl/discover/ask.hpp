#pragma once

#include <string>

#include "agent/ctl/discover/guess.hpp"
#include "common/clock.hpp"

// kioskctl discover: asking what a guess supposes.
namespace kw::agent::ctl {

/// Whether a device answers in the protocol of the candidate's driver within `limit` a step. A
/// driver that leaves a port to another program is told that the port is free: who asks for this
/// says so.
bool answers(const Candidate& one, Duration limit, const Clock& clock);

/// Asks a serial port in one protocol after the other, and keeps the first that is answered.
void ask_serial(Found& found, Duration limit, Lang lang, const Clock& clock);

/// What answers at a network host: printers are asked in their protocol, which only reads; at the
/// other ports a connection is made and nothing is sent. A host without a name or an answer is one
/// thing found, with why as its note and `failed`.
std::vector<Found> look_at(const std::string& host, Duration limit, Lang lang, const Clock& clock);

}  // namespace kw::agent::ctl
