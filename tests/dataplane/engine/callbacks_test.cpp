// What callbacks may ask of the engine that calls them.
#include <gmock/gmock.h>

#include "tests/dataplane/engine/engine_fixture.hpp"
#include "tests/dataplane/engine/kernel_udp.hpp"

namespace sluice {
namespace {

class EngineCallbacks : public EngineTest {};

class Deaf final : public DatagramEvents {};
class Unheard final : public StreamEvents {};

// The events may go once unbind() is through: it must be, however much a callback asks for.
TEST_F(EngineCallbacks, AnInboxThatIsFullLosesNoUnbind) {
  constexpr int kMoreThanTheInboxHolds = 5000;
  Deaf deaf;
  Unheard unheard;
  Config config = small_config();
  config.workers = 2;
  Engine engine(config);
  const BindOptions bound = engine.bind({{}, 4000}, deaf);
  engine.start();
  Told<int> refused;
  engine.post(0, [&] {
    int count = 0;
    for (int i = 0; i < kMoreThanTheInboxHolds; ++i) {
      count += engine.connect({*IpAddress::parse(kKernelSide), 5999, {}}, unheard) ? 0 : 1;
    }
    engine.unbind(bound);
    refused.tell(count);
  });
  EXPECT_GT(refused.wait(), 0) << "the inbox was full";
  KernelUdp client(kKernelSide);
  client.connect_to(kEngineSide, bound.port);
  client.set_patience(100);
  EXPECT_TRUE(comes_true([&client] {
    client.send({1, 2, 3});
    return !client.receive().has_value() && client.error() == ECONNREFUSED;
  }));
}

TEST_F(EngineCallbacks, MayNotStopIt) {
  Engine engine(small_config());
  engine.start();
  Told<std::string> said;
  engine.post(0, [&] { said.tell(error_of([&engine] { engine.stop(); })); });
  EXPECT_THAT(said.wait(), testing::HasSubstr("another thread"));
  EXPECT_TRUE(engine.is_running());
}

}  // namespace
}  // namespace sluice
