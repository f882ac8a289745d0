#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/session_jobs.hpp"
#include "tests/torture/disk.hpp"
#include "tests/torture/ledger.hpp"

namespace kw::torture {

/// One kiosk's epoch, whose events are known beforehand.
using Stream = std::pair<int, std::uint64_t>;

/// A collector's inner half (store, writer, judges) at work on a real file, with kiosks that send
/// what is theirs to send and remember what was acknowledged.
class StoreRun {
 public:
  static constexpr int kiosks = 3;
  static constexpr int batches = 6;  ///< of each stream
  static constexpr int batch_events = 3;
  static const std::vector<std::uint64_t>& epochs();

  StoreRun(Disk& disk, std::filesystem::path file, Ledger* ledger = nullptr);
  ~StoreRun();

  /// Opens the store and starts the writer as the program does; makes the kiosks if need be.
  Result<void> open();
  void close();
  /// All kiosks come (back), with these epochs; what they have to send follows their Welcome.
  bool connect(std::size_t epochs_held);
  /// The next batch of each of these streams, as one group. Whether all were acknowledged.
  bool send(const std::vector<Stream>& streams);
  /// All streams up to their end, after a Welcome.
  bool send_rest(std::size_t epochs_held);
  /// A person accepts the oldest order that stands.
  bool accept_order();

  /// What a ledger knows of: everything that a commit writes.
  Ledger::Rows rows() const;
  /// What was told as acknowledged, for good.
  const std::map<Stream, std::uint64_t>& acknowledged() const { return acknowledged_; }
  /// Marks of the last Welcome.
  const std::map<Stream, std::uint64_t>& marks() const { return marks_; }
  /// Whether everything that the kiosks had is there once, in order, with one order a fault. What
  /// is wrong, or nothing.
  std::optional<std::string> complete() const;

 private:
  Result<void> run(bool ahead, std::function<Result<void>(collector::Work&)> work);
  void note(const Span& span, bool whole);

  Disk& disk_;
  std::filesystem::path file_;
  Ledger* ledger_;
  SystemClock clock_;
  std::unique_ptr<collector::Writer> writer_;
  std::vector<collector::TerminalKey> terminals_;
  std::vector<std::shared_ptr<collector::Session>> sessions_;
  std::map<Stream, std::uint64_t> acknowledged_;
  std::map<Stream, std::uint64_t> marks_;
};

/// The usual day of a collector: a first start, kiosks that send, a person, a checkpoint, an
/// announced end, a second start.
void usual_day(StoreRun& run, const std::filesystem::path& file);

/// Starts a collector on what a cut left and looks for everything that was promised before `point`;
/// `on`: then lets the kiosks send the rest.
std::optional<std::string> judge_store(Disk& disk, const std::filesystem::path& file,
                                       const Ledger& ledger, std::size_t point, bool on);

}  // namespace kw::torture
