// Creating, opening, refusing, replacing and removing the file of a stream.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <sched.h>

#include <csignal>
#include <cstdlib>

#include "shm/truncation.hpp"
#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

Geometry small(std::uint32_t depth = 2) { return {{4, 4}, 5, 4, depth, 0}; }

std::size_t files_in_dev_shm() {
  std::size_t n = 0;
  const std::string mine = fmt::format("t{}-", ::getpid());
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    if (entry.path().filename().string().find(mine) != std::string::npos) ++n;
  return n;
}

// ------------------------------------------------------------------------------------- arguments

TEST(Arguments, DepthOutsideItsRangeIsRefused) {
  const TempStream stream;
  for (const std::uint32_t depth : {0U, 1'000'001U, 0x80000000U, 0xFFFFFFFFU})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {fmt::format("{}", depth)},
                           [&] { (void)Segment::create(stream.path(), small(depth).options()); }));
  EXPECT_EQ(files_in_dev_shm(), 0U);
}

TEST(Arguments, StreamsThatExceedAnyAddressSpaceAreRefused) {
  // 10^6 slots of 2^40 bytes: the product does not fit 60 bits, the sum of slots must not wrap.
  const TempStream stream;
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"1000000"}, [&] {
    (void)Segment::create(
        stream.path(),
        {.format = {Shape{1U << 20, 1U << 20}, PixelType::u8}, .depth = 1'000'000, .mode = 0600});
  }));
  EXPECT_EQ(files_in_dev_shm(), 0U);
}

TEST(Arguments, NamesMustFitTheMetadata) {
  const auto path_of = [](std::size_t length) {
    std::string path = fmt::format("/dev/shm/t{}-", ::getpid());
    path += std::string(length - path.size() - 7, 'x') + ".im.shm";
    return std::filesystem::path(path);
  };
  const std::filesystem::path longest = path_of(79);
  {
    Writer writer = Writer::create(longest, small().options());
    write_next(writer);
    EXPECT_EQ(Reader::open(longest).newest_counter().value, 1U);
  }
  EXPECT_TRUE(Segment::unlink(longest));
  for (const std::size_t length : {80U, 81U, 200U})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {fmt::format("{} bytes", length), "79"},
                           [&] { (void)Segment::create(path_of(length), small().options()); }));
  EXPECT_EQ(files_in_dev_shm(), 0U);
}

TEST(Arguments, NamesWithoutABaseAreRefusedAndLeaveNothing) {
  const std::string dot = fmt::format("/dev/shm/.t{}-0.im.shm", ::getpid());
  for (const std::string& path : {std::string(), dot})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {},
                           [&] { (void)Segment::create(path, small().options()); }))
        << "'" << path << "'";
  EXPECT_FALSE(std::filesystem::exists(dot));
  EXPECT_EQ(files_in_dev_shm(), 0U);
}

TEST(Arguments, AMissingFolderIsNotFound) {
  const std::string path = fmt::format("/dev/shm/t{}-none/x.im.shm", ::getpid());
  EXPECT_TRUE(
      fails_with(Errc::not_found, {path}, [&] { (void)Segment::create(path, small().options()); }));
  EXPECT_TRUE(fails_with(Errc::not_found, {path}, [&] { (void)Reader::open(path); }));
  EXPECT_TRUE(fails_with(Errc::not_found, {path}, [&] { (void)Writer::attach(path); }));
}

TEST(Arguments, APathThatIsNoRegularFileIsRefusedWithoutHanging) {
  const TempStream stream;
  const auto refused_everywhere = [&](const char* what) {
    SCOPED_TRACE(what);
    EXPECT_TRUE(fails_with(Errc::busy, {stream.path().string(), "not a regular file"},
                           [&] { (void)Segment::create(stream.path(), small().options()); }));
    EXPECT_TRUE(fails_with(Errc::bad_layout, {stream.path().string(), "not a regular file"},
                           [&] { (void)Reader::open(stream.path()); }));
    EXPECT_TRUE(error_of([&] { (void)Writer::attach(stream.path()); }));
    std::filesystem::remove(stream.path());
    EXPECT_TRUE(stream.leftovers().empty());
  };
  std::filesystem::create_directory(stream.path());
  refused_everywhere("a folder");
  ASSERT_EQ(::mkfifo(stream.path().c_str(), 0600), 0);
  refused_everywhere("a named pipe");
  std::filesystem::create_symlink("/dev/null", stream.path());
  refused_everywhere("a link to a device");
}

TEST(Arguments, ALinkIsFollowedByReadersAndNeverReplacedByCreate) {
  const TempStream target;
  const TempStream link;
  Writer writer = Writer::create(target.path(), small().options());
  write_next(writer);
  std::filesystem::create_symlink(target.path(), link.path());
  EXPECT_EQ(Reader::open(link.path()).newest_counter().value, 1U);
  EXPECT_TRUE(
      fails_with(Errc::busy, {}, [&] { (void)Segment::create(link.path(), small().options()); }));
  EXPECT_TRUE(std::filesystem::is_symlink(link.path()));
}

TEST(Arguments, DevicesAreNoStreams) {
  EXPECT_TRUE(fails_with(Errc::bad_layout, {"/dev/zero"}, [] { (void)Reader::open("/dev/zero"); }));
}

// ----------------------------------------------------------------------------------- permissions

TEST(Permissions, AreTheOnesAskedForLessTheUmask) {
  const mode_t saved = ::umask(0);
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{077}})
    for (const mode_t mode : {mode_t{0600}, mode_t{0660}, mode_t{0644}}) {
      const TempStream stream;
      ::umask(mask);
      const Segment segment = Segment::create(stream.path(), small().options(mode));
      struct stat status {};
      EXPECT_EQ(::stat(stream.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777U, mode & ~mask);
      const std::string semaphore = fmt::format("/dev/shm/sem.{}_sem00", stream.base());
      EXPECT_EQ(::stat(semaphore.c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777U, 0644 & ~mask);
    }
  ::umask(saved);
}

TEST(Permissions, DefaultIsTheReferences0600) {
  const TempStream stream;
  const Segment segment = Segment::create(stream.path(), {.format = {Shape{4}, PixelType::u8}});
  struct stat status {};
  EXPECT_EQ(::stat(stream.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077U, 0U);
}

TEST(Permissions, AStrangerIsRefusedWithTheReason) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const TempStream stream;
  const Segment segment = Segment::create(stream.path(), small().options(0600));
  Child child([&] {
    if (!become_nobody()) return 1;
    const auto refused = [&](const std::function<void()>& action) {
      return bool{fails_with(Errc::permission, {stream.path().string()}, action)};
    };
    if (!refused([&] { (void)Reader::open(stream.path()); })) return 2;
    if (!refused([&] { (void)Writer::attach(stream.path()); })) return 3;
    if (!error_of([&] { Segment::unlink(stream.path()); })) return 4;
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_TRUE(std::filesystem::exists(stream.path()));
}

TEST(Permissions, AReadOnlyFileCanBeReadAndNotWritten) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), small().options(0444));
  ::chmod(stream.path().c_str(), 0444);
  write_frames(writer, 3);
  Child child([&] {
    if (!become_nobody()) return 1;
    if (!fails_with(Errc::permission, {}, [&] { (void)Writer::attach(stream.path()); })) return 2;
    Reader reader = Reader::open(stream.path());
    Bytes into(64);
    return reader.newest(into).counter.value == 3 && holds(into, 3) ? 0 : 3;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST(Permissions, AFolderThatRefusesIsAPermissionError) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to become another user";
  Child child([] {
    if (!become_nobody()) return 1;
    const std::string path = fmt::format("/sys/t{}.im.shm", ::getpid());
    return fails_with(Errc::permission, {path},
                      [&] { (void)Segment::create(path, small().options()); })
               ? 0
               : 2;
  });
  EXPECT_EQ(child.wait(), 0);
}

// ----------------------------------------------------------------------------------- two writers

testing::AssertionResult is_busy(const std::filesystem::path& path) {
  if (auto attach = fails_with(Errc::busy, {path.string()}, [&] { (void)Writer::attach(path); });
      !attach)
    return attach;
  return fails_with(Errc::busy, {path.string()},
                    [&] { (void)Writer::create(path, small().options()); });
}

TEST(SecondWriter, IsRefusedInTheSameProcess) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), small().options());
  EXPECT_TRUE(is_busy(stream.path()));
  write_next(writer);
  EXPECT_TRUE(is_busy(stream.path()));
  EXPECT_EQ(Reader::open(stream.path()).newest_counter().value, 1U) << "the first is unharmed";
}

TEST(SecondWriter, IsRefusedInAnotherProcess) {
  const TempStream stream;
  { const Writer gone = Writer::create(stream.path(), small().options()); }
  const Pipe ready;
  Child child([&] {
    const Writer writer = Writer::attach(stream.path());
    ready.signal();
    ::pause();
    return 0;
  });
  ready.await();
  EXPECT_TRUE(Reader::open(stream.path()).segment().has_writer());
  EXPECT_TRUE(is_busy(stream.path()));
  child.kill();
  EXPECT_FALSE(Reader::open(stream.path()).segment().has_writer());
  EXPECT_FALSE(error_of([&] { (void)Writer::attach(stream.path()); }));
}

TEST(SecondWriter, MayFollowTheFirst) {
  const TempStream stream;
  {
    Writer first = Writer::create(stream.path(), small().options());
    write_frames(first, 3);
  }
  Writer second = Writer::attach(stream.path());
  EXPECT_EQ(second.newest().value, 3U);
  EXPECT_EQ(write_next(second).value, 4U);
}

TEST(SecondWriter, OfTwoThatCreateAtTheSameMomentOneIsRefused) {
  // Both find no writer, both make their file: the later must not take the name from the earlier.
  const TempStream stream;
  int rounds_with_two = 0;
  for (int round = 0; round < 300; ++round) {
    if (round % 2 == 0) Segment::unlink(stream.path());  // with and without an old stream
    const Pipe go;
    const Pipe tried;
    const Pipe end;
    const auto contend = [&] {
      go.await();
      int code = 0;
      std::optional<Writer> writer;
      try {
        writer.emplace(Writer::create(stream.path(), small().options()));
        code = 1;
      } catch (const Error& error) {
        code = error.code() == Errc::busy ? 0 : 3;
      }
      tried.signal();
      end.await();  // keep the lock until the other has tried as well
      return code;
    };
    Child one(contend);
    Child two(contend);
    go.signal();
    go.signal();
    tried.await();
    tried.await();
    end.signal();
    end.signal();
    const int a = one.wait();
    const int b = two.wait();
    ASSERT_TRUE(a <= 1 && b <= 1) << "another error than busy: " << a << " " << b;
    ASSERT_GE(a + b, 1) << "neither got it";
    if (a + b == 2) ++rounds_with_two;
  }
  EXPECT_EQ(rounds_with_two, 0) << "of 300: both believe to be the writer";
}

// ------------------------------------------------------------------------------------ replacement

TEST(Recreate, TellsAttachedReadersAndLeavesTheirMappingSafe) {
  const TempStream stream;
  std::optional<Writer> old(Writer::create(stream.path(), small(4).options()));
  write_frames(*old, 3);
  Reader reader = Reader::open(stream.path());
  EXPECT_FALSE(reader.segment().replaced());
  old.reset();
  EXPECT_FALSE(reader.segment().replaced()) << "a writer that ends replaces nothing";

  // Smaller than before: a mapping of the old size over the new file would end in SIGBUS.
  Writer writer = Writer::create(stream.path(), Geometry{{1}, 1, 1, 1, 0}.options());
  EXPECT_TRUE(reader.segment().replaced());
  writer.write(Bytes(1), FrameId{});
  Bytes into(64);
  EXPECT_EQ(reader.newest(into).counter.value, 3U);
  EXPECT_TRUE(holds(into, 3));
  for (const std::byte byte : reader.segment().bytes()) (void)byte;
  EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready);

  const Reader fresh = Reader::open(stream.path());
  EXPECT_FALSE(fresh.segment().replaced());
  EXPECT_EQ(fresh.newest_counter().value, 1U);
  EXPECT_EQ(fresh.format().bytes(), 1U);
}

// In a process of its own, as the handler stays.
void read_what_was_cut_off(const std::string& path) {
  survive_truncation();
  Writer writer = Writer::create(path, small(3).options());
  write_frames(writer, 5);
  Reader reader = Reader::open(path);
  write_next(writer);
  Bytes into(64);
  if (reader.segment().truncated() || reader.next(into).counter.value != 6) std::exit(1);
  if (::truncate(path.c_str(), 0) != 0) std::exit(2);
  for (const std::byte byte : reader.segment().bytes())
    if (byte != std::byte{0}) std::exit(3);
  if (!reader.segment().truncated() || !reader.replaced()) std::exit(4);
  if (reader.next(into).status != ReadStatus::not_ready) std::exit(5);
  if (reader.newest(into).status != ReadStatus::not_ready) std::exit(6);
  for (int i = 0; i < 5; ++i) write_next(writer);
  std::exit(0);
}

TEST(Truncated, WhoTouchesItFindsZerosIfItAskedFor) {
  const TempStream stream;
  EXPECT_EXIT(read_what_was_cut_off(stream.path()), testing::ExitedWithCode(0), "");
}

TEST(Truncated, OtherBusErrorsEndTheProcessAsBefore) {
  const TempStream stream;
  const auto touch_behind_the_end = [&] {
    survive_truncation();
    const int fd = ::open(stream.path().c_str(), O_RDWR | O_CREAT, 0600);
    const void* at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    std::exit(*static_cast<const volatile char*>(at));
  };
  EXPECT_EXIT(touch_behind_the_end(), testing::KilledBySignal(SIGBUS), "");
}

TEST(Truncated, TheHandlerThatWasThereStillGetsItsOwn) {
  const TempStream stream;
  const auto touch_behind_the_end = [&] {
    ::signal(SIGBUS, [](int) { ::_exit(42); });
    survive_truncation();
    const int fd = ::open(stream.path().c_str(), O_RDWR | O_CREAT, 0600);
    const void* at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    std::exit(*static_cast<const volatile char*>(at));
  };
  EXPECT_EXIT(touch_behind_the_end(), testing::ExitedWithCode(42), "");
}

TEST(Recreate, RemovalIsToldAsWell) {
  const TempStream stream;
  {
    Writer writer = Writer::create(stream.path(), small().options());
    write_next(writer);
  }
  Reader reader = Reader::open(stream.path());
  EXPECT_TRUE(Segment::unlink(stream.path()));
  EXPECT_TRUE(reader.segment().replaced());
  Bytes into(64);
  EXPECT_EQ(reader.newest(into).counter.value, 1U);
}

TEST(Recreate, LeavesNoOtherFile) {
  const TempStream stream;
  for (int i = 0; i < 5; ++i) {
    const Writer writer = Writer::create(stream.path(), small().options());
    EXPECT_TRUE(fails_with(Errc::busy, {},
                           [&] { (void)Writer::create(stream.path(), small().options()); }));
    EXPECT_TRUE(stream.leftovers().empty());
  }
}

TEST(Recreate, TheRemainsOfACreateThatWasKilledDoNotBlockTheNext) {
  // Process numbers come again, in a container within minutes: a half-made file of an earlier
  // process may have any name that this one would choose.
  const TempStream stream;
  const std::filesystem::path remains = stream.path().string() + fmt::format(".new-{}", ::getpid());
  write_file(remains, Bytes(100));
  const auto error = error_of([&] { (void)Writer::create(stream.path(), small().options()); });
  EXPECT_FALSE(error) << error->what();
}

// -------------------------------------------------------------------------------------- no space

TEST(Space, AFullFileSystemIsAnErrorAndNotASignalLater) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const std::filesystem::path folder = fmt::format("/tmp/t{}-full", ::getpid());
  std::filesystem::create_directory(folder);
  constexpr int kCannotMount = 77;
  Child child([&] {
    // Private to the child: gone with it.
    if (::unshare(CLONE_NEWNS) != 0) return kCannotMount;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kCannotMount;
    if (::mount("none", folder.c_str(), "tmpfs", 0, "size=1m") != 0) return kCannotMount;
    const std::filesystem::path path = folder / fmt::format("t{}-full.im.shm", ::getpid());
    const auto create = [&](std::uint32_t side) {
      (void)Segment::create(path, {.format = {Shape{side, side}, PixelType::u16}, .depth = 8});
    };
    if (!fails_with(Errc::no_space, {path.string()}, [&] { create(512); })) return 1;
    if (!std::filesystem::is_empty(folder)) return 2;
    if (error_of([&] { create(64); })) return 3;  // what fits is made
    // A stream that does not fit beside it leaves it alone.
    if (!fails_with(Errc::no_space, {}, [&] { create(512); })) return 4;
    const bool kept = Reader::open(path).format().bytes() == 64 * 64 * 2;
    Segment::unlink(path);
    return kept ? 0 : 5;
  });
  const int code = child.wait();
  std::filesystem::remove(folder);
  if (code == kCannotMount) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(code, 0);
}

TEST(Space, IsReservedAtOnce) {
  // A sparse file would end in SIGBUS when the file system is full at frame 1000.
  const TempStream stream;
  const Segment segment =
      Segment::create(stream.path(), {.format = {Shape{256, 256}, PixelType::u16}, .depth = 4});
  struct stat status {};
  ASSERT_EQ(::stat(stream.path().c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, status.st_size);
}

}  // namespace
}  // namespace daohil::shm
