// canary-scan PATH...: looks for canary identities of simulated readers in every file below. Exit
// code 0: none; 1: one, told by file and encoding; 2: nothing to look at.
// canary-scan --memory PROCESS FILE: writes what the process has in memory into FILE first.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/journeys/canary_scan.hpp"

int main(int argc, char** argv) {
  const kw::tests::CanaryScan scan;
  bool found = false;
  int first = 1;
  if (argc == 4 && std::string_view{argv[1]} == "--memory") {
    first = 3;
    if (!kw::tests::dump_memory(std::atoi(argv[2]), argv[3])) {
      std::cerr << "the memory of process " << argv[2] << " cannot be read\n";
      return 2;
    }
  }
  for (int i = first; i < argc; ++i) {
    for (const auto& finding : scan.in_files(argv[i])) {
      std::cout << finding << '\n';
      found = true;
    }
  }
  std::cerr << scan.files() << " files\n";
  if (found) return 1;
  return scan.files() == 0 ? 2 : 0;
}
