#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "tools/data.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

namespace fs = std::filesystem;

// Debian's own, whatever else is called python3 on this machine: its packages are those of
// tools/packages.txt.
constexpr const char* kPython = "/usr/bin/python3";
constexpr int kWritten = 0;
constexpr int kUsage = 2;
constexpr int kBroken = 4;

struct ReportArguments {
  fs::path run;
  fs::path out;
};

int run_python(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, kPython, nullptr, nullptr, argv.data(), environ);
  if (error != 0)
    throw std::runtime_error(
        fmt::format("cannot run {}: {}; install python3, python3-numpy, python3-jinja2 and "
                    "python3-matplotlib",
                    kPython, std::generic_category().message(error)));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      throw std::runtime_error(fmt::format("waitpid: {}", std::generic_category().message(errno)));
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
  // A crash of Python ends with 1, which would read as a FAIL of what was tested.
  return code == kWritten || code == kUsage ? code : kBroken;
}

int report(const ReportArguments& arguments) {
  const fs::path out = arguments.out.empty() ? arguments.run / "report.html" : arguments.out;
  const int status =
      run_python({kPython, "-I", "-B", data_path("page/__main__.py").parent_path().string(),
                  arguments.run.string(), out.string()});
  if (status == kWritten) fmt::print("report {}\n", out.string());
  return status;
}

}  // namespace

void add_report(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "report",
      "Make one HTML page of a folder of evidence, to read, print and sign.\n"
      "The page holds everything it shows and needs no network. Exit status 0 when it is\n"
      "written, whatever the verdict; 2 when the folder is damaged or not a run's.");
  const auto arguments = std::make_shared<ReportArguments>();
  verb->add_option("run", arguments->run, "Folder of evidence, as 'hil run' leaves it")
      ->required()
      ->type_name("RUN");
  verb->add_option("--out", arguments->out, "The file to write. Default: RUN/report.html")
      ->type_name("FILE");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return report(*arguments); }; });
}

}  // namespace daohil::tools
