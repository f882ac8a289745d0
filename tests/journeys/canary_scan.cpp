#include "tests/journeys/canary_scan.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <iconv.h>

#include "drivers/simulators/canary.hpp"

namespace kw::tests {
namespace {

using devices::Canary;

constexpr std::size_t chunk_size = std::size_t{16} << 20U;

std::string as_bytes(std::u16string_view text) {
  std::string out;
  for (const char16_t c : text) {
    out += static_cast<char>(c & 0xffU);
    out += static_cast<char>(c >> 8U);
  }
  return out;
}

std::string converted(std::u16string_view text, const char* to) {
  const auto handle = ::iconv_open(to, "UTF-16LE");
  if (handle == reinterpret_cast<iconv_t>(-1)) {
    throw std::runtime_error{std::string{"this system cannot convert to "} + to};
  }
  auto in = as_bytes(text);
  std::string out(in.size() * 4, '\0');
  char* from = in.data();
  char* into = out.data();
  std::size_t in_left = in.size();
  std::size_t out_left = out.size();
  const auto done = ::iconv(handle, &from, &in_left, &into, &out_left);
  ::iconv_close(handle);
  if (done == static_cast<std::size_t>(-1)) throw std::runtime_error{"not convertible"};
  out.resize(out.size() - out_left);
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 6) {
      count -= 6;
      out += digits[bits >> static_cast<unsigned>(count) & 0x3fU];
    }
  }
  // What is left over depends on what follows.
  return out;
}

/// The part of the base64 of any text with `bytes` in it that `bytes` alone decides, by how many
/// bytes stand before it in its group of three.
std::string base64_at(std::string_view bytes, std::size_t before) {
  const auto encoded = base64(std::string(before, '\0') + std::string{bytes});
  const std::size_t undecided = before == 0 ? 0 : before + 1;
  return encoded.substr(undecided);
}

std::string json_escapes(std::u16string_view text) {
  std::string out;
  for (const char16_t c : text) {
    out += c < 0x80 ? std::string(1, static_cast<char>(c))
                    : fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
  return out;
}

void add_all(std::vector<Needle>& to, const std::string& what, const std::string& encoding,
             const std::string& bytes) {
  to.push_back({what + ", " + encoding, encoding, bytes});
  to.push_back({what + ", " + encoding + ", hex", "hex", hex(bytes)});
  for (std::size_t before = 0; before < 3; ++before) {
    to.push_back({what + ", " + encoding + ", base64", "base64", base64_at(bytes, before)});
  }
}

bool is_filler(char c) {
  constexpr std::string_view fillers = " \t\r\n:-,";
  return fillers.find(c) != std::string_view::npos;
}

}  // namespace

std::vector<Needle> canary_needles() {
  std::vector<Needle> out;
  int count = 0;
  for (const Canary& canary : devices::canaries) {
    ++count;
    const auto what = [&](const char* part) { return fmt::format("{} of canary {}", part, count); };
    const std::array<std::pair<const char*, std::u16string_view>, 4> texts{
        {{"name", canary.name},
         {"address", canary.address},
         {"number", canary.number},
         {"issuer", canary.issuer}}};
    for (const auto& [part, text] : texts) {
      add_all(out, what(part), "utf-8", converted(text, "UTF-8"));
      add_all(out, what(part), "utf-16le", as_bytes(text));
      add_all(out, what(part), "gbk", converted(text, "GBK"));
      out.push_back({what(part) + ", json", "json", json_escapes(text)});
    }
    add_all(out, what("photo"), "bytes", std::string{canary.photo});
    add_all(out, what("card serial"), "bytes",
            {canary.card_serial.begin(), canary.card_serial.end()});
  }
  return out;
}

CanaryScan::View CanaryScan::view_of(const Needle& needle) {
  if (needle.encoding == "hex") return lower;
  return needle.encoding == "base64" ? squeezed : plain;
}

CanaryScan::CanaryScan() : needles_(canary_needles()) {
  for (auto& starts : by_start_) starts.resize(std::size_t{1} << 16U);
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    const auto start = static_cast<std::size_t>(static_cast<unsigned char>(needles_[i].bytes[0])) |
                       static_cast<std::size_t>(static_cast<unsigned char>(needles_[i].bytes[1]))
                           << 8U;
    by_start_[view_of(needles_[i])][start].push_back(static_cast<std::uint16_t>(i));
  }
}

void CanaryScan::search(std::string_view bytes, View view, std::vector<bool>& found) const {
  const auto* starts = by_start_[view].data();
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto& here = starts[at[i] | static_cast<std::size_t>(at[i + 1]) << 8U];
    if (here.empty()) continue;
    for (const auto n : here) {
      if (bytes.substr(i).starts_with(needles_[n].bytes)) found[n] = true;
    }
  }
}

std::vector<std::string> CanaryScan::in_bytes(std::string_view bytes) const {
  std::string without_fillers;
  std::string in_lower_case;
  without_fillers.reserve(bytes.size());
  in_lower_case.reserve(bytes.size());
  for (const char c : bytes) {
    if (is_filler(c)) continue;
    without_fillers += c;
    in_lower_case += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  std::vector<bool> found(needles_.size());
  search(bytes, plain, found);
  search(without_fillers, squeezed, found);
  search(in_lower_case, lower, found);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    if (found[i]) out.push_back(needles_[i].name);
  }
  return out;
}

std::vector<std::string> CanaryScan::in_files(const std::filesystem::path& root) const {
  std::vector<std::string> out;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_regular_file(root)) files.push_back(root);
  if (std::filesystem::is_directory(root)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  if (files.empty()) out.push_back(root.string() + ": no file to look at");
  // Pieces overlap by more than the longest needle, broken by line ends, is long.
  constexpr std::size_t overlap = 4096;
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    if (!in) {
      out.push_back(file.string() + ": cannot be read");
      continue;
    }
    ++files_;
    std::string piece;
    std::string kept;
    do {
      piece.resize(chunk_size);
      in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      piece.resize(static_cast<std::size_t>(in.gcount()));
      const auto text = kept + piece;
      for (const auto& name : in_bytes(text)) out.push_back(file.string() + ": " + name);
      kept = text.substr(text.size() - std::min(text.size(), overlap));
    } while (in);
  }
  return out;
}

bool dump_memory(int process, const std::filesystem::path& file) {
  const auto folder = std::filesystem::path{"/proc"} / std::to_string(process);
  // What a sanitizer reserves is no memory of the program's.
  constexpr std::uint64_t largest_region = std::uint64_t{1} << 30U;
  ::kill(process, SIGSTOP);
  std::ifstream maps{folder / "maps"};
  std::ifstream memory{folder / "mem", std::ios::binary};
  std::ofstream out{file, std::ios::binary};
  bool any = false;
  std::vector<char> bytes;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream columns{line};
    std::string range;
    std::string rights;
    columns >> range >> rights;
    const auto dash = range.find('-');
    const auto begin = std::stoull(range.substr(0, dash), nullptr, 16);
    const auto end = std::stoull(range.substr(dash + 1), nullptr, 16);
    if (!rights.starts_with("rw") || end - begin > largest_region) continue;
    bytes.resize(end - begin);
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(begin));
    memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto got = memory.gcount();
    if (got <= 0) continue;
    out.write(bytes.data(), got);
    any = true;
  }
  ::kill(process, SIGCONT);
  return any && bool(out);
}

}  // namespace kw::tests
