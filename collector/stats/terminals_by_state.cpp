#include "collector/stats/terminals_by_state.hpp"

namespace kw::collector::stats {

TerminalState state_of(const TerminalFacts& facts) {
  if (facts.switched_off) return TerminalState::switched_off;
  if (!facts.connected && !facts.heard_lately) return TerminalState::offline;
  return facts.device_fault ? TerminalState::fault : TerminalState::online;
}

}  // namespace kw::collector::stats
