// A name server's answer to a network probe.
#include <algorithm>

#include "drivers/network/probe/dns.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_dns(Input input) {
  using namespace drivers::network;
  // As the seeds have them, so that more than the first check is reached.
  constexpr std::uint16_t id = 0x1234;
  constexpr std::string_view name = "kiosk.example";
  constexpr std::size_t longest_address = 45;
  for (const auto type : {RecordType::a, RecordType::aaaa}) {
    const auto answer = dns_answer(input, id, name, type);
    if (!answer) continue;
    if (dns_code_name(answer->code).empty()) broken("an answer's code without a name");
    if (!std::ranges::is_sorted(answer->addresses)) broken("addresses out of order");
    for (const auto& address : answer->addresses) {
      if (address.empty() || address.size() > longest_address) broken("an address that is none");
    }
  }
}

}  // namespace kw::fuzz
