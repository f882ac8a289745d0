#include "common/platform/service.hpp"

namespace kw::platform {

// The service control manager is told by the service host, not by messages; it has no watchdog.
ServiceNotifier ServiceNotifier::of_this_process() { return {{}, std::nullopt}; }
void ServiceNotifier::send(const std::string& /*message*/) const {}
void ServiceNotifier::ready(std::string_view /*status*/) const {}
void ServiceNotifier::status(std::string_view /*status*/) const {}
void ServiceNotifier::alive() const {}
void ServiceNotifier::stopping() const {}

}  // namespace kw::platform
