#include "dataplane/coroutine.hpp"

namespace sluice::co {

// What a listener has on each core; touched there only.
class Doors final : public Opener, public std::enable_shared_from_this<Doors> {
 public:
  Doors(std::uint32_t workers, std::uint32_t backlog) : doors_(workers), backlog_(backlog) {}

  // The acceptor of the core that calls it. Copies belong to no core yet; the one that does closes
  // its door when it goes.
  class Acceptor {
   public:
    explicit Acceptor(std::shared_ptr<Doors> doors) : doors_(std::move(doors)) {}
    Acceptor(const Acceptor& other) : doors_(other.doors_) {}
    Acceptor(Acceptor&& other) noexcept
        : doors_(std::move(other.doors_)), is_of_core_(std::exchange(other.is_of_core_, false)) {}
    Acceptor& operator=(Acceptor) = delete;
    ~Acceptor() {
      if (is_of_core_) doors_->close();
    }
    StreamEvents* operator()(sluice::Stream& stream) {
      is_of_core_ = true;
      return doors_->admit(stream);
    }

   private:
    std::shared_ptr<Doors> doors_;
    bool is_of_core_ = false;
  };

  AcceptWait*& acceptor() { return here().acceptor; }
  bool try_take(Stream& stream) {
    Door& door = here();
    if (door.waiting.empty()) return false;
    stream = std::move(door.waiting.front());
    door.waiting.pop_front();
    return true;
  }

 private:
  struct Door {
    AcceptWait* acceptor = nullptr;
    std::deque<Stream> waiting;
  };

  Door& here() { return doors_[Core::here().worker()]; }

  // Null when too many wait.
  StreamEvents* admit(sluice::Stream& stream) {
    const Door& door = here();
    if (door.acceptor == nullptr && door.waiting.size() >= backlog_) return nullptr;
    return new Conduit(&stream, *this);
  }
  void opened(Conduit& conduit) override {
    Door& door = here();
    if (door.acceptor != nullptr) return door.acceptor->take(Stream(conduit));
    door.waiting.emplace_back(conduit);
  }
  void close() { here().waiting.clear(); }

  std::vector<Door> doors_;
  std::uint32_t backlog_;
};

bool AcceptWait::await_ready() {
  if (doors_->try_take(stream_)) {
    set_outcome(Outcome::ok);
  } else if (doors_->acceptor() != nullptr) {
    set_outcome(Outcome::busy);
  } else {
    return false;
  }
  return true;
}

bool AcceptWait::await_suspend(std::coroutine_handle<> waiting) {
  if (!suspend(waiting)) return false;
  doors_->acceptor() = this;
  return true;
}

Result<Stream> AcceptWait::await_resume() {
  settle();
  if (outcome() != Outcome::ok) return outcome();
  return std::move(stream_);
}

void AcceptWait::take(Stream stream) {
  detach();
  stream_ = std::move(stream);
  wake(Outcome::ok);
}

void AcceptWait::detach() {
  if (doors_->acceptor() == this) doors_->acceptor() = nullptr;
}

Listener::Listener(Engine& engine, const ListenOptions& options)
    : doors_(std::make_shared<Doors>(engine.workers(), options.backlog)),
      listener_(engine.listen(options, Doors::Acceptor(doors_))) {}

Listener::~Listener() {
  listener_.close();
}

}  // namespace sluice::co
