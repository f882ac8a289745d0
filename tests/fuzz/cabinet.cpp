// What stands in a cabinet beside its printers: Modbus frames, register maps, NUT's lines; and a
// Star printer's status.
#include <cmath>
#include <vector>

#include "common/config.hpp"
#include "drivers/cabinet/modbus/board.hpp"
#include "drivers/cabinet/modbus/codec.hpp"
#include "drivers/cabinet/modbus/reading.hpp"
#include "drivers/receipt_printer/star/asb.hpp"
#include "drivers/ups/nut/text.hpp"
#include "drivers/ups/nut/variables.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {
namespace {

using namespace drivers;

/// A request to read that the first bytes choose.
std::optional<modbus::Request> request_of(Input input) {
  if (input.size() < 4) return std::nullopt;
  const auto table = static_cast<modbus::Table>(1 + input[0] % 4);
  const auto count = static_cast<std::uint16_t>((input[2] << 8 | input[3]) % 300);
  return modbus::Request::read(table, input[1], count);
}

void check_reply(const modbus::Request& request, const modbus::Reply& reply) {
  if (reply.exception != 0 && !reply.values.empty()) broken("an exception with values");
  if (reply.exception == 0 && reply.values.size() != request.count()) {
    broken("not as many values as were asked for");
  }
  for (const auto value : reply.values) {
    if (modbus::is_bits(request.table()) && value > 1) broken("a bit that is none");
  }
}

}  // namespace

void fuzz_modbus(Input input) {
  const auto request = request_of(input);
  if (!request) return;
  const auto bytes = input.subspan(4);
  if (const auto reply = modbus::decode_pdu(bytes, *request)) check_reply(*request, *reply);
  std::vector<std::uint8_t> tcp{bytes.begin(), bytes.end()};
  const auto over_tcp = modbus::take_tcp(tcp, *request, 1, 1);
  if (over_tcp && *over_tcp) check_reply(*request, **over_tcp);
  std::vector<std::uint8_t> line;
  for (const auto byte : bytes) {
    line.push_back(byte);
    if (const auto reply = modbus::take_rtu(line, *request, 1)) check_reply(*request, *reply);
    if (line.size() > 1024) broken("noise without end is kept");
  }
}

/// A map; and a board whose every value is what the last byte says.
void fuzz_modbus_map(Input input) {
  std::vector<config::Problem> problems;
  const auto document = config::parse(text_of(input), "map.toml", problems);
  if (!document) return;
  auto board = modbus::read_board(*document, problems);
  if (!problems.empty()) return;
  const auto requests = board.requests();
  if (requests.empty()) broken("a map without mistakes that reads nothing");
  modbus::Image image;
  for (const auto& request : requests) {
    const auto most = modbus::is_bits(request.table()) ? 1 : 0xffff;
    const auto value = static_cast<std::uint16_t>(input.back() * 257 & most);
    image.add(request, {0, std::vector<std::uint16_t>(request.count(), value)});
  }
  modbus::Judge judge{std::move(board)};
  const auto first = judge.judge(image);
  for (const auto& m : first.measurements) {
    if (!std::isfinite(m.value)) broken("a measurement that is no number");
  }
  if (!wire::same_state(first, judge.judge(image))) broken("the same values, another state");
}

void fuzz_nut(Input input) {
  const auto listing = nut::ListingReader{"VAR kioskups"}.take(text_of(input));
  if (!listing || !*listing) return;
  nut::Variables variables;
  for (const auto& row : (*listing)->rows) {
    if (row.size() == 4) variables.insert_or_assign(row[2], row[3]);
  }
  const auto status = nut::status_of(variables);
  for (const auto& m : status.measurements) {
    if (!std::isfinite(m.value)) broken("a measurement that is no number");
  }
}

void fuzz_star(Input input) {
  std::vector<std::uint8_t> in{input.begin(), input.end()};
  const auto asb = star::take_asb(in);
  if (!asb || !*asb) return;
  if ((*asb)->size() != star::asb_length((**asb)[0], (**asb)[1])) broken("not of its own length");
  if ((*asb)->size() < star::shortest_asb) broken("too short to tell of the paper");
}

}  // namespace kw::fuzz
