#include "collector/api/metrics.hpp"

#include <fmt/format.h>

namespace kw::collector {
namespace {

void put(std::string& out, std::string_view metric, std::string_view type, std::string_view help,
         double value) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", metric, help, type, value);
}

}  // namespace

std::string prometheus(const Writer::Figures& writer, const GatewayFigures& gateway,
                       const StoreFigures& store) {
  std::string out;
  const auto counter = [&](std::string_view metric, std::string_view help, auto value) {
    put(out, metric, "counter", help, static_cast<double>(value));
  };
  const auto gauge = [&](std::string_view metric, std::string_view help, auto value) {
    put(out, metric, "gauge", help, static_cast<double>(value));
  };
  gauge("kw_sessions", "Open sessions of agents.", gateway.sessions);
  counter("kw_frames_total", "Frames received from agents.", gateway.frames);
  counter("kw_frames_garbled_total", "Frames that broke the protocol.", gateway.garbled);
  counter("kw_handshakes_refused_total", "Certificates turned away.", gateway.refused);
  counter("kw_turned_away_total", "Agents told to come again later.", gateway.turned_away);
  gauge("kw_agent_connections", "Open connections on the agents' port.", gateway.connections);
  gauge("kw_handshakes", "TLS handshakes under way.", gateway.handshakes);
  gauge("kw_draining", "1: drained, lets no agent in.", gateway.draining ? 1 : 0);
  counter("kw_sessions_quarantined_total", "Second live agents of one identity.",
          gateway.quarantined);
  counter("kw_commit_groups_total", "Transactions committed by the writer.", writer.groups);
  counter("kw_events_total", "Events committed.", writer.events);
  counter("kw_write_failures_total", "Writes that failed twice.", writer.failures);
  counter("kw_batches_quarantined_total", "Batches kept aside.", writer.quarantined);
  counter("kw_orders_total", "Work orders made.", writer.orders);
  gauge("kw_writer_queue", "Jobs waiting for the writer.", writer.queued);
  gauge("kw_writer_queue_bytes", "Bytes of the jobs waiting for the writer.", writer.queued_bytes);
  gauge("kw_writer_behind_seconds", "Age of the oldest job that is not committed.",
        static_cast<double>(writer.behind.count()) / 1e6);
  gauge("kw_last_commit_seconds", "When the last group was committed.",
        static_cast<double>(micros(writer.last_commit)) / 1e6);
  gauge("kw_open_faults", "Faults not cleared.", store.open_faults);
  gauge("kw_open_orders", "Work orders not ended.", store.open_orders);
  gauge("kw_wal_bytes", "Size of the store's write-ahead log.", store.wal_bytes);
  out += "# HELP kw_terminals Terminals by state.\n# TYPE kw_terminals gauge\n";
  for (const auto state : all_terminal_states) {
    const auto it = store.terminals.find(state);
    out += fmt::format("kw_terminals{{state=\"{}\"}} {}\n", name(state),
                       it == store.terminals.end() ? 0 : it->second);
  }
  return out;
}

}  // namespace kw::collector
