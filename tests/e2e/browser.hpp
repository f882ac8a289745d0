#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <boost/json/value.hpp>

#include "common/link/tls.hpp"
#include "tests/journeys/process.hpp"

namespace kw::tests {

/// Debian's chromium without a screen, with a profile of its own, steered as W3C WebDriver says. A
/// step that fails ends the test with what the driver said.
class Browser {
 public:
  explicit Browser(const std::filesystem::path& folder);
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser();

  void open(const std::string& url);
  void refresh();
  /// Presses the first element of the CSS selector as a person's mouse does.
  void click(const std::string& selector);
  /// What the body of a function in the page returns.
  boost::json::value run(const std::string& script);
  /// Of the first such element that is there, empty while it is not shown.
  std::string text(const std::string& selector);
  bool shows(const std::string& selector, const std::string& part);
  /// Looks until the page shows it, or fails.
  void await_text(const std::string& selector, const std::string& part);
  void resize(int width, int height);
  /// What the browser complained of since it was asked last: policy violations, script errors.
  std::string complaints();

 private:
  boost::json::value call(const std::string& method, const std::string& path,
                          boost::json::value body = nullptr);

  Process driver_;
  link::Endpoint at_;
  std::string session_;
};

}  // namespace kw::tests
