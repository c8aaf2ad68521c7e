#include "shm/shared_block.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "shm/error.hpp"

namespace daohil::shm {
namespace {

TEST(SharedBlock, IsZeroAndSharedWithAChild) {
  SharedBlock block(10'000);
  block.prefault();
  EXPECT_EQ(block.data()[9'999], std::byte{0});
  const pid_t child = ::fork();
  if (child == 0) {
    block.data()[9'999] = std::byte{7};
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(block.data()[9'999], std::byte{7});
}

// Reserving is allowed to succeed, taking the pages is not: the kernel would kill for them.
TEST(SharedBlock, MoreThanTheMachineHasIsAnErrorAndKillsNobody) {
  try {
    SharedBlock block(std::size_t{1} << 45);
    block.prefault();
    FAIL() << "32 TiB of memory";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::no_space);
    EXPECT_NE(std::string(error.what()).find("35184372088832 bytes"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace daohil::shm
