#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "drivers/camera.hpp"
#include "drivers/fault.hpp"
#include "hil/host/finding.hpp"
#include "shm/frame.hpp"
#include "shm/reader.hpp"
#include "shm/time.hpp"

/// A checked plan: what `run` executes and `judge` judges. Every unit is resolved, every variable
/// substituted, every reference valid. Plain data, no YAML behind it.
namespace daohil::hil::plan {

using shm::Duration;

enum class Mode {
  virtual_time,  ///< one thread steps writer and readers under a virtual clock, real FIFO code
  sim,           ///< real time, separate processes, simulated or replayed source
};
[[nodiscard]] std::string_view name_of(Mode mode);  ///< "virtual", "sim"
/// The mode of that name; none of another.
[[nodiscard]] std::optional<Mode> mode_of(std::string_view name);

/// What a host is good for; each is also all the ones before.
enum class HostClass { any, desktop, rt, summit };
[[nodiscard]] std::string_view name_of(HostClass host);

enum class Severity { mandatory, advisory };

/// Time between two calls of a reader that is not waiting ("service time").
struct ConstantLag {
  Duration service{0};
  /// phi of T2: so much longer is the first gap, once, which puts the calls of a reader that is
  /// too slow to wait there in the frame cycle.
  Duration phase{0};
};

enum class StallPhase {
  fixed,  ///< every stall begins right after a read
  sweep,  ///< the read before stall i is delayed by frac(i * golden ratio) of a period, so that
          ///< stalls meet every phase of the frame cycle
};

/// After every `every` frames delivered, one gap of `stall` between two calls.
struct PeriodicLag {
  std::uint64_t every = 1;
  Duration stall{0};
  StallPhase phase = StallPhase::fixed;
};

/// Lag counted in frames instead of time: each call is made when exactly so many frames are
/// unread; the list is gone through in circles. Virtual time only.
struct UnreadLag {
  std::vector<std::uint64_t> unread;
};

/// `reads` calls back to back (by the constant lag, if there is one), then one gap of `idle`.
struct BurstLag {
  std::uint64_t reads = 1;
  Duration idle{0};
};

/// Pauses as a garbage collector makes them: after each delivered frame one begins with the
/// probability rate * period; its length is lognormal with that median and sigma, at most cap.
/// Drawn from the case's seed and the reader's name, so that they are the same in every run.
struct PauseLag {
  double rate_hz = 1;
  Duration median{0};
  double sigma = 0.5;
  Duration cap{0};
};

/// Gaps read from a file, one after each delivered frame, in circles.
struct TraceLag {
  std::vector<Duration> gaps;
};

/// A competing busy loop on the reader's core, in real time only.
struct HogLag {
  double duty = 1;  ///< share of each `every` that it spins, 0 .. 1
  Duration spin{0};
  Duration every{0};
  std::vector<int> cpus{};  ///< where; empty: anywhere
};

/// SIGSTOP to the reader's process at a time from the start, SIGCONT after `span`. In virtual time
/// the reader makes no call meanwhile.
struct StopLag {
  Duration at{0};
  Duration span{0};
};

using Lag = std::variant<ConstantLag, PeriodicLag, UnreadLag, BurstLag, PauseLag, TraceLag, HogLag,
                         StopLag>;

enum class ReadMode {
  next,
  newest,
  arbitrary,  ///< the slot of the frame `index_lag` before the newest
  history,    ///< the newest `history` frames
  mixed,      ///< newest and next in turns, on one handle: the one must not move the other's tail
};

/// What a reader does after an overwrite.
enum class OnOverwrite {
  go_on,   ///< with the newest frame, as DAO does
  oldest,  ///< resumes at the oldest frame still whole
  reset,   ///< throws its tail to the newest frame once more, losing what came meanwhile
  stop,
};

/// Who reads. All obey the same plan and are judged by the same trace.
enum class Language {
  cpp,
  c,       ///< through dao.h and libdao.so
  python,  ///< through daoShm
};
enum class Rules {
  verified,   ///< shm::Reader
  reference,  ///< shm::ReferenceReader: the witness of the publication order
};
enum class Looks {
  by_lag,                    ///< calls when its lag lets it
  at_each_publication_step,  ///< calls in the middle of the copy and between any two publication
                             ///< steps, if enough are unread; virtual time only
  mid_copy,                  ///< in the middle of the copy alone: who looks at each step has
                             ///< called before, as soon as enough were unread
};
enum class Copying { copy, in_place };
enum class OnEmpty { wait, poll };

struct ReaderPlan {
  std::string name;
  ReadMode mode = ReadMode::next;
  Rules rules = Rules::verified;
  Looks looks = Looks::by_lag;
  Copying copying = Copying::copy;
  Duration hold{0};  ///< in_place: how long the pixels are used before intact() is asked
  OnEmpty on_empty = OnEmpty::wait;
  Duration poll{0};  ///< spacing of calls when on_empty is poll
  std::vector<Lag> lag;

  std::uint32_t history = 1;    ///< of ReadMode::history
  std::uint32_t index_lag = 0;  ///< of ReadMode::arbitrary
  OnOverwrite on_overwrite = OnOverwrite::go_on;
  shm::Wait waiting = shm::Wait::sleep;
  std::optional<std::uint16_t> semaphore;  ///< waits for this POSIX semaphore instead
  Duration start{0};                       ///< joins so long after frame 1 is due
  Language language = Language::cpp;
  /// A program of the user's, run instead of one of ours: argv, "{stream}" stands for the path.
  /// What it must print: hil/readers/README.md. Real time only.
  std::vector<std::string> exec;
  std::vector<int> cpus;  ///< bound to these; empty: not bound
};

/// Where in the publication of a frame its writer dies.
enum class CrashPoint {
  before_write,     ///< the slot is not claimed yet
  after_half_copy,  ///< half of the pixels are in the slot
  before_publish,   ///< all of them are, and no step of the publication is done
  after_stamp,      ///< then after each of the steps of shm::PublishStep
  after_counter,
  after_clear_write,  ///< between counter and index: the frame is whole, and not the newest yet
  after_index,
  after_publish,
};

/// The writer's process is killed while it publishes a frame; another takes over after `down`.
struct WriterCrash {
  std::uint64_t frame = 1;  ///< of the device, counted from 1
  CrashPoint point = CrashPoint::before_write;
  Duration down{0};
};

/// The stream is created anew by its writer: readers of the old one must notice and open it again.
struct Recreate {
  Duration at{0};
  std::optional<std::uint32_t> depth{};
  std::optional<shm::Shape> shape{};
};

/// The stream's name is removed under everybody who has it open: they keep the memory they have.
/// Whoever comes later finds nothing, until a Recreate.
struct Unlink {
  Duration at{0};
};

/// The file is cut to nothing under everybody who has it open, and its writer creates the stream
/// anew (a Recreate at the same time).
struct Truncate {
  Duration at{0};
};

/// The file gets other permission bits under everybody who has it open.
struct ChangeMode {
  Duration at{0};
  mode_t mode = 0;
};

/// CLOCK_REALTIME of the source jumps; the monotonic clock never does.
struct ClockStep {
  Duration at{0};
  Duration by{0};  ///< negative: backwards
};

/// The host is kept busy, in real time only.
struct HostLoad {
  enum class Kind { cpu, memory } kind = Kind::cpu;
  Duration at{0};
  Duration span{0};
  double level = 1;  ///< share of each core, or of the memory that is available
};

/// SIGKILL to a reader; it starts anew after `down`.
struct ReaderKill {
  std::string reader;
  Duration at{0};
  Duration down{0};
};

using Fault = std::variant<drivers::CameraFault, WriterCrash, Recreate, Unlink, Truncate,
                           ChangeMode, ClockStep, HostLoad, ReaderKill>;

struct SourcePlan {
  std::string role;
  std::string kind;  ///< a name of drivers::camera_kinds()
  drivers::CameraSettings settings;
  drivers::FrameNumbering numbering;
  /// sha256 of the pixels of the file as the bench declares it; empty when it does not.
  std::string sha256;
};

struct FifoPlan {
  std::string name;
  std::uint32_t depth = 1;
  mode_t mode = 0600;
};

using Value = std::variant<bool, std::int64_t, double, std::string>;

enum class Operator { equals, not_equals, min, max, in, within, regex, predicted };
enum class Tier { a, b, c };

/// One line of `expect`. Tier A and B can only fail by a bug of the system under test; tier C and
/// timing may become INCONCLUSIVE when the bench was not fit to measure.
struct Expectation {
  std::string id;
  std::string metric;  ///< "fifo.wfs.slow.overwrites", "source.wfs.rate"
  Operator op = Operator::equals;
  Value value{};                   ///< for all but predicted; durations in ns, rates in Hz
  std::vector<Value> values{};     ///< for in: the alternatives
  double of = 0;                   ///< for within: the distance to this is at most `value`
  std::optional<double> marginal;  ///< holds, but beyond this: MARGINAL. A limit as `value` is
  std::string predicted;           ///< name of the prediction, for Operator::predicted
  double slack = 0;    ///< allowed distance from the prediction, in the unit of the metric
  std::string unit{};  ///< for the report
  Tier tier = Tier::a;
  bool timing = false;
  int line = 0;  ///< in the scenario file, for messages
};

/// A claim over the cases of one matrix variable: the smallest value of `over` for which `metric`
/// is true equals the prediction.
struct SweepExpectation {
  std::string id;
  std::string case_id;    ///< "depth.sizing/smallest-depth@ocam2k": the same for all its cases
  std::size_t cases = 0;  ///< how many it compares, selected or not
  std::string over;
  std::string metric;
  std::string predicted;
  int line = 0;
};

struct Timeouts {
  Duration setup = std::chrono::seconds(10);
  Duration run = std::chrono::seconds(60);
  Duration teardown = std::chrono::seconds(5);
};

/// A look at the host itself, by its doctor.
struct HostChecks {
  std::vector<host::Group> groups;
  Duration floor = std::chrono::seconds(10);  ///< how long each instrument measures wake-ups
  HostClass claim = HostClass::desktop;       ///< what the bench says of its host
  std::vector<SourcePlan> sources;            ///< that the host shall carry: all of the bench
};

/// What a case is tried again after. A FAIL never is: a lucky PASS would hide it.
struct Retries {
  bool inconclusive = true;
  bool errors = false;
};

struct Case {
  std::string id;        ///< "lag.constant[N=8,rho=1.5]@ocam2k"
  std::string scenario;  ///< "lag.constant"
  std::string title;
  std::string group;
  std::string bench;
  Severity severity = Severity::mandatory;
  std::vector<std::string> requirements;
  std::map<std::string, std::string> variables;  ///< of the matrix: {"N": "8", "rho": "1.5"}
  Mode mode = Mode::virtual_time;
  std::uint64_t seed = 0;
  Timeouts timeouts;
  HostClass host_class = HostClass::any;  ///< of the host that it needs
  /// Why timing proves nothing here, by the host scenarios of the same run; empty: nothing known.
  std::string unfit_host;
  int attempts = 1;  ///< at most so many, after
  Retries retries;

  SourcePlan source;
  FifoPlan fifo;
  std::vector<ReaderPlan> readers;
  std::uint64_t frames = 0;  ///< how many the device sends; faults may take some away
  std::uint64_t warmup =
      0;  ///< of these no latency and no interval counts; identities hold for all
  std::vector<Fault> faults;
  std::optional<HostChecks> host;  ///< instead of source, fifo and readers
  std::vector<Expectation> expect;
  std::vector<SweepExpectation> sweep;

  std::string skip;        ///< why this case cannot run here; empty: it can
  std::string bench_text;  ///< the bench as YAML, for the evidence
  std::string resolved;    ///< the scenario as YAML with everything substituted, for the evidence
};

/// Does a reader call, or a writer die, in the middle of a publication?
[[nodiscard]] bool within_publications(const Case& planned);

}  // namespace daohil::hil::plan
