#include "tests/journeys/process.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_folder.hpp"

namespace kw::tests {

Process::Process(const std::vector<std::string>& command, const std::filesystem::path& output,
                 const std::vector<std::string>& environment) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (const auto& word : environment) variables.push_back(const_cast<char*>(word.c_str()));
  for (char** each = environ; *each != nullptr; ++each) variables.push_back(*each);
  variables.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                   O_CREAT | O_WRONLY | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  if (posix_spawn(&pid_, command[0].c_str(), &files, nullptr, arguments.data(), variables.data()) !=
      0) {
    pid_ = -1;
  }
  posix_spawn_file_actions_destroy(&files);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

Process::~Process() { kill(); }

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Process::wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Process::kill() {
  signal(SIGKILL);
  wait();
}

int Process::stop() {
  signal(SIGTERM);
  return wait();
}

Output run(const std::vector<std::string>& command) {
  const TempFolder folder;
  Process process{command, folder / "out"};
  const int code = process.wait();
  std::ifstream in{folder / "out"};
  return {code, {std::istreambuf_iterator<char>{in}, {}}};
}

std::string program(const std::string& name) { return std::string{KW_BIN} + "/" + name; }

bool eventually(std::chrono::seconds limit, const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return true;
}

}  // namespace kw::tests
