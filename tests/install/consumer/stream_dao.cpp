// stream.cpp with DAO's C++ names, in C++17: the examples of its documentation as they are printed.

#include <daoShm.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <type_traits>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const char* path = argv[1];
  try {
    {
      Dao::Shm shm(path, {256, 256}, nullptr, /*depth=*/8);
      const std::vector<float> frame(256 * 256, 7.0F);
      shm.set_frame(frame.data());
    }
    Dao::Shm shm(path);
    Dao::Shm<float> writer(path);
    const std::vector<float> sent(writer.get_element_count(), 42.0F);
    writer.set_frame(sent.data());
    int_fast8_t status;
    float* data = shm.get_next_frame(true, status);
    const bool good = status == DAO_SUCCESS && data[65535] == 42.0F && shm.get_counter() == 2 &&
                      shm.check_segment_overwrite() == DAO_SUCCESS &&
                      shm.get_shape() == Dao::Shape{256, 256};

    // The type of a given frame is the stream's.
    uint16_t frame[] = {1, 2, 3, 4, 5, 6};
    const Dao::Shape shape{2, 3};
    Dao::Shm smem(path, shape, frame);
    static_assert(std::is_same_v<decltype(smem), Dao::Shm<uint16_t>>);
    const bool deduced = smem.get_frame()[5] == 6 && smem.get_timestamp() > 0;

    std::puts(good && deduced ? "frame received" : "another frame received than sent");
    return good && deduced ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
