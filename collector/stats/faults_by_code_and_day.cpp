#include "collector/stats/faults_by_code_and_day.hpp"

namespace kw::collector::stats {

std::string local_day(WallTime at, std::chrono::minutes utc_offset) {
  return rfc3339(at + utc_offset).substr(0, 10);
}

FaultCounted counted(const Fault& fault, std::chrono::minutes utc_offset) {
  return {local_day(fault.opened_at, utc_offset), fault.subject, fault.code, fault.level,
          fault.learned_late};
}

}  // namespace kw::collector::stats
