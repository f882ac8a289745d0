#include "collector/stats/terminals_by_state.hpp"

namespace kw::collector::stats {

TerminalState state_of(const TerminalFacts& facts) {
  if (facts.maintenance) return TerminalState::maintenance;
  if (facts.switched_off) return TerminalState::switched_off;
  if (facts.silent) return TerminalState::offline;
  return facts.open_fault ? TerminalState::fault : TerminalState::online;
}

}  // namespace kw::collector::stats
