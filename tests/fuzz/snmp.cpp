// An SNMP message, and what is made of its variables when a printer says them.
#include <utility>
#include <vector>

#include "drivers/laser_printer/snmp/said.hpp"
#include "drivers/laser_printer/snmp/stock.hpp"
#include "drivers/laser_printer/snmp/troubles.hpp"
#include "drivers/laser_printer/supplies.hpp"
#include "drivers/ports/snmp_message.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_snmp(Input input) {
  using namespace drivers;
  const auto message = snmp::decode(input);
  if (!message) return;
  // A question for the same names reads as what it was written from.
  std::vector<snmp::Oid> names;
  for (const auto& variable : message->variables) names.push_back(variable.name);
  const auto bytes = snmp::encode_request(message->version, message->community, snmp::Pdu::get_bulk,
                                          message->request_id, message->index, names);
  const auto again = snmp::decode(bytes);
  if (bytes.size() < 0x10000) {
    if (!again || again->request_id != message->request_id || again->index != message->index ||
        again->community != message->community || again->variables.size() != names.size()) {
      broken("written anew it is another message");
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (again->variables[i].name != names[i]) broken("written anew it is another name");
    }
  }
  snmp::Table table;
  for (const auto& variable : message->variables) table.emplace(variable.name, variable.value);
  const snmp::Said said{std::move(table)};
  const snmp::Where where{};
  auto stock = snmp::stock_of(said, where);
  auto findings = snmp::findings_of(said, where, stock);
  const auto supplies = laser::consumables_of(std::move(stock.supplies), std::move(stock.paper),
                                              findings, {.toner_percent = 10});
  // A status carries 32 of each; what is more would be cut off unseen.
  if (supplies.size() > 32) broken("more consumables than a status carries");
  if (findings.conditions().size() > 32) broken("more conditions than a status carries");
  for (const auto& supply : supplies) {
    if (supply.percent && !(*supply.percent >= 0 && *supply.percent <= 100)) {
      broken("a level beyond 0 to 100 percent");
    }
  }
}

}  // namespace kw::fuzz
