// libFuzzer's side: `fuzz --target=NAME [libFuzzer's options] CORPUS…` and `fuzz --list`.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/fuzz/target.hpp"

namespace {

kw::fuzz::Target chosen;

void list(std::FILE* to) {
  for (const auto& target : kw::fuzz::targets()) std::fprintf(to, "%s\n", target.name.c_str());
}

}  // namespace

// libFuzzer leaves every argument that begins with "--" to us.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--target=";
  std::string_view wanted;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument == "--list") {
      list(stdout);
      std::exit(0);
    }
    if (argument.starts_with(option)) wanted = argument.substr(option.size());
  }
  const auto all = kw::fuzz::targets();
  const auto found = std::ranges::find(all, wanted, &kw::fuzz::Target::name);
  if (found == all.end()) {
    std::fprintf(stderr, "fuzz: no --target=\"%.*s\"; there are:\n",
                 static_cast<int>(wanted.size()), wanted.data());
    list(stderr);
    std::exit(2);
  }
  chosen = *found;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen.run({data, size});
  return 0;
}
