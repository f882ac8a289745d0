#include "tests/torture/flips.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace kw::torture {

Image image_of(const std::filesystem::path& folder) {
  Image out;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in{entry.path(), std::ios::binary};
    out.files[entry.path().filename().string()] = {std::istreambuf_iterator<char>{in}, {}};
  }
  return out;
}

Image damaged(const Image& whole, std::mt19937_64& random) {
  Image out = whole;
  std::size_t total = 0;
  for (const auto& [name, content] : whole.files) total += content.size();
  auto at = random() % total;
  for (auto& [name, content] : out.files) {
    if (at >= content.size()) {
      at -= content.size();
      continue;
    }
    const auto how = random() % 20;
    if (how == 0) {
      content.resize(at);
      out.what = fmt::format("{} cut at {}", name, at);
    } else if (how == 1) {
      const auto page = at / 4'096 * 4'096;
      const auto length = std::min<std::size_t>(4'096, content.size() - page);
      content.replace(page, length, length, '\0');
      out.what = fmt::format("{} zeroed from {}", name, page);
    } else {
      content[at] = static_cast<char>(content[at] ^ (1 << random() % 8));
      out.what = fmt::format("a bit of {} at {}", name, at);
    }
    break;
  }
  return out;
}

}  // namespace kw::torture
