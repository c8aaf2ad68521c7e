#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daohil::hil::host {

/// The files of a host, as they are seen from one folder: "/" for this host, or a copy of some
/// /proc and /sys for a test. Reading never waits for a pipe or a device: only regular files are
/// read, which those of /proc and /sys are. Safe from any thread.
class Root {
 public:
  explicit Root(std::filesystem::path folder) : folder_(std::move(folder)) {}

  struct Reading {
    std::optional<std::string> text;
    std::string reason;  ///< why there is no text: "<path>: <what the system says>"
  };
  /// @param path from the root of the host: "/proc/stat". At most 8 MiB are read.
  [[nodiscard]] Reading read(std::string_view path) const;
  /// The first line without white space at its ends; nothing if that is empty or cannot be read.
  [[nodiscard]] std::optional<std::string> line(std::string_view path) const;
  /// Names in a folder, sorted; none if it cannot be listed.
  [[nodiscard]] std::vector<std::string> list(std::string_view path) const;
  [[nodiscard]] bool exists(std::string_view path) const;
  /// Where a symbolic link points, as it is written.
  [[nodiscard]] std::optional<std::string> link(std::string_view path) const;
  /// Without links; nothing if there is no such file.
  [[nodiscard]] std::optional<std::filesystem::path> resolved(std::string_view path) const;
  /// The path for a system call.
  [[nodiscard]] std::filesystem::path path_of(std::string_view path) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace daohil::hil::host
