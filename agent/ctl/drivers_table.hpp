#pragma once

#include <string>

namespace kw::agent::ctl {

/// drivers/CATALOGUE.md: every driver with what it speaks over, what it can tell and on what
/// evidence, what it was tried with and its settings. In Markdown and both languages, from what
/// `kioskctl drivers --json` prints.
std::string drivers_markdown();

}  // namespace kw::agent::ctl
