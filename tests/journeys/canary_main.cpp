// canary-scan PATH...: looks for canary identities of simulated readers in every file below. Exit
// code 0: none; 1: one, told by file and encoding; 2: nothing to look at.
#include <iostream>

#include "tests/journeys/canary_scan.hpp"

int main(int argc, char** argv) {
  const kw::tests::CanaryScan scan;
  bool found = false;
  for (int i = 1; i < argc; ++i) {
    for (const auto& finding : scan.in_files(argv[i])) {
      std::cout << finding << '\n';
      found = true;
    }
  }
  std::cerr << scan.files() << " files\n";
  if (found) return 1;
  return scan.files() == 0 ? 2 : 0;
}
