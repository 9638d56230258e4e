// The echo server of echo_server.cpp as a coroutine: one for each connection.
#include "dataplane/coroutine.hpp"

sluice::co::Task<> echo(sluice::co::Stream stream) {
  while (auto bytes = co_await stream.read()) co_await stream.write(std::move(*bytes));
}

int main() {
  sluice::Engine engine(sluice::Config{});
  sluice::co::serve(engine, {.port = 7}, echo);
  engine.run();
}
