#include "tools/sluice/perf/everywhere.hpp"

#include <memory>
#include <utility>

#include "tools/sluice/perf/flag.hpp"

namespace sluice::perf {
namespace {

constexpr Duration kPause = Duration::milliseconds(1);

co::Task<> deliver(Engine& engine, std::uint32_t worker, std::function<void()> work) {
  co_await post_surely(engine, worker, std::move(work));
}

struct Answer {
  Flag here;
  co::Outcome outcome = co::Outcome::stopped;
};

co::Task<> run_and_tell(Engine& engine, std::uint32_t home, std::shared_ptr<Answer> answer,
                        std::function<co::Task<co::Outcome>()> make) {
  answer->outcome = co_await make();
  std::function<void()> tell_home = [answer] { answer->here.raise(); };
  co_await post_surely(engine, home, std::move(tell_home));
}

}  // namespace

co::Task<co::Result<>> post_surely(Engine& engine, std::uint32_t worker,
                                   std::function<void()> work) {
  while (!engine.post(worker, work)) {
    const auto slept = co_await co::sleep(kPause);
    if (!slept) co_return slept;
  }
  co_return co::Outcome::ok;
}

void tell(Engine& engine, std::uint32_t worker, std::function<void()> work) {
  if (!engine.post(worker, work)) co::go(deliver(engine, worker, std::move(work)));
}

co::Task<co::Result<>> all_told(Engine& engine) {
  // Shared: who waits may be gone when the answer comes.
  const auto told = std::make_shared<Flag>();
  while (!engine.when_told([told] { told->raise(); })) {
    const auto slept = co_await co::sleep(kPause);
    if (!slept) co_return slept;
  }
  co_return co_await told->raised();
}

co::Task<co::Result<>> everywhere(Engine& engine, std::function<void(std::uint32_t)> work) {
  for (std::uint32_t worker = 0; worker < engine.workers(); ++worker) {
    std::function<void()> here = [work, worker] { work(worker); };
    auto posted = co_await post_surely(engine, worker, std::move(here));
    if (!posted) co_return posted;
  }
  co_return co_await all_told(engine);
}

co::Task<co::Outcome> run_on(Engine& engine, std::uint32_t worker,
                             std::function<co::Task<co::Outcome>()> make) {
  // Shared: who waits may be gone when the answer comes.
  const auto answer = std::make_shared<Answer>();
  const std::uint32_t home = Core::here().worker();
  std::function<void()> there = [&engine, home, answer, make] {
    co::go(run_and_tell(engine, home, answer, make));
  };
  auto posted = co_await post_surely(engine, worker, std::move(there));
  if (posted) posted = co_await answer->here.raised();
  co_return posted ? answer->outcome : posted.outcome();
}

}  // namespace sluice::perf
