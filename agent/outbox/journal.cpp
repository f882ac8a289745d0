#include "agent/outbox/journal.hpp"

#include "agent/outbox/fit.hpp"
#include "common/platform/thread_name.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

pb::Event note_event(const std::string& code, const std::string& device,
                     const std::string& detail) {
  pb::Event out;
  out.mutable_agent()->set_code(code);
  out.mutable_agent()->set_device(device);
  out.mutable_agent()->set_detail(fitting(detail, wire::text_limit));
  return out;
}

}  // namespace

Journal::Journal(std::unique_ptr<Outbox> outbox, const Clock& clock, std::size_t threads)
    : outbox_(std::move(outbox)), clock_(clock), worker_(threads, queue_limit) {
  if (threads > 0) worker_.post([] { platform::name_this_thread("outbox"); });
}

Journal::~Journal() {
  worker_.stop();
  outbox_->flush();
}

void Journal::state(const std::string& device, const wire::Status& status, bool proven) {
  const Seen seen{clock_.mono(), clock_.wall()};
  worker_.post([this, device, status, seen, proven] {
    outbox_->append_state(device, status, seen, proven);
  });
}

void Journal::sample(const std::string& device,
                     const std::vector<wire::Measurement>& measurements) {
  const Seen seen{clock_.mono(), clock_.wall()};
  auto events = samples_of(device, measurements);
  worker_.post([this, events = std::move(events), seen] {
    for (const auto& event : events) outbox_->hold_sample(event, seen);
    if (outbox_->held() >= samples_together) outbox_->flush();
  });
}

void Journal::note(const std::string& code, const std::string& device, const std::string& detail) {
  const Seen seen{clock_.mono(), clock_.wall()};
  worker_.post(
      [this, event = note_event(code, device, detail), seen] { outbox_->append(event, seen); });
}

void Journal::post_note(const std::string& code, const std::string& detail) {
  const Seen seen{clock_.mono(), clock_.wall()};
  post(
      [event = note_event(code, {}, detail), seen](Outbox& outbox) { outbox.append(event, seen); });
}

void Journal::power(const pb::Power& power) {
  const Seen seen{clock_.mono(), clock_.wall()};
  pb::Event event;
  *event.mutable_power() = power;
  worker_.post([this, event = std::move(event), seen] { outbox_->append(event, seen); });
}

void Journal::on_appended(std::function<void(const Appended&)> told) {
  worker_.post([this, told = std::move(told)] { outbox_->on_appended(told); });
}

void Journal::post(std::function<void(Outbox&)> job) {
  worker_.post_now([this, job = std::move(job)] { job(*outbox_); });
}

}  // namespace kw::agent
