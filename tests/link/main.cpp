#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "common/log.hpp"
#include "common/platform/signals.hpp"

int main(int argc, char** argv) {
  kw::platform::ignore_sigpipe();
  kw::log::start(kw::log::Level::error, kw::log::Format::text);
  return doctest::Context{argc, argv}.run();
}
