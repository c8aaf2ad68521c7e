#include "tools/data.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace daohil::tools {

namespace fs = std::filesystem;

fs::path data_path(const fs::path& name) {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  for (const char* data : {DAO_HIL_DATA_FROM_PROGRAM, "../share/dao_hil"}) {
    const fs::path path = (here / data / name).lexically_normal();
    if (fs::exists(path)) return path;
  }
  throw std::runtime_error(
      fmt::format("{} is not there; the program was moved without its data: install it again",
                  (here / DAO_HIL_DATA_FROM_PROGRAM / name).lexically_normal().string()));
}

fs::path shipped_scenarios() {
  // In the build tree a link: messages name the files that one edits.
  return fs::canonical(data_path("scenarios"));
}

}  // namespace daohil::tools
