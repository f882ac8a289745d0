#include "tests/torture/outbox_run.hpp"

#include <fmt/format.h>

namespace kw::torture {

using namespace kw::agent;

namespace {

constexpr std::size_t everything = 1'000'000;

/// A status as far as a promise goes: which conditions, since which event.
std::string told_of(const pb::Status& status, bool with_since) {
  std::string out = status.device() + ":";
  for (const auto& c : status.condition()) out += " " + c.code();
  if (with_since) out += fmt::format(" @{}", status.since().seq());
  return out;
}

std::optional<std::string> wrong_devices(Outbox& outbox, const OutboxView& view) {
  std::map<std::string, std::string> last;
  auto rows = outbox.newest(everything);
  for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
    pb::Event event;
    if (it->second.gap() || !event.ParseFromString(it->second.body) || !event.has_state()) continue;
    last[event.state().device()] = told_of(event.state(), false);
  }
  for (const auto& device : view.devices) {
    const auto known = last.find(device.status.device());
    if (known != last.end() && known->second != told_of(device.status, false)) {
      return "wrong: the state of " + device.status.device() + " is not that of its last event";
    }
    last.erase(device.status.device());
  }
  if (!last.empty()) return "wrong: an event without its state: " + last.begin()->second;
  return std::nullopt;
}

/// Whether everything that waits can be sent: batch after batch without a hole.
std::optional<std::string> wrong_batches(Outbox& outbox, const EpochView& epoch) {
  std::uint64_t after = epoch.acked;
  while (after < epoch.last) {
    const auto batch = outbox.batch_after(epoch.epoch, after, Box::wide());
    if (!batch || batch->first() != after + 1 || !wire::check_range(*batch)) {
      return fmt::format("wrong: no batch after {}/{}", epoch.epoch, after);
    }
    for (const auto& item : batch->item()) {
      if (item.gap().reason() == "damaged" || item.gap().reason() == "not-kept") {
        return fmt::format("lost: {}/{} is {}", epoch.epoch, after + 1, item.gap().reason());
      }
    }
    after = batch->last();
  }
  return std::nullopt;
}

std::string fact_of(Outbox& outbox, const std::string& name) {
  const auto rest = name.substr(name.find('/') + 1);
  if (name.starts_with("told/")) return outbox.told(rest).value_or(Telling::Name{}).answer;
  if (name.starts_with("begun/")) {
    const bool known = outbox.begin_command(rest, {}) == Outbox::Begin::known;
    return known ? "known" : "";
  }
  for (const auto& row : outbox.supplies()) {
    if (row.device == rest) return row.body;
  }
  return {};
}

}  // namespace

Ledger::Rows rows_of(Outbox& outbox) {
  Ledger::Rows out;
  for (const auto& [epoch, r] : outbox.newest(everything)) {
    auto& row = out[fmt::format("{}/{}", epoch, r.seq)];
    if (!row.empty()) row += " and again ";
    row += fmt::format("{} {} {} {} {} {}", r.count, static_cast<int>(r.event_class), r.mono_us,
                       r.wall_us, r.thinned, r.body);
  }
  return out;
}

OutboxRun::OutboxRun(Disk& disk, Outbox::Options options, Ledger& ledger)
    : disk_(disk), options_(std::move(options)), ledger_(ledger) {}

Span OutboxRun::spanned(const std::function<void()>& work) {
  Span span;
  span.begun = disk_.position();
  work();
  span.done = disk_.position();
  return span;
}

void OutboxRun::step(const std::function<void(Outbox&)>& work, bool whole) {
  const auto span = spanned([&] { work(*outbox_); });
  ledger_.step(span, rows_of(*outbox_), whole);
}

Seen OutboxRun::now() {
  clock_.advance(std::chrono::milliseconds{10});
  return {clock_.mono(), clock_.wall()};
}

void OutboxRun::start(std::uint64_t epoch) {
  const auto span =
      spanned([&] { outbox_ = std::make_unique<Outbox>(options_, clock_, "boot", epoch); });
  ledger_.step(span, rows_of(*outbox_), false);
}

void OutboxRun::end() {
  step([&](Outbox& outbox) { outbox.close_run(now()); }, false);
}

void OutboxRun::stop() {
  end();
  outbox_.reset();
}

void OutboxRun::note(const std::string& code, std::size_t bulk) {
  step([&](Outbox& outbox) { outbox.append(Box::note(code, std::string(bulk, 'n')), now()); });
}

void OutboxRun::state(const std::string& device, std::vector<std::string> codes) {
  step([&](Outbox& outbox) { outbox.append_state(device, Box::status(codes), now()); });
}

void OutboxRun::samples(int count, std::size_t bulk) {
  step([&](Outbox& outbox) {
    for (int i = 0; i < count; ++i) outbox.hold_sample(Box::sample("host", i, bulk), now());
    outbox.flush();
  });
}

void OutboxRun::begin_command(const std::string& id) {
  const auto span = spanned([&] { outbox_->begin_command(id, now()); });
  ledger_.fact("begun/" + id, "known", span);
}

void OutboxRun::finish_command(const std::string& id) {
  pb::CommandResult result;
  result.set_id(id);
  step([&](Outbox& outbox) { outbox.finish_command(result, now()); });
}

void OutboxRun::tell(const std::string& name, int events) {
  Telling telling;
  telling.names.push_back({name, "mark", "answer of " + name});
  for (int i = 0; i < events; ++i) telling.events.push_back(Box::note(name + std::to_string(i)));
  const auto span = spanned([&] { outbox_->tell(telling, now()); });
  ledger_.step(span, rows_of(*outbox_));
  ledger_.fact("told/" + name, "answer of " + name, span);
  told_.push_back(name);
}

void OutboxRun::supply(const std::string& device, const std::string& body) {
  const auto span = spanned([&] { outbox_->save_supplies({{device, "paper", body}}); });
  ledger_.fact("supply/" + device, body, span);
}

void OutboxRun::acknowledge(std::uint64_t epoch, std::uint64_t upto) {
  step([&](Outbox& outbox) { outbox.acknowledge(epoch, upto); });
}

void OutboxRun::prune() {
  clock_.advance(std::chrono::days{8});
  const auto span = spanned([&] { outbox_->prune({clock_.mono(), clock_.wall()}); });
  ledger_.step(span, rows_of(*outbox_), false);
  for (const auto& name : told_) ledger_.fact("told/" + name, {}, span);  // a week is over
  told_.clear();
}

void usual_day(OutboxRun& run) {
  run.start(7);
  run.note("first");
  run.state("printer", {"media-low"});
  run.state("reader", {});
  for (int i = 0; i < 4; ++i) run.note("note" + std::to_string(i), 60);
  run.samples(12, 20);
  run.begin_command("c1");
  run.state("printer", {"media-empty"});
  run.finish_command("c1");
  run.tell("t1", 3);
  run.supply("printer", "100 sheets");
  run.acknowledge(7, 8);
  run.samples(30, 200);
  run.state("printer", {});
  run.step([](Outbox& outbox) { outbox.rewind(7, 4); });
  run.supply("printer", "99 sheets");
  run.begin_command("c2");
  for (int i = 0; i < 6; ++i) run.note("more" + std::to_string(i), 900);
  run.tell("t2", 1);
  run.stop();
  run.start(8);
  run.acknowledge(7, 30);
  run.state("printer", {"media-low", "cover-open"});
  run.finish_command("c2");
  run.prune();
  for (int i = 0; i < 8; ++i) {
    run.samples(3, 100);
    run.state("reader",
              i % 2 == 0 ? std::vector<std::string>{"cover-open"} : std::vector<std::string>{});
  }
  run.acknowledge(7, 200);
  run.acknowledge(8, 9);
  run.tell("t3", 2);
  run.prune();
  run.note("last");
  run.stop();
}

void narrow_day(OutboxRun& run) {
  run.start(7);
  run.state("printer", {"media-low"});
  for (int i = 0; i < 14; ++i) {
    run.step(
        [&](Outbox& outbox) {
          for (int n = 0; n < 16; ++n) {
            outbox.hold_sample(Box::sample(n % 2 == 0 ? "host" : "ups", n, 1'500), run.now());
          }
          outbox.flush();
        },
        false);
    run.step([&](Outbox& outbox) { outbox.append(Box::note("n" + std::to_string(i)), run.now()); },
             false);
  }
  run.step(
      [&](Outbox& outbox) {
        outbox.append_state("printer", Box::status({"media-empty"}), run.now());
      },
      false);
  run.stop();
}

std::optional<std::string> judge_outbox(const Outbox::Options& options, const Ledger& ledger,
                                        std::size_t point, bool may_complain) {
  constexpr std::uint64_t fresh = 99;
  ManualClock clock;
  Outbox outbox{options, clock, "boot-after", fresh};
  if (!outbox.stats().on_disk) return "start: not on disk";
  const auto view = outbox.view();
  if (view.epochs.back().epoch != fresh) return "start: no epoch of its own";
  if (view.epochs.back().last != 0 && !may_complain) {
    // Whatever the outbox had to say of a file that no fault but a cut has touched is an alarm.
    const auto said = outbox.newest(1).front().second.body;
    pb::Event event;
    event.ParseFromString(said);
    return "wrong: the start told of " + event.agent().code() + " " + event.agent().detail();
  }
  auto rows = rows_of(outbox);
  const auto own = std::to_string(fresh) + "/";
  std::erase_if(rows, [&](const auto& row) { return row.first.starts_with(own); });
  if (auto wrong = ledger.judge(point, rows)) return wrong;
  for (const auto& epoch : view.epochs) {
    if (auto wrong = wrong_batches(outbox, epoch)) return wrong;
  }
  if (auto wrong = wrong_devices(outbox, view)) return wrong;
  for (const auto& name : ledger.facts(point)) {
    if (auto wrong = ledger.judge_fact(point, name, fact_of(outbox, name))) return wrong;
  }
  // And it goes on.
  outbox.append(Box::note("goes on"), {clock.mono(), clock.wall()});
  const auto on = outbox.batch_after(fresh, view.epochs.back().last, Box::wide());
  if (!on || on->item(0).event().agent().code() != "goes on") return "start: it does not go on";
  return std::nullopt;
}

}  // namespace kw::torture
