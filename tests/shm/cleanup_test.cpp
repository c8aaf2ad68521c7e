// What is a leftover, and above all what is not.

#include "shm/cleanup.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "shm/survey.hpp"
#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;
namespace fs = std::filesystem;

/// Folder and base name of a test; files and semaphores of that base are gone with it.
class Place {
 public:
  Place() {
    std::string name = "/tmp/t-clean-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    base_ = "t-clean" + name.substr(name.size() - 6);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    for (const auto& file : semaphores()) fs::remove(file, ignored);
  }
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  [[nodiscard]] const std::string& base() const { return base_; }
  [[nodiscard]] fs::path stream() const { return folder_ / (base_ + ".im.shm"); }
  [[nodiscard]] fs::path semaphore(std::string_view end) const {
    return fmt::format("/dev/shm/sem.{}_sem{}", base_, end);
  }
  [[nodiscard]] std::vector<fs::path> semaphores() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator("/dev/shm"))
      if (entry.path().filename().string().starts_with("sem." + base_)) found.push_back(entry);
    return found;
  }
  /// A stream that its writer has left.
  void make_stale() const {
    Writer writer = Writer::create(stream(), Geometry{}.options());
    write_frames(writer, 2);
  }

 private:
  fs::path folder_;
  std::string base_;
};

CleanPlan plan_for(const fs::path& folder) {
  return find_leftovers(std::span(&folder, 1), Holders::of_host());
}

// Nothing that others have in /dev/shm is touched, not even by a lease.
CleanPlan plan_with_semaphores(const Place& place) {
  const fs::path folders[] = {place.folder(), "/dev/shm"};
  return find_leftovers(folders, Holders::of_host(), place.base());
}

bool lists(const CleanPlan& plan, const fs::path& path) {
  return std::any_of(plan.leftovers.begin(), plan.leftovers.end(),
                     [&](const Leftover& l) { return l.path == path; });
}

std::string kept_because(const CleanPlan& plan, const fs::path& path) {
  for (const auto& kept : plan.kept)
    if (kept.path == path) return kept.why;
  return "not kept";
}

TEST(Cleanup, AStreamThatItsWriterLeftGoesWithItsSemaphores) {
  const Place place;
  place.make_stale();
  const CleanPlan plan = plan_for(place.folder());
  EXPECT_EQ(plan.leftovers.size(), 12U);
  EXPECT_TRUE(plan.kept.empty());
  EXPECT_EQ(plan.leftovers.front().path, place.stream());
  EXPECT_EQ(plan.leftovers.front().kind, Leftover::Kind::stream);
  EXPECT_TRUE(lists(plan, place.semaphore("00")) && lists(plan, place.semaphore("log")));
  // Looking removed nothing.
  EXPECT_TRUE(fs::exists(place.stream()));
  EXPECT_EQ(place.semaphores().size(), 11U);
  for (const auto& leftover : plan.leftovers)
    EXPECT_EQ(remove_leftover(leftover, std::span(&place.folder(), 1)), std::nullopt);
  EXPECT_TRUE(fs::is_empty(place.folder()));
  EXPECT_TRUE(place.semaphores().empty());
}

TEST(Cleanup, OtherKnownLayoutsAreStreamsToo) {
  const Place place;
  const Geometry g{{4, 4}, 5, 4, 1, 0};
  write_file(place.stream(), fresh_file(g, "/tmp/x.im.shm", 1.7e9, 4296));
  EXPECT_TRUE(lists(plan_for(place.folder()), place.stream()));
}

TEST(Cleanup, AStreamInUseIsKept) {
  const Place place;
  place.make_stale();
  const auto in_use = [&] {
    const CleanPlan plan = plan_for(place.folder());
    EXPECT_TRUE(plan.leftovers.empty());
    return kept_because(plan, place.stream());
  };
  {
    const Writer writer = Writer::attach(place.stream());
    EXPECT_EQ(in_use(), "a writer holds it");
  }
  {
    const Reader reader = Reader::open(place.stream());
    EXPECT_NE(in_use().find(fmt::format("in use by {}", ::getpid())), std::string::npos);
  }
  {
    // A reference process: maps the file and closes nothing, takes no lock.
    const RawMapping reference(place.stream());
    EXPECT_NE(in_use().find("in use by"), std::string::npos);
  }
  {
    // One that has it open and does not map it: no list of mappings shows that.
    const int fd = ::open(place.stream().c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_NE(in_use().find("has it open"), std::string::npos);
    ::close(fd);
  }
  EXPECT_TRUE(lists(plan_for(place.folder()), place.stream()));
}

TEST(Cleanup, AMappingThatMapsOfProcessesDoNotShowIsFoundAllTheSame) {
  // As of a process of another container: nothing is known of who maps what.
  const Place place;
  place.make_stale();
  const RawMapping mapping(place.stream());
  const CleanPlan plan = find_leftovers(std::span(&place.folder(), 1), Holders{});
  EXPECT_TRUE(plan.leftovers.empty());
  EXPECT_NE(kept_because(plan, place.stream()).find("cannot be seen"), std::string::npos);
}

TEST(Cleanup, FilesThatAreNoStreamAreKept) {
  const Place place;
  const auto kept = [&](std::span<const std::byte> bytes) {
    write_file(place.stream(), bytes);
    const CleanPlan plan = plan_for(place.folder());
    EXPECT_TRUE(plan.leftovers.empty());
    EXPECT_NE(kept_because(plan, place.stream()).find("no stream of DAO"), std::string::npos);
  };
  kept({});
  kept(Bytes(20'000));
  Bytes cut = fresh_file({}, "/tmp/x.im.shm", 1.7e9);
  cut.pop_back();
  kept(cut);
}

TEST(Cleanup, OtherNamesAreNotLookedAt) {
  const Place place;
  const Bytes file = fresh_file({}, "/tmp/x.im.shm", 1.7e9);
  for (const auto* name : {"dark.fits", "x.shm", "notes.new-999999999-0", "x.im.shm.new-9x-0",
                           "x.im.shm.new-999999999", "x.im.shm.bak"})
    write_file(place.folder() / name, file);
  const CleanPlan plan = plan_for(place.folder());
  EXPECT_TRUE(plan.leftovers.empty());
  EXPECT_TRUE(plan.kept.empty());
}

TEST(Cleanup, ALinkToAStreamIsKept) {
  const Place place;
  const TempStream target;
  { const Writer writer = Writer::create(target.path(), Geometry{}.options()); }
  fs::create_symlink(target.path(), place.stream());
  const CleanPlan plan = plan_for(place.folder());
  EXPECT_TRUE(plan.leftovers.empty());
  EXPECT_EQ(kept_because(plan, place.stream()), "a symbolic link");
}

TEST(Cleanup, FilesOfDeadCreatorsGoThoseOfLivingOnesStay) {
  const Place place;
  Child child([] { return 0; });
  const pid_t dead = child.pid();
  child.wait();
  const fs::path of_dead = place.stream().string() + fmt::format(".new-{}-0", dead);
  const fs::path of_living = place.stream().string() + fmt::format(".new-{}-3", ::getpid());
  write_file(of_dead, Bytes(10));
  write_file(of_living, Bytes(10));
  const CleanPlan plan = plan_for(place.folder());
  ASSERT_EQ(plan.leftovers.size(), 1U);
  EXPECT_EQ(plan.leftovers[0].path, of_dead);
  EXPECT_EQ(plan.leftovers[0].kind, Leftover::Kind::temporary);
  EXPECT_EQ(kept_because(plan, of_living),
            fmt::format("its creator, process {}, lives", ::getpid()));
}

TEST(Cleanup, SemaphoresWithoutAStreamGoIfTheirFolderIsGiven) {
  const Place place;
  place.make_stale();
  fs::remove(place.stream());
  EXPECT_TRUE(plan_for(place.folder()).leftovers.empty());
  const CleanPlan plan = plan_with_semaphores(place);
  for (const auto& semaphore : place.semaphores()) EXPECT_TRUE(lists(plan, semaphore));
}

TEST(Cleanup, SemaphoresStayAsLongAsAnyStreamMayUseThem) {
  const Place place;
  place.make_stale();
  const auto none_listed = [&] {
    const CleanPlan plan = plan_with_semaphores(place);
    return std::none_of(plan.leftovers.begin(), plan.leftovers.end(),
                        [](const Leftover& l) { return l.kind == Leftover::Kind::semaphore; });
  };
  {
    const Reader reader = Reader::open(place.stream());
    EXPECT_TRUE(none_listed()) << "the stream is in use";
  }
  {
    // Mapped without its semaphores, by a process that follows it although its name is gone: only
    // the list of mappings knows.
    const RawMapping follower(place.stream());
    fs::remove(place.stream());
    EXPECT_TRUE(none_listed()) << "the stream is mapped, though its name is gone";
  }
  {
    // The same base in another folder, there not even a stream.
    const fs::path other = "/dev/shm" / place.stream().filename();
    write_file(other, Bytes(1));
    EXPECT_TRUE(none_listed()) << "a file of that base exists elsewhere";
    fs::remove(other);
  }
  {
    const std::string name = place.semaphore("00").filename().string().substr(4);
    sem_t* open = ::sem_open(("/" + name).c_str(), 0);
    EXPECT_FALSE(lists(plan_with_semaphores(place), place.semaphore("00")));
    EXPECT_TRUE(lists(plan_with_semaphores(place), place.semaphore("01")));
    ::sem_close(open);
  }
}

TEST(Cleanup, FilesThatOnlyResembleSemaphoresStay) {
  const Place place;
  const fs::path odd[] = {place.semaphore("0"), place.semaphore("0x"), place.semaphore("000"),
                          place.semaphore("00.milk"), place.semaphore("logs")};
  for (const auto& path : odd) write_file(path, Bytes(sizeof(sem_t)));
  write_file(place.semaphore("00"), Bytes(sizeof(sem_t) + 1));
  const CleanPlan plan = plan_with_semaphores(place);
  for (const auto& path : place.semaphores()) EXPECT_FALSE(lists(plan, path)) << path;
}

// What changed between looking and removing decides.
TEST(Cleanup, WhatCameIntoUseIsNotRemoved) {
  const Place place;
  place.make_stale();
  const CleanPlan plan = plan_for(place.folder());
  const std::span folders(&place.folder(), 1);
  ASSERT_EQ(plan.leftovers.size(), 12U);
  {
    const Reader reader = Reader::open(place.stream());
    for (const auto& leftover : plan.leftovers)
      EXPECT_NE(remove_leftover(leftover, folders), std::nullopt) << leftover.path;
  }
  fs::remove(place.stream());
  place.make_stale();
  // Another file, perhaps with the inode number of the one before.
  EXPECT_NE(remove_leftover(plan.leftovers[0], folders), std::nullopt);
  EXPECT_TRUE(fs::exists(place.stream()));
  EXPECT_EQ(place.semaphores().size(), 11U);
}

TEST(Cleanup, OnlyWhatIsSelectedIsConsidered) {
  const Place place;
  place.make_stale();
  const std::span folders(&place.folder(), 1);
  EXPECT_EQ(find_leftovers(folders, Holders::of_host(), place.base()).leftovers.size(), 12U);
  const CleanPlan other = find_leftovers(folders, Holders::of_host(), place.base() + "x");
  EXPECT_TRUE(other.leftovers.empty());
  EXPECT_TRUE(other.kept.empty());
}

// While somebody looks whether a stream is in use, who opens it must not be refused.
TEST(Cleanup, AReaderOutlastsTheLookAtWhetherAnybodyReads) {
  const Place place;
  place.make_stale();
  const Pipe leased;
  Child looker([&] {
    const int fd = ::open(place.stream().c_str(), O_RDWR | O_CLOEXEC);
    ::fcntl(fd, F_SETSIG, SIGURG);
    if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return 1;
    leased.signal();
    while (::fcntl(fd, F_GETLEASE) == F_WRLCK) ::usleep(200);  // until the reader has been refused
    return 0;
  });
  leased.await();
  EXPECT_EQ(Reader::open(place.stream()).newest_counter().value, 2U);
  EXPECT_EQ(looker.wait(), 0);
}

// ------------------------------------------------------------------------------------------ unlink

TEST(RemoveStream, RemovesItAndItsSemaphores) {
  const Place place;
  place.make_stale();
  EXPECT_EQ(remove_stream(place.stream(), InUse::refuse).size(), 12U);
  EXPECT_FALSE(fs::exists(place.stream()));
  EXPECT_TRUE(place.semaphores().empty());
}

TEST(RemoveStream, LeavesSemaphoresThatAnotherStreamShares) {
  const Place place;
  place.make_stale();
  const fs::path sibling = place.folder() / (place.stream().stem().stem().string() + ".x.im.shm");
  fs::copy_file(place.stream(), sibling);
  EXPECT_EQ(remove_stream(place.stream(), InUse::refuse).size(), 1U);
  EXPECT_EQ(place.semaphores().size(), 11U);
}

TEST(RemoveStream, RefusesWhatIsInUseUnlessToldOtherwise) {
  const Place place;
  place.make_stale();
  const Reader reader = Reader::open(place.stream());
  EXPECT_TRUE(fails_with(Errc::busy, {place.stream().string(), fmt::format("{}", ::getpid())},
                         [&] { (void)remove_stream(place.stream(), InUse::refuse); }));
  EXPECT_TRUE(fs::exists(place.stream()));
  EXPECT_EQ(remove_stream(place.stream(), InUse::allow).size(), 12U);
  EXPECT_TRUE(reader.segment().replaced());
}

TEST(RemoveStream, NeverRemovesWhatIsNoStream) {
  const Place place;
  write_file(place.stream(), Bytes(20'000));
  for (const InUse in_use : {InUse::refuse, InUse::allow})
    EXPECT_TRUE(fails_with(Errc::bad_layout, {place.stream().string(), "naxis"},
                           [&] { (void)remove_stream(place.stream(), in_use); }));
  EXPECT_TRUE(fs::exists(place.stream()));
  EXPECT_TRUE(fails_with(Errc::not_found, {"missing"}, [&] {
    (void)remove_stream(place.folder() / "missing.im.shm", InUse::allow);
  }));
}

}  // namespace
}  // namespace daohil::shm
