#include "drivers/ports/snmp.hpp"

#include "common/platform/udp_port.hpp"

namespace kw::drivers {

Result<std::unique_ptr<Port>> open_snmp(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline) {
  auto wire = platform::open_udp(address.host, address.port, clock, deadline);
  if (!wire) return wire;
  const auto& version = address.options.at("version");
  if (version == "3") {
    const auto user = snmp_user(address.options);
    const auto secrets = read_snmp_secrets(user);
    if (!secrets) return secrets.error();
    auto session = open_snmp_v3(user, *secrets, **wire);
    if (!session) return std::move(session).error();
    return std::unique_ptr<Port>{std::make_unique<SnmpPort>(std::move(*wire), std::move(*session))};
  }
  SnmpPort::Speaker speaker{.version = version == "1" ? std::uint8_t{0} : std::uint8_t{1},
                            .community = address.options.at("community")};
  return std::unique_ptr<Port>{std::make_unique<SnmpPort>(std::move(*wire), std::move(speaker))};
}

}  // namespace kw::drivers
