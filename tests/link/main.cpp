#include <iostream>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "common/log.hpp"
#include "common/platform/signals.hpp"

int main(int argc, char** argv) {
  kw::platform::ignore_sigpipe();
  std::cout << std::unitbuf;  // what a test that hangs said before is seen
  kw::log::start(kw::log::Level::error, kw::log::Format::text);
  return doctest::Context{argc, argv}.run();
}
