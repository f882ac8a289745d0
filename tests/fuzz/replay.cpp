// Every input of the corpus once more, without libFuzzer, in every build: `fuzz_replay CORPUS
// [TARGET]`. A finding ends the process; the input that caused it was printed before.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator{folder, none}) {
    if (entry.is_regular_file()) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: fuzz_replay CORPUS [TARGET]\n");
    return 2;
  }
  const std::filesystem::path corpus{argv[1]};
  const std::string only = argc > 2 ? argv[2] : "";
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  int without = 0;
  std::size_t targets = 0;
  for (const auto& target : kw::fuzz::targets()) {
    if (!only.empty() && target.name != only) continue;
    const auto files = files_of(corpus / target.name);
    ++targets;
    if (files.empty()) {
      std::printf("%s: no inputs in %s (drivers: make them with fuzz_seeds)\n", target.name.c_str(),
                  (corpus / target.name).c_str());
      ++without;
      continue;
    }
    std::printf("%s: %zu inputs\n", target.name.c_str(), files.size());
    for (const auto& file : files) {
      std::ifstream in{file, std::ios::binary};
      const std::vector<char> bytes{std::istreambuf_iterator<char>{in}, {}};
      // Named before it runs: what crashes can name nothing afterwards.
      std::printf("  %s\r", file.filename().c_str());
      target.run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
  }
  if (targets == 0) std::printf("no target \"%s\"\n", only.c_str());
  return without == 0 && targets > 0 ? 0 : 1;
}
