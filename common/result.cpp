#include "common/result.hpp"

namespace kw {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::timeout:
      return "timeout";
    case Errc::disconnected:
      return "disconnected";
    case Errc::refused:
      return "refused";
    case Errc::garbled:
      return "garbled";
    case Errc::unsupported:
      return "unsupported";
    case Errc::busy:
      return "busy";
    case Errc::storage:
      return "storage";
    case Errc::invalid:
      return "invalid";
    case Errc::missing:
      return "missing";
  }
  return "unknown";
}

}  // namespace kw
