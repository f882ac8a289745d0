#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "collector/api/reader_pool.hpp"
#include "collector/writer/writer.hpp"
#include "common/task.hpp"

namespace kw::collector {

/// What the command line asks of a running collector about terminals from afar: the same acts as
/// the API's, by whoever may open the control socket. io thread only.
class RemoteControl {
 public:
  RemoteControl(Writer& writer, ReaderPool& readers) : writer_(writer), readers_(readers) {}

  static constexpr const char* verbs =
      "maintenance, command-new, command-wait, config-push, config-show, config-clear, "
      "backup-record";

  /// Errc::unsupported for another verb.
  Task<Result<boost::json::object>> answer(std::string verb, boost::json::object args);

 private:
  Task<Result<boost::json::object>> keep_record(boost::json::object args);
  Task<Result<boost::json::object>> maintenance(std::string terminal, boost::json::object args);
  Task<Result<boost::json::object>> new_command(std::string terminal, boost::json::object args);
  Task<Result<boost::json::object>> wait(std::string id);
  Task<Result<boost::json::object>> push(std::string terminal, std::string body);
  Task<Result<boost::json::object>> take_back(std::string terminal);
  Task<Result<boost::json::object>> configuration(std::string terminal);

  Writer& writer_;
  ReaderPool& readers_;
};

}  // namespace kw::collector
