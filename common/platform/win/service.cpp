#include "common/platform/service.hpp"

namespace kw::platform {

/// Nobody listens: Windows' service manager has no such channel.
ServiceNotifier ServiceNotifier::of_this_process() { return {{}, std::nullopt}; }

void ServiceNotifier::send(const std::string& /*message*/) const {}
void ServiceNotifier::ready(std::string_view /*status*/) const {}
void ServiceNotifier::status(std::string_view /*status*/) const {}
void ServiceNotifier::alive() const {}
void ServiceNotifier::stopping() const {}

}  // namespace kw::platform
