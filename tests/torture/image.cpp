#include "tests/torture/image.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace kw::torture {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t sector = 512;

void put(std::string& content, std::int64_t at, std::string_view bytes) {
  const auto from = static_cast<std::size_t>(at);
  if (content.size() < from + bytes.size()) content.resize(from + bytes.size(), '\0');
  content.replace(from, bytes.size(), bytes);
}

void apply(std::map<int, std::string>& contents, const Operation& operation) {
  auto& content = contents[operation.file];
  if (operation.kind == Operation::Kind::truncate) {
    content.resize(static_cast<std::size_t>(operation.at), '\0');
  } else {
    put(content, operation.at, operation.bytes);
  }
}

std::uint64_t digest(const Image& image) {
  std::uint64_t out = 1469598103934665603ULL;
  const auto add = [&](std::string_view part) {
    out = (out ^ std::hash<std::string_view>{}(part)) * 1099511628211ULL;
  };
  for (const auto& [name, content] : image.files) {
    add(name);
    add(content);
  }
  return out;
}

}  // namespace

void Image::write_to(const fs::path& folder) const {
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator{folder}) old.push_back(entry.path());
  for (const auto& path : old) fs::remove_all(path);
  for (const auto& [name, content] : files) {
    std::ofstream out{folder / name, std::ios::binary};
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

void Images::Names::apply(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::create:
      files[operation.name] = operation.file;
      break;
    case Operation::Kind::remove: {
      // The name may be another file's by now, when only that one's entry was made durable.
      const auto entry = files.find(operation.name);
      if (entry != files.end() && entry->second == operation.file) files.erase(entry);
      break;
    }
    case Operation::Kind::rename:
      files.erase(operation.name);
      files[operation.to] = operation.file;
      break;
    default:
      break;
  }
}

Images::Images(const Log& log, const Lies& lies, std::uint64_t seed)
    : log_(log), lies_(lies), random_(seed) {
  int file = 0;
  for (const auto& [name, content] : log.before) {
    names_.files[name] = ++file;
    durable_[file] = content;
  }
}

void Images::pass(const Operation& operation) {
  using Kind = Operation::Kind;
  switch (operation.kind) {
    case Kind::write:
    case Kind::truncate:
      pending_.push_back(&operation);
      return;
    case Kind::create:
    case Kind::rename:
      entries_.push_back(&operation);
      return;
    case Kind::remove:
      entries_.push_back(&operation);
      if (!operation.folder || lies_.sync) return;
      break;
    case Kind::sync: {
      if (lies_.sync) return;
      const bool dropped = operation.failed && lies_.drops_failed;
      const auto of_it = [&](const Operation* one) {
        if (one->file != operation.file) return false;
        if (!operation.failed) apply(durable_, *one);
        return !operation.failed || dropped;
      };
      std::erase_if(pending_, of_it);
      if (operation.failed) return;
      if (lies_.folder) {
        const auto made = [&](const Operation* one) {
          if (one->kind != Kind::create || one->file != operation.file) return false;
          names_.apply(*one);
          return true;
        };
        std::erase_if(entries_, made);
        return;
      }
      if (!operation.folder) return;
      break;
    }
  }
  for (const auto* one : entries_) names_.apply(*one);
  entries_.clear();
}

Image Images::image(const std::map<int, std::string>& contents, std::size_t renames,
                    std::string what) const {
  Names names = names_;
  for (std::size_t i = 0; i < renames; ++i) names.apply(*entries_[i]);
  Image out;
  out.what = std::move(what);
  for (const auto& [name, file] : names.files) {
    const auto content = contents.find(file);
    out.files[name] = content == contents.end() ? std::string{} : content->second;
  }
  return out;
}

bool Images::make(int variant, Image& out) {
  auto contents = durable_;
  const auto entries = entries_.size();
  if (variant == 0) {
    out = image(contents, 0, "nothing");
    return true;
  }
  if (pending_.empty()) {
    // Only the folder's entries can differ: each prefix of them.
    const auto shown = static_cast<std::size_t>(variant);
    if (shown > entries) return false;
    out = image(contents, shown, fmt::format("{} of {} entries", shown, entries));
    return true;
  }
  if (variant == 1) {
    for (const auto* one : pending_) apply(contents, *one);
    out = image(contents, entries, "all");
    return true;
  }
  const auto shown = random_() % (entries + 1);
  const auto coin = [&] { return random_() % 2 == 0; };
  switch (variant % 5) {
    case 0: {  // a prefix
      const auto length = random_() % (pending_.size() + 1);
      for (std::size_t i = 0; i < length; ++i) apply(contents, *pending_[i]);
      out = image(contents, shown, fmt::format("the first {} of {}", length, pending_.size()));
      return true;
    }
    case 1:  // a subset
      for (const auto* one : pending_) {
        if (coin()) apply(contents, *one);
      }
      out = image(contents, shown, "a subset");
      return true;
    case 2:
    case 3: {  // torn, or with rubbish where a sector was under way
      const bool rubbish = variant % 5 == 3;
      for (const auto* one : pending_) {
        if (one->kind == Operation::Kind::truncate) {
          if (coin()) apply(contents, *one);
          continue;
        }
        for (std::size_t from = 0; from < one->bytes.size();) {
          const auto absolute = static_cast<std::size_t>(one->at) + from;
          const auto length = std::min(sector - absolute % sector, one->bytes.size() - from);
          auto part = one->bytes.substr(from, length);
          if (rubbish && random_() % 8 == 0) {
            for (auto& byte : part) byte = static_cast<char>(random_());
          }
          if (coin()) put(contents[one->file], one->at + static_cast<std::int64_t>(from), part);
          from += length;
        }
      }
      out = image(contents, shown, rubbish ? "rubbish" : "torn");
      return true;
    }
    default: {  // another order
      auto order = pending_;
      std::ranges::shuffle(order, random_);
      order.resize(random_() % (order.size() + 1));
      for (const auto* one : order) apply(contents, *one);
      out = image(contents, shown, "another order");
      return true;
    }
  }
}

void Images::each(int variants, std::size_t stride, const std::set<std::size_t>& owed,
                  const std::function<bool(const Image&, std::size_t)>& take) {
  for (std::size_t i = 0; i < log_.operations.size(); ++i) {
    pass(log_.operations[i]);
    if (owed.contains(i + 1)) seen_.clear();
    if (i % stride != 0) continue;
    Image image;
    for (int variant = 0; variant < variants && make(variant, image); ++variant) {
      if (!seen_.insert(digest(image)).second) continue;
      if (!take(image, i + 1)) return;
    }
  }
}

}  // namespace kw::torture
