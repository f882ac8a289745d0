#include "collector/store/sqlite/schema.hpp"

#include <array>

namespace kw::collector {
namespace {

constexpr std::string_view first = R"(
CREATE TABLE terminal (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  connected SMALLINT NOT NULL DEFAULT 0,
  live SMALLINT NOT NULL DEFAULT 0,
  last_seen_at BIGINT,
  switched_off SMALLINT NOT NULL DEFAULT 0,
  power_epoch_no BIGINT NOT NULL DEFAULT 0,
  power_seq BIGINT NOT NULL DEFAULT 0,
  next_epoch_no BIGINT NOT NULL DEFAULT 1,
  agent_version TEXT NOT NULL DEFAULT '',
  inventory_hash BYTEA,
  inventory BYTEA
);
CREATE TABLE certificate (
  serial TEXT PRIMARY KEY,
  terminal BIGINT NOT NULL REFERENCES terminal (id),
  issued_at BIGINT NOT NULL,
  not_after BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX certificate_terminal ON certificate (terminal);
CREATE TABLE enrolment_token (
  hash TEXT PRIMARY KEY,
  terminal BIGINT NOT NULL REFERENCES terminal (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE TABLE epoch (
  terminal BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  epoch_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (terminal, epoch)
);
CREATE TABLE event_block (
  terminal BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  base_at BIGINT NOT NULL,
  uncertain SMALLINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (terminal, epoch, first_seq)
);
CREATE TABLE quarantined_batch (
  terminal BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (terminal, epoch, first_seq, received_at)
);
CREATE TABLE device (
  terminal BIGINT NOT NULL,
  device TEXT NOT NULL,
  driver TEXT NOT NULL,
  kind TEXT NOT NULL,
  enabled SMALLINT NOT NULL,
  retired SMALLINT NOT NULL,
  epoch_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  health SMALLINT NOT NULL,
  since_epoch BIGINT NOT NULL,
  since_seq BIGINT NOT NULL,
  since_at BIGINT NOT NULL,
  status BYTEA NOT NULL,
  conditions BYTEA NOT NULL,
  sample BYTEA,
  sample_at BIGINT,
  sample_epoch_no BIGINT NOT NULL DEFAULT 0,
  sample_seq BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (terminal, device)
);
CREATE TABLE fault (
  id TEXT PRIMARY KEY,
  terminal BIGINT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  level SMALLINT NOT NULL,
  since_epoch BIGINT NOT NULL,
  since_seq BIGINT NOT NULL,
  since_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  cleared_at BIGINT,
  cleared_why TEXT NOT NULL DEFAULT '',
  learned_late SMALLINT NOT NULL,
  order_id TEXT NOT NULL,
  evidence BYTEA NOT NULL
);
CREATE UNIQUE INDEX fault_key ON fault (terminal, subject, code, since_epoch, since_seq);
CREATE UNIQUE INDEX fault_one_open ON fault (terminal, subject, code)
  WHERE cleared_at IS NULL AND learned_late = 0;
CREATE INDEX fault_open ON fault (terminal) WHERE cleared_at IS NULL;
CREATE INDEX fault_opened ON fault (opened_at, id);
CREATE TABLE timer (
  terminal BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  since_epoch BIGINT NOT NULL,
  since_seq BIGINT NOT NULL,
  since_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  by_wall SMALLINT NOT NULL,
  PRIMARY KEY (terminal, kind, subject, code)
);
CREATE INDEX timer_due ON timer (due_at);
CREATE TABLE work_order (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  fault_id TEXT NOT NULL,
  terminal BIGINT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  level SMALLINT NOT NULL,
  needs SMALLINT NOT NULL,
  state SMALLINT NOT NULL,
  assignee TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  committed_at BIGINT
);
CREATE INDEX work_order_created ON work_order (created_at, id);
CREATE INDEX work_order_fault ON work_order (fault_id);
CREATE TABLE order_step (
  order_id TEXT NOT NULL,
  n BIGINT NOT NULL,
  action SMALLINT NOT NULL,
  from_state SMALLINT NOT NULL,
  to_state SMALLINT NOT NULL,
  actor TEXT NOT NULL,
  note TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (order_id, n)
);
CREATE TABLE order_number (
  day TEXT PRIMARY KEY,
  last BIGINT NOT NULL
);
CREATE TABLE fault_day (
  day TEXT NOT NULL,
  code TEXT NOT NULL,
  level SMALLINT NOT NULL,
  terminal BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  late BIGINT NOT NULL,
  PRIMARY KEY (day, code, level, terminal)
);
CREATE TABLE pulse (
  id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL
);
CREATE TABLE audit (
  id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  result TEXT NOT NULL,
  before_value TEXT NOT NULL,
  after_value TEXT NOT NULL
);
)";

constexpr std::string_view identities = R"(
ALTER TABLE certificate ADD COLUMN revoked_why TEXT NOT NULL DEFAULT '';
ALTER TABLE certificate ADD COLUMN used_at BIGINT;
ALTER TABLE certificate ADD COLUMN superseded_at BIGINT;
CREATE TABLE provisioning (
  id TEXT PRIMARY KEY,
  key_sha256 TEXT NOT NULL UNIQUE,
  hostname TEXT NOT NULL,
  serial TEXT NOT NULL,
  os TEXT NOT NULL,
  address TEXT NOT NULL,
  first_seen_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  knocks BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  terminal BIGINT REFERENCES terminal (id),
  decided_at BIGINT,
  decided_by TEXT NOT NULL DEFAULT '',
  issued_at BIGINT
);
CREATE INDEX provisioning_address ON provisioning (address);
CREATE INDEX provisioning_seen ON provisioning (last_seen_at);
)";

// "What is asked of kiosks from afar": commands, configurations, maintenance; and what state and
// suppression need.
constexpr std::string_view third = R"(
ALTER TABLE terminal ADD COLUMN silent_since BIGINT;
UPDATE terminal SET silent_since=last_seen_at;
ALTER TABLE terminal ADD COLUMN maintenance_since BIGINT;
ALTER TABLE terminal ADD COLUMN maintenance_until BIGINT;
ALTER TABLE terminal ADD COLUMN maintenance_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE terminal ADD COLUMN maintenance_by TEXT NOT NULL DEFAULT '';
ALTER TABLE terminal ADD COLUMN configuration_hash BYTEA;
ALTER TABLE terminal ADD COLUMN configuration_local SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE fault ADD COLUMN suppressed_by TEXT NOT NULL DEFAULT '';
CREATE TABLE command (
  id TEXT PRIMARY KEY,
  terminal BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  verb TEXT NOT NULL,
  args TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  sent_at BIGINT,
  ended_at BIGINT,
  detail TEXT NOT NULL DEFAULT '',
  result BYTEA,
  bundle_sha256 TEXT NOT NULL DEFAULT '',
  bundle_bytes BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX command_seq ON command (terminal, seq);
CREATE TABLE terminal_configuration (
  terminal BIGINT NOT NULL,
  n BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  body TEXT NOT NULL,
  pushed_at BIGINT NOT NULL,
  pushed_by TEXT NOT NULL,
  state SMALLINT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  reported_at BIGINT,
  PRIMARY KEY (terminal, n)
);
)";

/// What people who watch ask for again and again: what is open, of one terminal or of all.
constexpr std::string_view live = R"(
CREATE INDEX fault_open_at ON fault (opened_at, id) WHERE cleared_at IS NULL AND learned_late = 0;
CREATE INDEX work_order_terminal ON work_order (terminal, created_at, id);
CREATE INDEX work_order_state ON work_order (state, created_at, id);
)";

/// What keeps the collector from taking its own doing for a kiosk's fault.
constexpr std::string_view returns = R"(
ALTER TABLE terminal ADD COLUMN told SMALLINT NOT NULL DEFAULT 0;
CREATE TABLE silence_floor (
  id BIGINT PRIMARY KEY,
  until_at BIGINT NOT NULL
);
)";

constexpr std::array steps{db::Migration{1, "main job", first},
                           db::Migration{2, "identities", identities},
                           db::Migration{3, "asked from afar", third},
                           db::Migration{4, "live", live}, db::Migration{5, "returns", returns}};

}  // namespace

std::span<const db::Migration> schema() { return steps; }

}  // namespace kw::collector
