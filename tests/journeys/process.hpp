#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kw::tests {

/// A real program of ours, in a process of its own, its output in a file. Killed when the object
/// goes.
class Process {
 public:
  Process() = default;
  /// `environment`: "NAME=value" each, beside what this process has.
  Process(const std::vector<std::string>& command, const std::filesystem::path& output,
          const std::vector<std::string>& environment = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  void signal(int number) const;
  /// Waits for its end; the exit code, or 128 + the signal's number.
  int wait();
  /// SIGKILL and wait: nothing is flushed, nothing is told.
  void kill();
  /// SIGTERM and wait.
  int stop();
  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }

 private:
  pid_t pid_ = -1;
};

/// Runs to the end; the exit code and what it printed.
struct Output {
  int code;
  std::string text;
};
Output run(const std::vector<std::string>& command);

/// The program `name` of this build.
std::string program(const std::string& name);

/// Looks until `holds` or the limit, for what other processes do and cannot be awaited otherwise.
bool eventually(std::chrono::seconds limit, const std::function<bool()>& holds);

}  // namespace kw::tests
