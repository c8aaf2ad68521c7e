#include "hil/host/rt_tests.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace daohil::hil::host {
namespace {

using namespace std::chrono_literals;
using shm::Duration;
using Json = nlohmann::json;

constexpr int kBeyond = 10'000;                     // us, buckets of cyclictest
constexpr double kLongest = 1e12;                   // us; a number beyond it is garbage
constexpr std::uint64_t kMostSamples = 1ULL << 53;  // likewise
constexpr std::size_t kMostThreads = 65536;

std::optional<Duration> microseconds(double us) {
  if (!(us >= 0) || us > kLongest) return std::nullopt;
  return Duration{std::llround(us * 1e3)};
}

using Buckets = std::map<std::uint64_t, std::uint64_t>;

std::optional<Buckets> buckets_of(const Json& thread) {
  Buckets buckets;
  const auto histogram = thread.find("histogram");
  if (histogram == thread.end()) return buckets;
  if (!histogram->is_object()) return std::nullopt;
  for (const auto& [key, value] : histogram->items()) {
    const auto us = number_in<std::uint64_t>(key);
    if (!us || !value.is_number_unsigned() || value.get<std::uint64_t>() > kMostSamples)
      return std::nullopt;
    buckets[*us] += value.get<std::uint64_t>();
  }
  return buckets;
}

std::uint64_t sum_of(const Buckets& buckets) {
  std::uint64_t sum = 0;
  for (const auto& [us, times] : buckets) sum += std::min(times, kMostSamples);
  return sum;
}

enum class Tool { cyclictest, oslat };

std::optional<RtTestCore> core_of(const Json& thread, Tool tool) {
  if (!thread.is_object()) return std::nullopt;
  const auto cpu = thread.find("cpu");
  const auto max = thread.find("max");
  auto buckets = buckets_of(thread);
  if (!buckets || max == thread.end() || !max->is_number() || cpu == thread.end() ||
      !cpu->is_number_integer())
    return std::nullopt;
  const auto longest = microseconds(max->get<double>());
  const auto number = cpu->get<std::int64_t>();
  if (!longest || number < 0 || number >= static_cast<std::int64_t>(kMostThreads))
    return std::nullopt;
  std::uint64_t beyond = 0;
  if (tool == Tool::cyclictest) {
    // What its histogram could not hold is in the number of its cycles only.
    const auto cycles = thread.find("cycles");
    if (cycles == thread.end() || !cycles->is_number_unsigned() ||
        cycles->get<std::uint64_t>() > kMostSamples)
      return std::nullopt;
    const std::uint64_t held = sum_of(*buckets);
    beyond = std::max(cycles->get<std::uint64_t>(), held) - held;
  } else if (!buckets->empty()) {
    // The last bucket of oslat holds whatever did not fit.
    beyond = buckets->rbegin()->second;
    buckets->erase(std::prev(buckets->end()));
  }
  RtTestCore core{static_cast<int>(number),
                  LatencyHistogram::of_buckets(*buckets, beyond, *longest)};
  return core.latency.samples() == 0 ? std::nullopt : std::optional(std::move(core));
}

std::optional<std::vector<RtTestCore>> parse_json(std::string_view text, Tool tool) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  // With -N cyclictest counts in ns.
  if (tool == Tool::cyclictest && json.value("resolution_in_ns", Json(0)) != 0) return std::nullopt;
  const auto threads = json.find("thread");
  if (threads == json.end() || !threads->is_object() || threads->empty()) return std::nullopt;
  std::vector<RtTestCore> cores;
  for (const auto& thread : *threads) {
    auto core = core_of(thread, tool);
    if (!core) return std::nullopt;
    cores.push_back(std::move(*core));
  }
  return cores;
}

template <typename Number>
std::optional<std::vector<Number>> numbers_after(std::string_view line, std::string_view label) {
  std::vector<Number> numbers;
  for (const auto word : words_of(trim(line).substr(label.size()))) {
    const auto number = number_in<Number>(word);
    if (!number) {
      if (word.starts_with('(')) break;  // "(us)", "(including overflows)"
      return std::nullopt;
    }
    numbers.push_back(*number);
  }
  return numbers.empty() || numbers.size() > kMostThreads ? std::nullopt : std::optional(numbers);
}

std::vector<int> listed(const Cpus& cpus) { return {cpus.begin(), cpus.end()}; }

// Lines "T: 0 ( 1742) P:90 I:1000 C:   1990 Min:     15 Act: 2928 Avg:   45 Max:    5973".
std::optional<std::vector<RtTestCore>> parse_thread_lines(std::string_view text,
                                                          const std::vector<int>& cpus) {
  std::map<std::size_t, RtTestCore> threads;  // a line is printed again when it changes
  for (auto line : lines_of(text)) {
    line = trim(line);
    if (!line.starts_with("T:")) continue;
    const auto after = [&](std::string_view label) -> std::optional<std::uint64_t> {
      const auto at = line.find(label);
      if (at == std::string_view::npos) return std::nullopt;
      const auto words = words_of(line.substr(at + label.size()));
      return words.empty() ? std::nullopt : number_in<std::uint64_t>(words[0]);
    };
    const auto thread = after("T:");
    const auto cycles = after(" C:");
    const auto max = after("Max:");
    if (!thread || *thread >= cpus.size() || !cycles || *cycles == 0 || *cycles > kMostSamples ||
        !max)
      return std::nullopt;
    const auto longest = microseconds(static_cast<double>(*max));
    if (!longest) return std::nullopt;
    const auto place = static_cast<std::size_t>(*thread);
    threads[place] = {cpus[place], LatencyHistogram::of_buckets({}, *cycles, *longest)};
  }
  if (threads.empty()) return std::nullopt;
  std::vector<RtTestCore> cores;
  for (auto& [place, core] : threads) cores.push_back(std::move(core));
  return cores;
}

RtTestResult result_of(const ProgramResult& done, std::string_view name,
                       std::optional<std::vector<RtTestCore>> cores) {
  using End = RtTestResult::End;
  switch (done.end) {
    case ProgramResult::End::stopped:
      return {End::stopped, {}, "stopped"};
    case ProgramResult::End::timed_out:
      return {End::timed_out, {}, fmt::format("{} did not end in time", name)};
    case ProgramResult::End::not_started:
      return {End::failed, {}, fmt::format("{} could not be started: {}", name, done.err)};
    case ProgramResult::End::killed:
      return {End::failed, {}, fmt::format("{} was killed", name)};
    case ProgramResult::End::exited:
      break;
  }
  if (done.status == 0 && cores) return {End::measured, std::move(*cores), {}};
  std::string said;
  for (const auto line : lines_of(done.err))
    if (said.empty() && !trim(line).empty() && !line.starts_with("WARN")) said = trim(line);
  if (done.status == 0) return {End::failed, {}, fmt::format("{}: its output is not known", name)};
  return {End::failed, {}, fmt::format("{} ended with {}: {}", name, done.status, said)};
}

RtTestResult absent(std::string_view name) {
  return {RtTestResult::End::absent, {}, fmt::format("{} is not installed", name)};
}

long long whole_seconds(Duration length) {
  return std::max<long long>(1, (length.count() + 999'999'999) / 1'000'000'000);
}

// ------------------------------------------------------------------------------------- programs

constexpr std::size_t kMostOutput = std::size_t{4} << 20;
constexpr int kExtra = 3;

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { (void)!::pipe2(ends.data(), O_CLOEXEC); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  void close_end(std::size_t which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
};

// Between fork and exec of a program with threads: only what is safe in a signal handler.
[[noreturn]] void become(char* const* argv, pid_t parent, const std::array<int, 3>& ends) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int null = ::open("/dev/null", O_RDONLY);  // NOLINT
  // Out of the way of 0 .. 3 first, so that none is overwritten before it is copied.
  std::array<int, 3> high{};
  for (std::size_t i = 0; i < high.size(); ++i) high.at(i) = ::fcntl(ends.at(i), F_DUPFD, 10);
  ::dup2(null, STDIN_FILENO);
  ::dup2(high[0], STDOUT_FILENO);
  ::dup2(high[1], STDERR_FILENO);
  ::dup2(high[2], kExtra);
  for (const int fd : high) ::close(fd);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

std::optional<std::vector<RtTestCore>> parse_cyclictest_json(std::string_view text) {
  return parse_json(text, Tool::cyclictest);
}

std::optional<std::vector<RtTestCore>> parse_oslat_json(std::string_view text) {
  return parse_json(text, Tool::oslat);
}

std::optional<std::vector<RtTestCore>> parse_cyclictest_text(std::string_view text,
                                                             const Cpus& cpu_set) {
  const auto cpus = listed(cpu_set);
  std::optional<std::vector<std::uint64_t>> totals;
  std::optional<std::vector<std::uint64_t>> longest;
  std::optional<std::vector<std::uint64_t>> overflows;
  std::vector<Buckets> buckets(cpus.size());
  for (auto line : lines_of(text)) {
    line = trim(line);
    constexpr std::string_view kTotal = "# Total:";
    constexpr std::string_view kMax = "# Max Latencies:";
    constexpr std::string_view kOver = "# Histogram Overflows:";
    if (line.starts_with(kTotal)) totals = numbers_after<std::uint64_t>(line, kTotal);
    if (line.starts_with(kMax)) longest = numbers_after<std::uint64_t>(line, kMax);
    if (line.starts_with(kOver)) overflows = numbers_after<std::uint64_t>(line, kOver);
    const auto words = words_of(line);
    if (words.size() != 1 + cpus.size()) continue;
    const auto us = number_in<std::uint64_t>(words[0]);
    for (std::size_t i = 0; us && i < cpus.size(); ++i) {
      const auto times = number_in<std::uint64_t>(words[1 + i]);
      if (times && *times > 0 && *times <= kMostSamples) buckets[i][*us] += *times;
    }
  }
  if (!totals && !longest) return parse_thread_lines(text, cpus);
  if (!totals || !longest || totals->size() != cpus.size() || longest->size() != cpus.size() ||
      (overflows && overflows->size() != cpus.size()))
    return std::nullopt;
  std::vector<RtTestCore> cores;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const auto max = microseconds(static_cast<double>((*longest)[i]));
    const std::uint64_t held = sum_of(buckets[i]);
    const std::uint64_t over = overflows ? (*overflows)[i] : 0;
    // "Total" is what the histogram holds; what it could not hold is stated apart.
    if (!max || (*totals)[i] != held || over > kMostSamples || held + over == 0)
      return std::nullopt;
    cores.push_back({cpus[i], LatencyHistogram::of_buckets(buckets[i], over, *max)});
  }
  return cores.empty() ? std::nullopt : std::optional(std::move(cores));
}

std::optional<std::vector<RtTestCore>> parse_oslat_text(std::string_view text) {
  std::optional<std::vector<int>> cpus;
  std::optional<std::vector<std::uint64_t>> longest;
  std::vector<Buckets> buckets;
  std::vector<std::uint64_t> beyond;
  for (auto line : lines_of(text)) {
    line = trim(line);
    constexpr std::string_view kCore = "Core:";
    constexpr std::string_view kMax = "Maximum:";
    constexpr std::string_view kBucket = "(us):";
    if (line.starts_with(kCore)) {
      cpus = numbers_after<int>(line, kCore);
      if (!cpus) return std::nullopt;
      buckets.resize(cpus->size());
      beyond.resize(cpus->size());
    }
    if (line.starts_with(kMax)) longest = numbers_after<std::uint64_t>(line, kMax);
    const auto at = line.find(kBucket);
    const auto us =
        at == std::string_view::npos ? std::nullopt : number_in<std::uint64_t>(line.substr(0, at));
    if (!us || !cpus) continue;
    const auto times = numbers_after<std::uint64_t>(line.substr(at), kBucket);
    if (!times || times->size() != cpus->size()) return std::nullopt;
    const bool last = line.ends_with("(including overflows)");
    for (std::size_t i = 0; i < cpus->size(); ++i) {
      const std::uint64_t count = std::min((*times)[i], kMostSamples);
      if (last)
        beyond[i] += count;
      else
        buckets[i][*us] += count;
    }
  }
  if (!cpus || !longest || longest->size() != cpus->size()) return std::nullopt;
  std::vector<RtTestCore> cores;
  for (std::size_t i = 0; i < cpus->size(); ++i) {
    const auto max = microseconds(static_cast<double>((*longest)[i]));
    const int cpu = (*cpus)[i];
    if (!max || cpu < 0) return std::nullopt;
    RtTestCore core{cpu, LatencyHistogram::of_buckets(buckets[i], beyond[i], *max)};
    if (core.latency.samples() == 0) return std::nullopt;
    cores.push_back(std::move(core));
  }
  return cores;
}

std::optional<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  folders += ":/usr/sbin:/sbin";
  for (std::string_view rest = folders;;) {
    const auto end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + std::string(name);
    if (end > 0 && ::access(file.c_str(), X_OK) == 0) return file;
    if (end == rest.size()) return std::nullopt;
    rest.remove_prefix(end + 1);
  }
}

ProgramResult run_program(const std::vector<std::string>& argv, Duration limit,
                          const StopRequested& stop) {
  ProgramResult result;
  std::array<Pipe, 3> pipes;
  for (const auto& pipe : pipes)
    if (pipe.ends[0] < 0) {
      result.err = "no pipe";
      return result;
    }
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));  // NOLINT
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0)
    become(words.data(), parent, {pipes[0].ends[1], pipes[1].ends[1], pipes[2].ends[1]});
  if (child < 0) {
    result.err = "fork refused";
    return result;
  }
  for (auto& pipe : pipes) pipe.close_end(1);

  const auto& clock = shm::system_clock();
  const auto deadline = clock.now() + limit;
  const std::array<std::string*, 3> texts{&result.out, &result.err, &result.extra};
  result.end = ProgramResult::End::exited;
  std::size_t open = pipes.size();
  bool ended = false;
  int status = 0;
  // A pipe may outlive the program in a child of it: the program's end is what counts.
  while (!ended || open > 0) {
    std::array<pollfd, 3> fds{};
    for (std::size_t i = 0; i < fds.size(); ++i) fds.at(i) = {pipes.at(i).ends[0], POLLIN, 0};
    const int ready = ::poll(fds.data(), fds.size(), ended ? 0 : 50);
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds.at(i).fd < 0 || fds.at(i).revents == 0) continue;
      std::array<char, 65536> part{};
      const ssize_t got = ::read(fds.at(i).fd, part.data(), part.size());
      if (got <= 0) {
        pipes.at(i).close_end(0);
        --open;
      } else if (texts.at(i)->size() < kMostOutput) {
        texts.at(i)->append(part.data(), static_cast<std::size_t>(got));
      }
    }
    if (ended && ready <= 0) break;
    if (!ended) ended = ::waitpid(child, &status, WNOHANG) == child;
    if (ended) continue;
    const bool stopped = stop && stop();
    if (!stopped && clock.now() < deadline) continue;
    result.end = stopped ? ProgramResult::End::stopped : ProgramResult::End::timed_out;
    ::kill(child, SIGKILL);
    // Gone at once, unless the kernel holds it in a call: then it is left to its fate.
    for (int look = 0; look < 40 && ::waitpid(child, &status, WNOHANG) != child; ++look)
      clock.sleep_until(clock.now() + 50ms);
    return result;
  }
  if (!WIFEXITED(status)) {
    result.end = ProgramResult::End::killed;
  } else {
    result.status = WEXITSTATUS(status);
  }
  return result;
}

RtTestResult run_cyclictest(const Cpus& cpus, Duration length, const StopRequested& stop) {
  const auto program = find_program("cyclictest");
  if (!program) return absent("cyclictest");
  const auto done =
      run_program({*program, "--default-system", "-q", "-p", "90", "-a", cpu_list_text(cpus), "-t",
                   std::to_string(cpus.size()), "-i", std::to_string(kFloorInterval / 1us), "-D",
                   std::to_string(whole_seconds(length)), "-h", std::to_string(kBeyond),
                   fmt::format("--json=/proc/self/fd/{}", kExtra)},
                  length * 2 + 10s, stop);
  auto cores = parse_cyclictest_json(done.extra);
  if (!cores) cores = parse_cyclictest_text(done.out, cpus);
  return result_of(done, "cyclictest", std::move(cores));
}

RtTestResult run_oslat(const Cpus& cpus, Duration length, const StopRequested& stop) {
  const auto program = find_program("oslat");
  if (!program) return absent("oslat");
  const auto done = run_program(
      {*program, "-q", "-c", cpu_list_text(cpus), "-D", std::to_string(whole_seconds(length)),
       fmt::format("--json=/proc/self/fd/{}", kExtra)},
      length * 2 + 20s, stop);
  auto cores = parse_oslat_json(done.extra);
  if (!cores) cores = parse_oslat_text(done.out);
  return result_of(done, "oslat", std::move(cores));
}

}  // namespace daohil::hil::host
