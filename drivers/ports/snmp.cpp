#include "drivers/ports/snmp.hpp"

#include "common/platform/udp_port.hpp"

namespace kw::drivers {

Result<std::unique_ptr<Port>> open_snmp(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline) {
  auto wire = platform::open_udp(address.host, address.port, clock, deadline);
  if (!wire) return wire;
  SnmpPort::Speaker speaker{
      .version = address.options.at("version") == "1" ? std::uint8_t{0} : std::uint8_t{1},
      .community = address.options.at("community")};
  return std::unique_ptr<Port>{std::make_unique<SnmpPort>(std::move(*wire), std::move(speaker))};
}

}  // namespace kw::drivers
