#include "tools/stop_signal.hpp"

#include <atomic>
#include <csignal>

namespace daohil::tools {
namespace {

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int number) { stop_signal = number; }

}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

bool stop_requested() { return stop_signal != 0; }

}  // namespace daohil::tools
