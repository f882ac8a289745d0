#include "common/log.hpp"

#include <algorithm>
#include <memory>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace kw::log {
namespace {

using Ring = spdlog::sinks::ringbuffer_sink_mt;

constexpr std::size_t kept_line_limit = 2'000;
constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
constexpr const char* json_pattern = R"({"at":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

Format chosen = Format::text;

spdlog::level::level_enum spd(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string{text});
}

bool plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"=\n\r\t") == std::string_view::npos;
}

spdlog::logger& sink() {
  static spdlog::logger logger{"kw", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  return logger;
}

std::shared_ptr<Ring>& ring() {
  static std::shared_ptr<Ring> kept;
  return kept;
}

}  // namespace

void start(Level from, Format format) {
  chosen = format;
  sink().set_level(spd(from));
  sink().set_pattern(format == Format::json ? json_pattern : text_pattern,
                     spdlog::pattern_time_type::utc);
  sink().flush_on(spdlog::level::debug);
}

void keep_last(std::size_t lines) {
  ring() = std::make_shared<Ring>(lines);
  ring()->set_level(spdlog::level::info);
  ring()->set_pattern(chosen == Format::json ? json_pattern : text_pattern);
  auto& logger = sink();
  logger.sinks().front()->set_level(logger.level());
  logger.set_level(std::min(logger.level(), spdlog::level::info));
  logger.sinks().push_back(ring());
}

std::vector<std::string> last_lines() {
  if (!ring()) return {};
  auto lines = ring()->last_formatted();
  for (auto& line : lines) {
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    line.resize(std::min(line.size(), kept_line_limit));
  }
  return lines;
}

void write(Level level, std::string_view event, Fields fields) {
  if (!sink().should_log(spd(level))) return;
  std::string line;
  if (chosen == Format::json) {
    line = "\"event\":" + quoted(event);
    for (const auto& f : fields)
      line += "," + quoted(f.key) + ":" + (f.bare ? f.value : quoted(f.value));
  } else {
    line = event;
    for (const auto& f : fields) {
      line.append(" ").append(f.key).append("=").append(f.bare || plain(f.value) ? f.value
                                                                                 : quoted(f.value));
    }
  }
  sink().log(spd(level), spdlog::string_view_t{line});
}

}  // namespace kw::log
