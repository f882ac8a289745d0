#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "collector/ingest/admit.hpp"
#include "collector/writer/writer.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::collector {

/// What the writer knows of one session of a terminal. Made by `open_job`, used by the writer
/// thread only.
struct Session {
  TerminalKey terminal = 0;
  std::string terminal_code;
  pb::Hello hello;
  WallTime server_at_hello{};
  bool quarantined = false;  ///< events are kept, nothing is judged

  SessionTime time;
  std::map<std::uint64_t, std::int64_t> numbers;  ///< epoch → epoch_no
  std::map<std::uint64_t, std::uint64_t> owed;    ///< epoch → last number written before Hello
  std::map<std::uint64_t, std::uint64_t> marks;  ///< epoch → high-water mark as far as this session

  // The configuration as the session's snapshot told it; no position: it could not be read.
  std::optional<Position> configured_at;
  std::set<std::string, std::less<>> configured;

  // What the kiosk has been told in this session (outgoing_job).
  std::uint64_t commands_upto = 0;  ///< highest `seq`
  std::string configuration;        ///< hash of the one that it has or was sent
  bool told_when_drained = false;
  bool caught_up = false;  ///< that everything is here is committed, and said once

  /// Everything that waited on the kiosk at Hello is here.
  bool drained() const;
};

/// Outcome of one batch, told after the commit.
struct BatchAnswer {
  Admission admission = Admission::next;
  std::uint64_t mark = 0;  ///< the high-water mark now
  bool caught_up = false;  ///< with it everything that waited on the kiosk at Hello is here
};

/// Registers the session's epochs; `answer` gets the Welcome to send (credit not filled in).
Job open_job(std::shared_ptr<Session> session, std::function<void(Result<pb::Welcome>)> answer);
/// The session ended without another one in its place.
Job close_job(std::shared_ptr<Session> session, WallTime last_heard);
/// A quarantined session ended.
Job second_agent_left_job(TerminalKey terminal);
/// `full`: the session's first snapshot, which lists the whole configuration.
Job snapshot_job(std::shared_ptr<Session> session, std::shared_ptr<const pb::Snapshot> snapshot,
                 bool full, std::function<void(Result<void>)> answer);
Job batch_job(std::shared_ptr<Session> session, std::shared_ptr<const pb::Batch> batch,
              std::size_t bytes, std::function<void(Result<BatchAnswer>)> answer);
Job inventory_job(std::shared_ptr<Session> session, std::shared_ptr<const pb::Inventory> inventory);
/// After a start: terminals that were in service get time to come back before they can count as
/// silent. data-path.md says one silence window; that was found too short: after a long outage
/// agents pause up to 5 minutes between two tries, and all of them need time to be let in, at
/// `per_second`, so kiosks that were well had orders. Hence the silence window plus both; and never
/// less than what kiosks that were sent away before the stop were told.
Job restart_job(WallTime started, double per_second);

}  // namespace kw::collector
