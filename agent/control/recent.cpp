#include "agent/control/recent.hpp"

#include <algorithm>
#include <map>

#include <boost/json/serialize.hpp>

#include "agent/outbox/event_json.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t bytes_most = 56 * 1024;  // a line of the control protocol holds 64 KiB
constexpr std::size_t searched_most = 5'000;   // rows looked through for the ones wanted
constexpr std::int64_t events_most = 500;

struct Known {
  std::size_t place = 0;  ///< in the order in which epochs were drawn
  std::uint64_t acked = 0;
};

}  // namespace

Result<RecentEvents> recent_from(const boost::json::object& args) {
  RecentEvents out;
  if (const auto* device = args.if_contains("device")) {
    if (!device->is_string()) return Error{Errc::invalid, "device is not a text"};
    out.device = std::string_view{device->get_string()};
  }
  if (const auto* count = args.if_contains("count")) {
    const bool usable = count->is_int64() && count->get_int64() >= 0;
    if (!usable) return Error{Errc::invalid, "count is not a number from 0 on"};
    out.count = static_cast<std::size_t>(std::min(count->get_int64(), events_most));
  }
  if (const auto* samples = args.if_contains("samples")) out.samples = *samples == true;
  return out;
}

std::vector<boost::json::object> recent_events(Outbox& outbox, const RecentEvents& wanted) {
  std::map<std::uint64_t, Known> epochs;
  for (const auto& epoch : outbox.view().epochs) {
    epochs.emplace(epoch.epoch, Known{epochs.size(), epoch.acked});
  }
  const bool choosy = !wanted.device.empty() || !wanted.samples;
  const auto searched = choosy ? searched_most : wanted.count;
  std::vector<boost::json::object> out;
  std::size_t bytes = 0;
  for (const auto& [epoch, record] : outbox.newest(searched)) {
    if (out.size() == wanted.count) break;
    const auto& known = epochs[epoch];
    if (wanted.after) {
      const auto place = epochs[wanted.after->epoch].place;
      const bool later =
          known.place > place || (epoch == wanted.after->epoch && record.seq > wanted.after->seq);
      if (!later) break;
    }
    const bool sample = record.event_class == wire::EventClass::sample;
    if (sample && !wanted.samples) continue;
    auto event = event_json(epoch, record);
    if (!wanted.device.empty()) {
      const auto* of = event.if_contains("device");
      if (of == nullptr || !of->is_string() || of->get_string() != wanted.device) continue;
    }
    event["acknowledged"] = record.end() - 1 <= known.acked;
    bytes += boost::json::serialize(event).size() + 1;
    if (bytes > bytes_most) break;
    out.push_back(std::move(event));
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace kw::agent
