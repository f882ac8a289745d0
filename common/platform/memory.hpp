#pragma once

namespace kw::platform {

/// Gives back what only starting needed: free heap, and pages of the program itself. What is still
/// used comes back from the page cache at its next use. For a service that has come to rest; a call
/// costs some milliseconds. Any thread.
void forget_startup();

}  // namespace kw::platform
