// SNMPv3 in a program without net-snmp: not at all. PortAddress::parse says so before.
#include "drivers/ports/snmp_session.hpp"

namespace kw::drivers {

bool snmp_v3_built_in() { return false; }

Result<std::unique_ptr<SnmpSession>> open_snmp_v3(const SnmpUser& /*user*/,
                                                  const SnmpSecrets& /*secrets*/, Port& /*wire*/) {
  return Error{Errc::unsupported, "this program was built without SNMPv3"};
}

}  // namespace kw::drivers
