// From one core to the others, and back.
//
// GCC 12 destroys twice what is converted to a parameter within a co_await: give these tasks, and
// others that take functions, a std::function that has a name.
#pragma once

#include <cstdint>
#include <functional>

#include "dataplane/coroutine.hpp"

namespace sluice::perf {

// Runs `work` on that core; an inbox that is full is tried again. Not ok when the engine stops
// before.
co::Task<co::Result<>> post_surely(Engine& engine, std::uint32_t worker,
                                   std::function<void()> work);

// The same for those who do not wait for it: callbacks.
void tell(Engine& engine, std::uint32_t worker, std::function<void()> work);

// Once all cores have done what this one has asked of them. Not ok when the engine stops before.
co::Task<co::Result<>> all_told(Engine& engine);

// Runs `work(worker)` on each core, and goes on when all have done it. Not ok as above: then some
// may not have.
co::Task<co::Result<>> everywhere(Engine& engine, std::function<void(std::uint32_t)> work);

// Runs the task that `make` makes on that core, and goes on with what it came to.
co::Task<co::Outcome> run_on(Engine& engine, std::uint32_t worker,
                             std::function<co::Task<co::Outcome>()> make);

}  // namespace sluice::perf
