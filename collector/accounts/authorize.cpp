#include "collector/accounts/authorize.hpp"

#include "collector/orders/desk.hpp"

namespace kw::collector {

std::string_view Subject::name() const {
  switch (kind) {
    case Kind::system:
      return system_actor;
    case Kind::loopback_administrator:
      return loopback_administrator;
    case Kind::nobody:
      break;
  }
  return "nobody";
}

Result<void> authorize(const Subject& subject, std::string_view action, std::string_view object) {
  if (subject.kind != Subject::Kind::nobody) return {};
  return Error{Errc::refused, "nobody may " + std::string{action} + " " + std::string{object} +
                                  " from " +
                                  (subject.from.empty() ? "an unknown address" : subject.from)};
}

}  // namespace kw::collector
