// A frame between agent and collector: either side's decoder, and what either does with a message
// next.
#include <boost/json/serialize.hpp>

#include "common/wire/codec.hpp"
#include "common/wire/status_json.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {
namespace {

void use(const pb::Status& sent) {
  const auto status = wire::from_wire(sent);
  if (wire::health_of(sent) != wire::health_of(status)) broken("two healths of one status");
  // Twice through the wire it is what it was once.
  const auto again = wire::from_wire(wire::to_wire(sent.device(), status));
  const auto text = boost::json::serialize(wire::to_json(status));
  if (boost::json::serialize(wire::to_json(again)) != text) broken("a status changed on its way");
}

}  // namespace

void fuzz_wire(Input input) {
  const auto agents = wire::decode(text_of(input));
  const auto collectors = wire::decode_shared(text_of(input));
  if (bool(agents) != bool(collectors)) broken("agent and collector disagree on a frame");
  if (!agents) return;
  const auto frame = wire::encode(*agents);
  if (frame.size() <= wire::frame_limit && !wire::decode(frame)) {
    broken("what was decoded is refused when it is encoded again");
  }
  for (const auto& status : (*collectors)->snapshot().status()) use(status);
  static_cast<void>(bool(wire::check_range((*collectors)->batch())));
  for (const auto& item : (*collectors)->batch().item()) {
    if (item.event().has_state()) use(item.event().state());
  }
}

}  // namespace kw::fuzz
