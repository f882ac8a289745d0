// A PJL printer's answer, and what its codes mean.
#include <algorithm>

#include "common/wire/conditions.hpp"
#include "drivers/laser_printer/pjl/status.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_pjl(Input input) {
  using namespace drivers;
  const auto block = pjl::read_block(text_of(input));
  if (!block) return;
  const auto status = pjl::read_status(*block);
  if (!status) return;
  if (status->codes.empty()) broken("a status without a code");
  const auto own = pjl::own_conditions();
  for (const int code : status->codes) {
    const auto means = pjl::meaning_of(code, status->display);
    const bool known =
        means.condition.empty() || wire::find_condition(means.condition) != nullptr ||
        std::ranges::find(own, means.condition, &wire::ConditionRow::code) != own.end();
    if (!known) broken("a condition without a row");
  }
}

}  // namespace kw::fuzz
