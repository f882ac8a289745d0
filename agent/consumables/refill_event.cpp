#include "agent/consumables/refill_event.hpp"

namespace kw::agent {

pb::Event refill_event(const Supplies::Event& refill) {
  pb::Event out;
  auto& to = *out.mutable_refill();
  to.set_device(refill.device);
  to.set_type(refill.type);
  to.set_unit(refill.refilled.unit);
  to.set_detected(refill.refilled.detected);
  if (refill.refilled.before) to.set_before(*refill.refilled.before);
  if (refill.refilled.level) to.set_level(*refill.refilled.level);
  if (refill.refilled.capacity) to.set_capacity(*refill.refilled.capacity);
  to.set_used(refill.refilled.used);
  return out;
}

}  // namespace kw::agent
