#include "tests/torture/store_run.hpp"

#include <atomic>
#include <future>

#include <fmt/format.h>

#include "collector/orders/desk.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/torture/store_rows.hpp"

namespace kw::torture {

using namespace kw::collector;

namespace {

constexpr auto first_restart_rate = 100.0;

Rules at_once() {
  std::vector<config::Problem> problems;
  auto document = config::parse("[defaults]\nhold_s = 0\nclear_s = 0\n", "torture", problems);
  return Rules::read(*document, problems);
}

std::string code_of(int kiosk) { return fmt::format("K{}", kiosk); }

/// Every third event of a stream empties its printer, the next one fills it.
pb::Event event_of(const Stream& stream, std::uint64_t seq) {
  pb::Event out;
  if (seq % 3 == 2) {
    out.mutable_agent()->set_code("note");
    out.mutable_agent()->set_detail(fmt::format("{}/{}/{}", stream.first, stream.second, seq));
    return out;
  }
  wire::Status status;
  status.device = wire::DeviceState::online;
  if (seq % 3 == 0)
    status.conditions.push_back(wire::condition(*wire::find_condition("media-empty")));
  *out.mutable_state() = wire::to_wire("receipt", status);
  return out;
}

std::shared_ptr<pb::Batch> batch_after(const Stream& stream, std::uint64_t mark) {
  constexpr std::uint64_t all = StoreRun::batches * StoreRun::batch_events;
  if (mark >= all) return nullptr;
  auto out = std::make_shared<pb::Batch>();
  out->set_epoch(stream.second);
  out->set_first(mark + 1);
  out->set_last(mark + StoreRun::batch_events);
  out->set_base_mono_us(900'000);
  for (auto seq = out->first(); seq <= out->last(); ++seq) {
    *out->add_item()->mutable_event() = event_of(stream, seq);
  }
  return out;
}

/// Holds the writer until the group behind it is complete.
class Gate {
 public:
  explicit Gate(Writer& writer) {
    Job job;
    job.work = [this](Work&) -> Result<void> {
      if (!reached_.exchange(true)) {
        at_gate_.set_value();
        open_.get_future().wait();
      }
      return {};
    };
    writer.post(std::move(job));
    at_gate_.get_future().wait();
  }
  void open() { open_.set_value(); }

 private:
  std::atomic<bool> reached_ = false;
  std::promise<void> at_gate_;
  std::promise<void> open_;
};

}  // namespace

const std::vector<std::uint64_t>& StoreRun::epochs() {
  static const std::vector<std::uint64_t> all{7, 8};
  return all;
}

StoreRun::StoreRun(Disk& disk, std::filesystem::path file, Ledger* ledger)
    : disk_(disk), file_(std::move(file)), ledger_(ledger) {}

StoreRun::~StoreRun() { close(); }

void StoreRun::note(const Span& span, bool whole) {
  if (ledger_ != nullptr) ledger_->step(span, rows(), whole);
}

Ledger::Rows StoreRun::rows() const { return store_rows(file_); }

Result<void> StoreRun::run(bool ahead, std::function<Result<void>(Work&)> work) {
  std::promise<Result<void>> done;
  Job job;
  job.ahead = ahead;
  job.work = std::move(work);
  job.after = [&](const Result<void>& told) { done.set_value(told); };
  writer_->post(std::move(job));
  return done.get_future().get();
}

Result<void> StoreRun::open() {
  Span span;
  span.begun = disk_.position();
  auto store = SqliteStore::open(file_);
  if (!store) return std::move(store).error();
  writer_ = std::make_unique<Writer>(std::move(*store), at_once(), clock_,
                                     restart_job(clock_.wall(), first_restart_rate));
  auto made = run(true, [&](Work& work) -> Result<void> {
    terminals_.clear();
    for (int kiosk = 0; kiosk < kiosks; ++kiosk) {
      const auto known = work.store().find_terminal(code_of(kiosk));
      terminals_.push_back(known ? known->key
                                 : work.store().make_terminal(code_of(kiosk), work.now()));
    }
    return {};
  });
  span.done = disk_.position();
  note(span, false);
  return made;
}

void StoreRun::close() {
  if (!writer_) return;
  Span span;
  span.begun = disk_.position();
  writer_.reset();
  span.done = disk_.position();
  note(span, false);
}

bool StoreRun::connect(std::size_t epochs_held) {
  Span span;
  span.begun = disk_.position();
  sessions_.assign(kiosks, nullptr);
  marks_.clear();
  bool all = true;
  for (int kiosk = 0; kiosk < kiosks; ++kiosk) {
    auto session = std::make_shared<Session>();
    session->terminal = terminals_[static_cast<std::size_t>(kiosk)];
    session->terminal_code = code_of(kiosk);
    session->server_at_hello = clock_.wall();
    auto& hello = session->hello;
    hello.set_min_version(1);
    hello.set_max_version(1);
    hello.set_boot_id("boot");
    hello.set_mono_us(1'000'000);
    for (std::size_t i = 0; i < epochs_held; ++i) {
      auto& held = *hello.add_epoch();
      held.set_epoch(epochs()[i]);
      held.set_boot_id("boot");
      held.set_last(batches * batch_events);
    }
    std::promise<Result<pb::Welcome>> told;
    writer_->post(open_job(session, [&](Result<pb::Welcome> w) { told.set_value(std::move(w)); }));
    const auto welcome = told.get_future().get();
    if (!welcome) {
      all = false;
      continue;
    }
    for (const auto& mark : welcome->high_water()) marks_[{kiosk, mark.epoch()}] = mark.seq();
    sessions_[static_cast<std::size_t>(kiosk)] = std::move(session);
  }
  span.done = disk_.position();
  note(span, false);
  return all;
}

bool StoreRun::send(const std::vector<Stream>& streams) {
  struct Answer {
    Stream stream;
    std::promise<Result<BatchAnswer>> told;
  };
  for (const auto& stream : streams) {
    if (!sessions_[static_cast<std::size_t>(stream.first)]) return false;  // it got no Welcome
  }
  Gate gate{*writer_};
  Span span;
  span.begun = disk_.position();
  std::vector<std::unique_ptr<Answer>> answers;
  std::atomic<std::size_t> first_told = 0;
  for (const auto& stream : streams) {
    const auto& session = sessions_[static_cast<std::size_t>(stream.first)];
    const auto batch = batch_after(stream, marks_[stream]);
    if (!batch) continue;
    marks_[stream] = batch->last();  // as far as this session
    auto& answer = *answers.emplace_back(std::make_unique<Answer>());
    answer.stream = stream;
    writer_->post(batch_job(session, batch, batch->ByteSizeLong(), [&](Result<BatchAnswer> told) {
      std::size_t none = 0;
      first_told.compare_exchange_strong(none, disk_.position());
      answer.told.set_value(std::move(told));
    }));
  }
  gate.open();
  bool all = true;
  for (auto& answer : answers) {
    const auto told = answer->told.get_future().get();
    const bool acknowledged = told && told->admission == Admission::next;
    all = all && acknowledged;
    if (acknowledged) acknowledged_[answer->stream] = told->mark;
  }
  span.done = std::max(span.begun, first_told.load());
  note(span, true);
  return all;
}

bool StoreRun::send_rest(std::size_t epochs_held) {
  if (!connect(epochs_held)) return false;
  std::vector<Stream> everything;
  for (int kiosk = 0; kiosk < kiosks; ++kiosk) {
    for (std::size_t i = 0; i < epochs_held; ++i) {
      everything.insert(everything.end(), batches, Stream{kiosk, epochs()[i]});
    }
  }
  return send(everything);
}

bool StoreRun::accept_order() {
  Span span;
  span.begun = disk_.position();
  const auto id = oldest_order(file_);
  const auto done = run(true, [&](Work& work) -> Result<void> {
    auto order = work.store().find_order(id);
    if (!order) return Error{Errc::refused, "no order"};
    auto changes =
        act_on_order(*order, OrderAction::accept, loopback_administrator, "here", "", work.now());
    if (!changes) return std::move(changes).error();
    work.apply(order->terminal, *changes);
    work.forget(order->terminal);
    return {};
  });
  span.done = disk_.position();
  note(span, true);
  return static_cast<bool>(done);
}

std::optional<std::string> StoreRun::complete() const {
  for (int kiosk = 0; kiosk < kiosks; ++kiosk) {
    for (const auto epoch : epochs()) {
      const auto stored = stored_events(file_, code_of(kiosk), epoch);
      if (!stored) return "wrong: events cannot be read: " + stored.error().text();
      std::uint64_t seq = 0;
      for (const auto& [at, body] : *stored) {
        if (at != ++seq) return fmt::format("wrong: {} follows {}", at, seq - 1);
        if (body != event_of({kiosk, epoch}, seq).SerializeAsString()) {
          return fmt::format("wrong: another event at {}/{}/{}", kiosk, epoch, seq);
        }
      }
      if (seq != batches * batch_events) {
        return fmt::format("lost: {}/{} ends at {}", kiosk, epoch, seq);
      }
    }
  }
  const auto counts = fault_counts(file_);
  const auto episodes =
      static_cast<std::int64_t>(kiosks * epochs().size()) * batches * batch_events / 3;
  if (counts.faults != episodes || counts.orders != episodes || counts.ordered != episodes) {
    return fmt::format("wrong: {} faults, {} orders, {} faults with an order, not {}",
                       counts.faults, counts.orders, counts.ordered, episodes);
  }
  return std::nullopt;
}

void usual_day(StoreRun& run, const std::filesystem::path& file) {
  (void)run.open();
  run.connect(1);
  run.send({{0, 7}});
  run.send({{0, 7}, {1, 7}, {2, 7}});
  run.send({{0, 7}, {0, 7}, {1, 7}});
  run.accept_order();
  run.send({{2, 7}, {2, 7}});
  run.close();
  (void)run.open();
  run.connect(2);
  run.send({{0, 7}, {1, 7}, {2, 7}, {0, 7}, {1, 7}, {2, 7}});
  run.send({{1, 7}, {2, 7}, {1, 7}});
  run.send({{0, 8}, {1, 8}});
  checkpoint(file);
  run.send({{2, 8}, {0, 8}});
  run.accept_order();
  run.send({{1, 8}});
  run.close();
}

std::optional<std::string> judge_store(Disk& disk, const std::filesystem::path& file,
                                       const Ledger& ledger, std::size_t point, bool on) {
  StoreRun run{disk, file};
  {
    // Nothing but the store: the writer's first job would change rows already.
    auto store = SqliteStore::open(file);
    if (!store) return "start: " + store.error().text();
  }
  if (auto wrong = ledger.judge(point, run.rows())) return wrong;
  if (auto wrong = damage(file)) return "wrong: " + *wrong;
  if (!on) return std::nullopt;
  const auto started = run.open();
  if (!started) return "start: " + started.error().text();
  if (!run.send_rest(StoreRun::epochs().size())) return "start: it does not go on";
  run.close();
  if (auto wrong = damage(file)) return "wrong: " + *wrong;
  return run.complete();
}

}  // namespace kw::torture
