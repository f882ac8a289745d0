#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "common/i18n.hpp"

namespace kw::devices {

/// `kiosk-devices list --json`: `{protocols: [{protocol, settings[], conditions[]}], wire:
/// {settings[], conditions[]}}`.
boost::json::object list_json(Lang lang);

/// The same for people.
std::string list_text(Lang lang);

/// The same as PROTOCOLS.md, in both languages.
std::string list_markdown();

}  // namespace kw::devices
