#include "collector/watchdog.hpp"

#include "collector/writer/act.hpp"
#include "common/log.hpp"

namespace kw::collector {

Task<void> watch_over(const platform::ServiceNotifier& service, Writer& writer) {
  const auto watched = service.watchdog();
  if (!watched) co_return;
  // So often within the manager's interval that a late turn of the loop costs nothing.
  const auto every = *watched / 3;
  for (;;) {
    std::function<Result<bool>(Work&)> pulse = [](Work& work) -> Result<bool> {
      work.store().touch(work.now());
      return true;
    };
    const auto answered = co_await act(writer, std::move(pulse));
    if (!answered) log::error("writer-cannot-write", {{"reason", answered.error()}});
    service.alive();
    co_await sleep_for(every);
  }
}

}  // namespace kw::collector
