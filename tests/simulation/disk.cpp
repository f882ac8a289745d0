#include "tests/simulation/disk.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

namespace kw::simulation {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t sector = 512;

std::map<std::string, Disk*>& disks() {
  static std::map<std::string, Disk*> all;
  return all;
}

std::string read_all(const fs::path& file) {
  std::string out(fs::file_size(file), '\0');
  std::ifstream in{file, std::ios::binary};
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  return out;
}

void undo(std::string& bytes, const Disk::Unsynced& write) {
  const auto at = static_cast<std::size_t>(write.offset);
  if (bytes.size() < at + write.before.size()) bytes.resize(at + write.before.size());
  bytes.replace(at, write.before.size(), write.before);
  bytes.resize(static_cast<std::size_t>(write.size_before));
}

void redo(std::string& bytes, const Disk::Unsynced& write, std::size_t upto) {
  const auto at = static_cast<std::size_t>(write.offset);
  if (write.after.empty()) {
    bytes.resize(std::min(bytes.size(), at));
    return;
  }
  const auto part = write.after.substr(0, upto);
  if (bytes.size() < at + part.size()) bytes.resize(at + part.size());
  bytes.replace(at, part.size(), part);
}

/// All of the unsynced writes are there, none, or some, one of them torn.
std::string after_power_loss(std::string bytes, const std::vector<Disk::Unsynced>& writes,
                             Rng& rng) {
  const auto fate = rng.below(3);
  if (writes.empty() || fate == 0) return bytes;
  for (auto it = writes.rbegin(); it != writes.rend(); ++it) undo(bytes, *it);
  if (fate == 1) return bytes;
  for (const auto& write : writes) {
    const auto kept = rng.below(3);
    if (kept == 0) continue;
    const auto sectors = write.after.size() / sector;
    const bool torn = kept == 1 && sectors > 1;
    redo(bytes, write, torn ? rng.below(sectors) * sector : write.after.size());
  }
  return bytes;
}

}  // namespace

Disk::Disk(fs::path folder) : folder_(std::move(folder)) { disks()[folder_.string()] = this; }

Disk::~Disk() {
  const auto it = disks().find(folder_.string());
  if (it != disks().end() && it->second == this) disks().erase(it);
}

Disk* Disk::of(const std::string& file) {
  const auto it = disks().find(fs::path{file}.parent_path().string());
  return it == disks().end() ? nullptr : it->second;
}

void Disk::die_after(std::uint64_t operations, std::function<void()> died) {
  countdown_ = operations;
  died_ = std::move(died);
}

void Disk::step() {
  if (countdown_ == 0 || --countdown_ > 0) return;
  auto died = std::move(died_);
  if (died) died();
}

bool Disk::refuses(std::int64_t size, std::int64_t end) {
  if (!full || end <= size) return false;
  ++refused_;
  return true;
}

void Disk::wrote(const std::string& file, Unsynced what) {
  unsynced_[file].push_back(std::move(what));
}

void Disk::copy_to(const fs::path& to, Loss loss, Rng& rng) const {
  fs::remove_all(to);
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator{folder_}) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.ends_with("-shm")) continue;
    const auto lost = unsynced_.find(entry.path().string());
    if (loss == Loss::process || lost == unsynced_.end() || lost->second.empty()) {
      fs::copy_file(entry.path(), to / name);
      continue;
    }
    const auto bytes = after_power_loss(read_all(entry.path()), lost->second, rng);
    std::ofstream out{to / name, std::ios::binary};
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace kw::simulation
