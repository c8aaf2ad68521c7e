#include "hil/trace.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace daohil::hil {
namespace {

class TraceFile : public ::testing::Test {
 protected:
  TraceFile() {
    char name[] = "/tmp/dao-hil-trace.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~TraceFile() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "trace.bin"; }

 private:
  std::filesystem::path folder_;
};

Trace example() {
  Trace trace;
  trace.source = {{1, 2, 3, 4, 1, 1}, {11, 12, 13, 14, 2, 3}};
  CallEvent call;
  call.before = 20;
  call.counter = 2;
  call.status = shm::ReadStatus::overwrite;
  trace.readers.push_back({"slow", {}, {call, call, call}, 0});
  trace.readers.push_back({"fast", {}, {}, 0});
  return trace;
}

TEST_F(TraceFile, ComesBackAsItWasWritten) {
  write_trace(file(), example());
  const Trace read = read_trace(file());
  ASSERT_EQ(read.source.size(), 2U);
  EXPECT_EQ(read.source[1].id, 3U);
  ASSERT_EQ(read.readers.size(), 2U);
  EXPECT_EQ(read.readers[0].name, "slow");
  ASSERT_EQ(read.readers[0].calls.size(), 3U);
  EXPECT_EQ(read.readers[0].calls[2].status, shm::ReadStatus::overwrite);
  EXPECT_TRUE(read.readers[1].calls.empty());
}

TEST_F(TraceFile, ACutOrForeignFileIsAnError) {
  write_trace(file(), example());
  const auto size = std::filesystem::file_size(file());
  for (std::uintmax_t cut = 0; cut < size; ++cut) {
    std::filesystem::resize_file(file(), cut);
    EXPECT_THROW((void)read_trace(file()), std::runtime_error) << "cut to " << cut;
    write_trace(file(), example());
  }
  std::ofstream(file()) << "not a trace at all, but long enough to be one";
  EXPECT_THROW((void)read_trace(file()), std::runtime_error);
}

TEST(EventLog, CountsWhatDoesNotFit) {
  EventLog<SourceEvent> log(3);
  for (std::uint64_t k = 1; k <= 5; ++k) log.push({0, 0, 0, 0, k, k});
  EXPECT_EQ(log.copy().size(), 3U);
  EXPECT_EQ(log.copy().back().counter, 3U);
  EXPECT_EQ(log.dropped(), 2U);
}

TEST(EventLog, OutlivesAProcessThatIsKilled) {
  EventLog<SourceEvent> log(10);
  const pid_t child = ::fork();
  if (child == 0) {
    log.push({0, 0, 0, 0, 7, 7});
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(log.copy().size(), 1U);
  EXPECT_EQ(log.copy()[0].counter, 7U);
}

}  // namespace
}  // namespace daohil::hil
