#include "drivers/driver.hpp"

namespace kw::drivers {

Result<SelfTest> Driver::self_test(std::string_view what, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, "no self-test \"" + std::string{what} + "\""};
}

}  // namespace kw::drivers
