// daoShm.hpp against the contract of DAO's C++ interface.

#include "shm/daoShm.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <complex>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/shm/support.hpp"

namespace {

using Dao::ShmSync;
using daohil::shm::test::RawMapping;
using daohil::shm::test::TempStream;

// The errors provoked here are expected; they need not be printed.
class DaoCpp : public testing::Test {
 protected:
  DaoCpp() { daoSetLogLevel(-1); }
  ~DaoCpp() override { daoSetLogLevel(level_); }

  const std::string& path() const { return path_; }
  void recreate(const Dao::Shape& shape) { Dao::Shm<float>(path(), shape); }

 private:
  int level_ = daoGetLogLevel();
  TempStream stream_;
  std::string path_ = stream_.path().string();
};

/// Is std::runtime_error thrown, in one line that contains every text?
testing::AssertionResult throws_with(const std::vector<std::string>& texts,
                                     const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    for (const auto& text : texts)
      if (message.find(text) == std::string::npos)
        return testing::AssertionFailure() << "no '" << text << "' in: " << message;
    if (message.find('\n') != std::string::npos)
      return testing::AssertionFailure() << "more than one line: " << message;
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "nothing thrown";
}

/// The same for what may be noticed up to a millisecond late.
testing::AssertionResult soon_throws_with(const std::vector<std::string>& texts,
                                          const std::function<void()>& action) {
  return throws_with(texts, [&] {
    const auto give_up = daohil::shm::test::far_deadline();
    while (daohil::shm::system_clock().now() < give_up) action();
  });
}

std::vector<float> frame_of(std::size_t elements, float value) {
  return std::vector<float>(elements, value);
}

// ------------------------------------------------------------------------- the documented examples

TEST_F(DaoCpp, ElementsAreFloatUnlessTheFrameSaysOtherwise) {
  const std::string& name = path();
  {
    Dao::Shm shm(name, {256, 256}, nullptr, /*depth=*/8);
    static_assert(std::is_same_v<decltype(shm), Dao::Shm<float>>);
    EXPECT_EQ(shm.get_meta_data(0)->fifo_size, 8U);
    EXPECT_EQ(shm.get_meta_data(0)->atype, 9);
  }
  {
    Dao::Shm shm(name);
    static_assert(std::is_same_v<decltype(shm), Dao::Shm<float>>);
    int_fast8_t status = DAO_ERROR;
    float* data = shm.get_next_frame(false, status);
    EXPECT_EQ(data, nullptr);
    EXPECT_EQ(status, DAO_NOTREADY);
  }
  {
    Dao::Shm shm(name, {4, 4});
    static_assert(std::is_same_v<decltype(shm), Dao::Shm<float>>);
    EXPECT_EQ(shm.get_meta_data(0)->fifo_size, 1U);
  }
  {
    std::uint16_t frame[6] = {1, 2, 3, 4, 5, 6};
    const Dao::Shape shape{2, 3};
    Dao::Shm smem(name, shape, frame);
    static_assert(std::is_same_v<decltype(smem), Dao::Shm<std::uint16_t>>);
    EXPECT_EQ(smem.get_counter(), 1U);
    EXPECT_TRUE(std::equal(frame, frame + 6, smem.get_frame()));
  }
  {
    const std::vector<double> frame(6, 2.5);
    Dao::Shm smem(name, {2, 3}, frame.data(), 3);
    static_assert(std::is_same_v<decltype(smem), Dao::Shm<double>>);
    EXPECT_EQ(smem.get_frame()[5], 2.5);
  }
}

TEST_F(DaoCpp, SynchronisationsHaveTheReferencesNumbers) {
  EXPECT_EQ(static_cast<std::int32_t>(ShmSync::SEM0), 0);
  EXPECT_EQ(static_cast<std::int32_t>(ShmSync::SEM9), 9);
  EXPECT_EQ(static_cast<std::int32_t>(ShmSync::SEM), 10);
  EXPECT_EQ(static_cast<std::int32_t>(ShmSync::SPIN), 11);
  EXPECT_EQ(static_cast<std::int32_t>(ShmSync::NONE), 12);
  static_assert(std::is_same_v<std::underlying_type_t<ShmSync>, std::int32_t>);
}

// ------------------------------------------------------------------------------------ element
// types

template <typename T>
void expect_type(const std::string& path, int code) {
  std::vector<T> frame(6);
  std::memset(static_cast<void*>(frame.data()), 3, 6 * sizeof(T));
  Dao::Shm<T> writer(path, {2, 3}, frame.data(), 2);
  EXPECT_EQ(int{writer.get_meta_data()->atype}, code);
  Dao::Shm<T> reader(path);
  EXPECT_EQ(reader.get_element_count(), 6U);
  EXPECT_EQ(std::memcmp(reader.get_frame(), frame.data(), 6 * sizeof(T)), 0) << code;
}

TEST_F(DaoCpp, EachElementTypeHasItsCode) {
  expect_type<std::uint8_t>(path(), 1);
  expect_type<std::int8_t>(path(), 2);
  expect_type<std::uint16_t>(path(), 3);
  expect_type<std::int16_t>(path(), 4);
  expect_type<std::uint32_t>(path(), 5);
  expect_type<std::int32_t>(path(), 6);
  expect_type<std::uint64_t>(path(), 7);
  expect_type<std::int64_t>(path(), 8);
  expect_type<float>(path(), 9);
  expect_type<double>(path(), 10);
  expect_type<complex_float>(path(), 11);
  expect_type<complex_double>(path(), 12);
  expect_type<std::complex<float>>(path(), 11);
  expect_type<std::complex<double>>(path(), 12);
  expect_type<unsigned long long>(path(), 7);  // NOLINT: not uint64_t here, but as wide
}

TEST_F(DaoCpp, OpeningAsAnotherTypeNamesBoth) {
  const Dao::Shm<std::uint16_t> writer(path(), {2, 3});
  EXPECT_TRUE(throws_with({path(), "float (9)", "uint16_t (3)"}, [&] { Dao::Shm shm(path()); }));
  EXPECT_TRUE(throws_with({path(), "int16_t (4)", "uint16_t (3)"},
                          [&] { Dao::Shm<std::int16_t> shm(path()); }));
}

// -------------------------------------------------------------------------------------------
// errors

TEST_F(DaoCpp, WhatCannotBeCreatedNamesPathAndValue) {
  const auto create = [this](const Dao::Shape& shape, std::uint32_t depth = 1) {
    return [this, shape, depth] { Dao::Shm<float> shm(path(), shape, nullptr, depth); };
  };
  EXPECT_TRUE(throws_with({path(), "{}", "0 axes"}, create({})));
  EXPECT_TRUE(throws_with({path(), "{5}", "1 axes"}, create({5})));
  EXPECT_TRUE(throws_with({path(), "{1, 2, 3, 4}", "4 axes"}, create({1, 2, 3, 4})));
  EXPECT_TRUE(throws_with({path(), "0"}, create({4, 0})));
  EXPECT_TRUE(throws_with({path(), "0"}, create({4, 4}, 0)));
  EXPECT_TRUE(throws_with({path(), "1000001"}, create({4, 4}, 1'000'001)));
  EXPECT_FALSE(std::filesystem::exists(path()));
  const std::string long_name = "/dev/shm/" + std::string(80, 'x');
  EXPECT_TRUE(throws_with({long_name}, [&] { Dao::Shm<float> shm(long_name, {4, 4}); }));
  const std::string nowhere = "/dev/shm/no-such-folder-of-dao/x.im.shm";
  EXPECT_TRUE(throws_with({nowhere}, [&] { Dao::Shm shm(nowhere, {4, 4}); }));
}

TEST_F(DaoCpp, WhatCannotBeOpenedNamesThePath) {
  EXPECT_TRUE(throws_with({path(), "No such file"}, [&] { Dao::Shm shm(path()); }));
  std::ofstream(path()) << "this is no stream";
  EXPECT_TRUE(throws_with({path(), "17 bytes"}, [&] { Dao::Shm shm(path()); }));
}

TEST_F(DaoCpp, NoFrameIsAnErrorAndPublishesNothing) {
  Dao::Shm<float> shm(path(), {2, 3});
  EXPECT_TRUE(throws_with({path()}, [&] { shm.set_frame(nullptr); }));
  EXPECT_EQ(shm.get_counter(), 0U);
}

// -------------------------------------------------------------------------------- reading in order

class DaoCppDepth : public DaoCpp, public testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(, DaoCppDepth, testing::Values(1U, 2U, 3U, 8U));

TEST_P(DaoCppDepth, FramesComeInOrderAndALapIsSaid) {
  const std::uint32_t depth = GetParam();
  Dao::Shm<float> writer(path(), {2, 3}, nullptr, depth);
  Dao::Shm<float> reader(path());
  int_fast8_t status = DAO_ERROR;
  std::uint64_t cnt0 = 77;
  EXPECT_EQ(reader.get_next_frame(false, status, cnt0), nullptr);
  EXPECT_EQ(status, DAO_NOTREADY);
  EXPECT_EQ(cnt0, 77U);

  std::uint64_t written = 0;
  const auto write = [&](std::uint64_t frames) {
    for (; frames > 0; --frames)
      writer.set_frame(frame_of(6, static_cast<float>(++written)).data());
  };
  write(depth);
  for (std::uint64_t k = 1; k <= depth; ++k) {
    const float* frame = reader.get_next_frame(true, status, cnt0);
    ASSERT_NE(frame, nullptr);
    EXPECT_EQ(status, DAO_SUCCESS);
    EXPECT_EQ(cnt0, k);
    EXPECT_EQ(frame[5], static_cast<float>(k));
    EXPECT_EQ(reader.check_segment_overwrite(), DAO_SUCCESS);
  }
  write(depth);
  EXPECT_EQ(reader.check_segment_overwrite(), DAO_OVERWRITE);
  write(1);
  const float* frame = reader.get_next_frame(false, status);
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(status, DAO_OVERWRITE);
  EXPECT_EQ(frame[0], static_cast<float>(written));
  EXPECT_EQ(reader.get_next_frame(false, status), nullptr);
  EXPECT_EQ(status, DAO_NOTREADY);
}

TEST_P(DaoCppDepth, SlotsTellWhatTheyHold) {
  const std::uint32_t depth = GetParam();
  Dao::Shm<float> shm(path(), {2, 3, 4}, nullptr, depth);
  EXPECT_EQ(shm.get_shape(), (Dao::Shape{2, 3, 4}));
  EXPECT_EQ(shm.get_element_count(), 24U);
  EXPECT_EQ(shm.get_counter(), 0U);
  for (int k = 1; k <= 11; ++k) {
    shm.get_meta_data(static_cast<std::uint32_t>(k - 1))->cnt1 = static_cast<std::uint64_t>(10 * k);
    shm.get_meta_data(static_cast<std::uint32_t>(k - 1))->cnt2 = static_cast<std::uint64_t>(20 * k);
    const auto before = daohil::shm::system_clock().utc_now().count();
    shm.set_frame(frame_of(24, static_cast<float>(k)).data());
    const auto after = daohil::shm::system_clock().utc_now().count();
    EXPECT_LE(before, shm.get_timestamp());
    EXPECT_GE(after, shm.get_timestamp());
  }
  EXPECT_EQ(shm.get_counter(), 11U);
  EXPECT_EQ(shm.get_cnt1(), 110U);
  EXPECT_EQ(shm.get_frame_id(), 220U);
  EXPECT_EQ(shm.get_frame()[23], 11.0F);
  for (std::uint32_t i = 0; i < 2 * depth; ++i) {
    // Frame k lies in slot (k - 1) mod depth: of 11, the last of that residue.
    std::uint64_t held = 11;
    while (held > 0 && (held - 1) % depth != i % depth) --held;
    EXPECT_EQ(shm.get_counter(i), held);
    EXPECT_EQ(shm.get_cnt1(i), 10 * held);
    EXPECT_EQ(shm.get_frame_id(i), 20 * held);
    EXPECT_EQ(shm.get_timestamp(i), shm.get_meta_data(i)->atime.tsfixed.secondlong);
    EXPECT_EQ(shm.get_arbitrary_frame(i)[0], static_cast<float>(held));
  }
  EXPECT_EQ(shm.get_meta_data(depth), shm.get_meta_data(0));
  EXPECT_EQ(shm.get_meta_data()->cnt0, 11U);
}

TEST_F(DaoCpp, TheNewestLeavesThePosition) {
  Dao::Shm<float> shm(path(), {2, 3}, nullptr, 4);
  EXPECT_EQ(shm.get_frame()[0], 0.0F);
  for (int k = 1; k <= 3; ++k) shm.set_frame(frame_of(6, static_cast<float>(k)).data());
  EXPECT_EQ(shm.get_frame()[0], 3.0F);
  int_fast8_t status = DAO_ERROR;
  EXPECT_EQ(shm.get_next_frame(false, status)[0], 1.0F);
}

// --------------------------------------------------------------------------------------------
// waits

TEST_F(DaoCpp, EveryWayOfWaitingEndsWithTheFrame) {
  Dao::Shm<float> writer(path(), {2, 3}, nullptr, 4);
  float value = 0;
  const auto expect_woken = [&](const std::function<float*(Dao::Shm<float>&)>& wait) {
    Dao::Shm<float> reader(path());
    std::thread waiting([&] { EXPECT_EQ(wait(reader)[0], value + 1); });
    writer.set_frame(frame_of(6, value + 1).data());
    waiting.join();
    value += 1;
  };
  int_fast8_t status = DAO_ERROR;
  expect_woken([&](auto& reader) { return reader.get_next_frame(true, status); });
  EXPECT_EQ(status, DAO_SUCCESS);
  expect_woken([](auto& reader) { return reader.get_frame(ShmSync::SPIN, 2); });
  expect_woken([](auto& reader) { return reader.get_frame(ShmSync::SPIN, 3); });
}

TEST_F(DaoCpp, SpinWaitsForANewerFrameThanTheNewest) {
  Dao::Shm<float> writer(path(), {2, 3}, frame_of(6, 0).data(), 4);
  Dao::Shm<float> reader(path());
  std::atomic<bool> woken{false};
  std::thread waiting([&] {
    const std::uint64_t before = reader.get_counter();
    EXPECT_NE(reader.get_frame(ShmSync::SPIN), nullptr);
    EXPECT_GT(reader.get_counter(), before);
    woken = true;
  });
  // Whenever the wait begins, some frame comes after that.
  while (!woken) writer.set_frame(frame_of(6, 1).data());
  waiting.join();
}

TEST_F(DaoCpp, ASemaphoreThatIsPostedIsTakenOnce) {
  Dao::Shm<float> shm(path(), {2, 3}, nullptr, 4);
  shm.set_frame(frame_of(6, 5).data());
  for (const auto sync : {ShmSync::SEM1, ShmSync::SEM9, ShmSync::SEM}) {
    ASSERT_NE(shm.get_frame(sync), nullptr);
    EXPECT_EQ(shm.get_frame(sync, 0), nullptr);
  }
  EXPECT_EQ(shm.get_frame(ShmSync::SEM0, 0), nullptr);  // SEM was that one
  ASSERT_NE(shm.get_frame(ShmSync::SEM5, std::numeric_limits<std::size_t>::max()), nullptr);
  EXPECT_EQ(shm.get_frame(ShmSync::NONE, 7)[0], 5.0F);
}

TEST_F(DaoCpp, AStreamWithoutSemaphoresSaysSo) {
  using namespace daohil::shm::test;
  const Geometry geometry{.axes = {2, 3}, .atype = 9, .element = 4};
  write_file(path(), fresh_file(geometry, path(), 1e9));
  Dao::Shm<float> reader(path());
  EXPECT_TRUE(throws_with({path(), "semaphore 3"}, [&] { reader.get_frame(ShmSync::SEM3, 0); }));
  EXPECT_TRUE(throws_with({path(), "semaphore 3"}, [&] { reader.get_frame(ShmSync::SEM3); }));
}

// -----------------------------------------------------------------------------------------
// replaced

TEST_F(DaoCpp, AReplacedStreamIsToldByEveryReadThatFindsNothingNew) {
  const auto expect_told = [&](const std::function<void(Dao::Shm<float>&)>& read) {
    recreate({2, 3});
    Dao::Shm<float> reader(path());
    recreate({4, 4});
    EXPECT_TRUE(soon_throws_with({path(), "replaced"}, [&] { read(reader); }));
    EXPECT_EQ(reader.get_shape(), (Dao::Shape{2, 3}));  // its memory is still there
  };
  int_fast8_t status = DAO_ERROR;
  expect_told([&](auto& reader) { reader.get_next_frame(false, status); });
  expect_told([&](auto& reader) { reader.get_next_frame(true, status); });
  expect_told([](auto& reader) { reader.get_frame(); });
  expect_told([](auto& reader) { reader.get_frame(ShmSync::SPIN); });
  expect_told([](auto& reader) { reader.get_frame(ShmSync::SPIN, 1); });
  expect_told([](auto& reader) { reader.get_frame(ShmSync::SEM2); });
  expect_told([](auto& reader) { reader.get_frame(ShmSync::SEM2, 0); });
}

TEST_F(DaoCpp, AWriterOfAReplacedOrRemovedStreamIsTold) {
  Dao::Shm<float> replaced(path(), {2, 3});
  replaced.set_frame(frame_of(6, 1).data());
  recreate({4, 4});
  EXPECT_TRUE(soon_throws_with({path(), "write", "anew"},
                               [&] { replaced.set_frame(frame_of(6, 2).data()); }));
  Dao::Shm<float> removed(path());
  removed.set_frame(frame_of(16, 1).data());
  daohil::shm::Segment::unlink(path());
  EXPECT_TRUE(soon_throws_with({path(), "write", "removed"},
                               [&] { removed.set_frame(frame_of(16, 2).data()); }));
}

TEST_F(DaoCpp, AStreamReplacedDuringAWaitEndsIt) {
  recreate({2, 3});
  Dao::Shm<float> reader(path());
  std::thread waiting([&] {
    int_fast8_t status = DAO_ERROR;
    EXPECT_TRUE(throws_with({path(), "replaced"}, [&] { reader.get_next_frame(true, status); }));
  });
  recreate({4, 4});
  waiting.join();
}

TEST_F(DaoCpp, AtDepthOneAFrameBeingOverwrittenIsWaitedForWithOpenEyes) {
  Dao::Shm<float> writer(path(), {2, 3});
  Dao::Shm<float> reader(path());
  writer.set_frame(frame_of(6, 1).data());
  writer.get_meta_data()->write = 1;  // its successor begins, and never comes
  daohil::shm::Segment::unlink(path());
  int_fast8_t status = DAO_ERROR;
  EXPECT_TRUE(throws_with({path(), "replaced"}, [&] { reader.get_next_frame(true, status); }));
}

TEST_F(DaoCpp, FramesStillThereAreDeliveredBeforeTheReplacementIsTold) {
  Dao::Shm<float> old(path(), {2, 3}, nullptr, 4);
  Dao::Shm<float> reader(path());
  for (int k = 1; k <= 2; ++k) old.set_frame(frame_of(6, static_cast<float>(k)).data());
  { const Dao::Shm<float> closed(std::move(old)); }
  recreate({4, 4});
  int_fast8_t status = DAO_ERROR;
  EXPECT_EQ(reader.get_next_frame(true, status)[0], 1.0F);
  EXPECT_EQ(reader.get_next_frame(true, status)[0], 2.0F);
  EXPECT_TRUE(throws_with({path(), "replaced"}, [&] { reader.get_next_frame(true, status); }));
}

// ------------------------------------------------------------------------------------------
// handles

TEST_F(DaoCpp, HandlesMoveAndDoNotCopy) {
  using Shm = Dao::Shm<float>;
  static_assert(!std::is_copy_constructible_v<Shm> && !std::is_copy_assignable_v<Shm>);
  static_assert(std::is_nothrow_move_constructible_v<Shm> && std::is_move_assignable_v<Shm>);

  Shm first(path(), {2, 3}, frame_of(6, 1).data(), 4);
  Shm second(std::move(first));
  second.set_frame(frame_of(6, 2).data());
  EXPECT_EQ(second.get_counter(), 2U);
  // NOLINTBEGIN(bugprone-use-after-move): that it is safe is the contract
  EXPECT_THROW(first.get_frame(), std::runtime_error);
  EXPECT_THROW(first.set_frame(frame_of(6, 2).data()), std::runtime_error);
  EXPECT_THROW(first.get_counter(), std::runtime_error);
  // NOLINTEND(bugprone-use-after-move)

  TempStream other;
  Shm third(other.path().string(), {1, 1});
  third = std::move(second);
  EXPECT_EQ(third.get_shape(), (Dao::Shape{2, 3}));
  int_fast8_t status = DAO_ERROR;
  EXPECT_EQ(third.get_next_frame(false, status)[0], 1.0F);
  std::vector<Shm> many;
  many.push_back(std::move(third));
  many.emplace_back(other.path().string());
  EXPECT_EQ(many.front().get_next_frame(false, status)[0], 2.0F);
}

TEST_F(DaoCpp, AClosedWriterLeavesTheStreamToAnother) {
  { Dao::Shm<float> writer(path(), {2, 3}, frame_of(6, 1).data(), 4); }
  daohil::shm::test::Child child([&] {
    Dao::Shm<float> writer(path());
    writer.set_frame(frame_of(6, 2).data());
    return static_cast<int>(writer.get_counter());
  });
  EXPECT_EQ(child.wait(), 2);
}

TEST_F(DaoCpp, AnotherProcessThatWritesIsRefused) {
  // Forked before there is a writer: a child of one holds its lock too.
  const daohil::shm::test::Pipe written;
  daohil::shm::test::Child child([&] {
    written.await();
    Dao::Shm<float> second(path());
    return throws_with({path(), "another writer"}, [&] { second.set_frame(frame_of(6, 2).data()); })
               ? 0
               : 1;
  });
  Dao::Shm<float> writer(path(), {2, 3}, frame_of(6, 1).data(), 4);
  written.signal();
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(writer.get_counter(), 1U);
}

TEST_F(DaoCpp, WhoMayOnlyReadReads) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to become another user";
  Dao::Shm<float> writer(path(), {2, 3}, nullptr, 4);
  std::filesystem::permissions(path(), std::filesystem::perms(0444));
  const daohil::shm::test::Pipe ready;
  daohil::shm::test::Child child([&] {
    if (!daohil::shm::test::become_nobody()) return 1;
    Dao::Shm<float> reader(path());
    ready.signal();
    int_fast8_t status = DAO_ERROR;
    if (reader.get_next_frame(true, status)[5] != 7) return 2;
    return throws_with({path()}, [&] { reader.set_frame(frame_of(6, 2).data()); }) ? 0 : 3;
  });
  ready.await();
  writer.set_frame(frame_of(6, 7).data());
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
