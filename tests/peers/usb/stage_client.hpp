#pragma once

#include <string>

namespace kw::tests {

/// Says one command to the usb-stage that runs this program, and returns its answer.
std::string on_stage(const std::string& command);

/// A device of usb-stage that is attached while this lives.
class Plugged {
 public:
  explicit Plugged(std::string name) : name_(std::move(name)) { on_stage("plug " + name_); }
  ~Plugged() { on_stage("unplug " + name_); }
  Plugged(const Plugged&) = delete;
  Plugged& operator=(const Plugged&) = delete;

 private:
  std::string name_;
};

}  // namespace kw::tests
