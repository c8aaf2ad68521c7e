#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <cmath>
#include <memory>

#include "shm/cleanup.hpp"
#include "shm/error.hpp"
#include "shm/segment.hpp"
#include "shm/survey.hpp"
#include "tools/stream_hz.hpp"
#include "tools/stream_text.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kUsage = 2;
constexpr int kNothingMeasured = 3;
constexpr int kStreamError = 4;

struct StreamArguments {
  enum class Output { text, json } output = Output::text;
  enum class Show { streams, all_files } show = Show::streams;
  enum class Slots { hide, show } slots = Slots::hide;
  enum class Removal { dry_run, agreed } removal = Removal::dry_run;
  enum class Existing { keep, replace } existing = Existing::keep;
  shm::InUse in_use = shm::InUse::refuse;

  std::vector<std::filesystem::path> folders;
  std::filesystem::path path;
  std::string select;
  double seconds = 0;  // 0: not given
  double timeout = 10;
  std::uint64_t frames = 0;  // 0: not given
  std::string shape;
  std::string type;
  std::uint32_t depth = 1;
  std::uint16_t keywords = 0;
  std::string mode = "0600";

  [[nodiscard]] bool json() const { return output == Output::json; }
  [[nodiscard]] std::vector<std::filesystem::path> folders_or_default() const {
    return folders.empty() ? shm::stream_folders() : folders;
  }
};

// What a library refuses as an argument was an argument of the command.
int run_command(const std::function<int()>& command) {
  try {
    return command();
  } catch (const shm::Error& error) {
    if (error.code() != shm::Errc::invalid_argument) throw;
    fmt::print(stderr, "hil: {}\n", error.what());
    return kUsage;
  }
}

// --------------------------------------------------------------------------------------- ls, info

int ls(const StreamArguments& arguments) {
  auto reports = shm::survey(arguments.folders_or_default(), shm::Holders::of_host());
  const auto others =
      arguments.show == StreamArguments::Show::streams
          ? std::erase_if(reports, [](const auto& report) { return !report.layout; })
          : 0;
  const shm::UtcTime now = shm::system_clock().utc_now();
  if (arguments.json()) {
    auto json = Json::array();
    for (const auto& report : reports) json.push_back(to_json(report, now, Detail::without_slots));
    print_json(json);
    return 0;
  }
  fmt::print("{}", list_table(reports, now));
  if (others > 0)
    fmt::print(stderr, "hil: {} file{} named *.im.shm {} no stream of DAO; --all says why\n",
               others, others == 1 ? "" : "s", others == 1 ? "is" : "are");
  return 0;
}

int info(const StreamArguments& arguments) {
  const auto report = shm::survey_file(arguments.path, shm::Holders::of_host());
  if (!report.layout) {
    fmt::print(stderr, "hil: {} is no stream of DAO: {}\n", report.path.string(), report.reason);
    return kStreamError;
  }
  const bool slots = arguments.slots == StreamArguments::Slots::show;
  const shm::UtcTime now = shm::system_clock().utc_now();
  if (arguments.json()) {
    print_json(to_json(report, now, slots ? Detail::with_slots : Detail::without_slots));
    return 0;
  }
  fmt::print("{}", info_text(report, now));
  if (slots) fmt::print("{}", slot_table(report));
  return 0;
}

// --------------------------------------------------------------------------------------------- hz

shm::Duration seconds_of(double seconds) { return shm::Duration{std::llround(seconds * 1e9)}; }

int hz(const StreamArguments& arguments) {
  HzLimits limits;
  limits.silence = seconds_of(arguments.timeout);
  if (arguments.seconds > 0) limits.duration = seconds_of(arguments.seconds);
  if (arguments.frames > 0) limits.frames = arguments.frames;
  const HzResult result = measure_hz(arguments.path, limits);

  if (arguments.json()) {
    Json json{{"path", arguments.path.string()}, {"ended_by", name_of(result.end)}};
    json.update(to_json(result.pace));
    print_json(json);
  } else {
    fmt::print("{}\n{}", printable(arguments.path.string()), pace_text(result.pace));
  }
  if (result.end == HzEnd::silence)
    fmt::print(stderr, "hil: measure stream {}: no frame for {} s; is its writer running?\n",
               arguments.path.string(), arguments.timeout);
  return result.pace.frames == 0 ? kNothingMeasured : 0;
}

// ------------------------------------------------------------------------------------------ clean

Json to_json(const shm::Leftover& leftover) {
  return {{"kind", shm::name_of(leftover.kind)},
          {"path", leftover.path.string()},
          {"bytes", leftover.bytes},
          {"why", leftover.why}};
}

// The eleven semaphores of one stream are one entry.
struct CleanEntry {
  std::string_view action;
  std::string_view kind;
  std::filesystem::path first;
  std::string why;
  std::size_t more = 0;

  void print() const {
    fmt::print("{:<12}  {:<9}  {}{}\n{:25}{}\n", action, kind, printable(first.string()),
               more > 0 ? fmt::format(" and {} more", more) : "", "", printable(why));
  }
};

class CleanRun {
 public:
  explicit CleanRun(const StreamArguments& arguments)
      : arguments_(arguments),
        folders_(arguments.folders_or_default()),
        agreed_(arguments.removal == StreamArguments::Removal::agreed) {}

  int run() {
    const auto plan = shm::find_leftovers(folders_, shm::Holders::of_host(), arguments_.select);
    for (const auto& leftover : plan.leftovers) handle(leftover);
    for (const auto& kept : plan.kept) report_kept(kept);
    show();
    finish();
    return refused_ == 0 ? 0 : kStreamError;
  }

 private:
  void handle(const shm::Leftover& leftover) {
    const auto refusal = agreed_ ? shm::remove_leftover(leftover, folders_) : std::nullopt;
    if (refusal) {
      ++refused_;
      report_kept({leftover.path, *refusal});
      return;
    }
    ++count_;
    bytes_ += leftover.bytes;
    json_[agreed_ ? "removed" : "would_remove"].push_back(to_json(leftover));
    const std::string_view action = agreed_ ? "removed" : "would remove";
    const std::string_view kind = shm::name_of(leftover.kind);
    if (leftover.kind == shm::Leftover::Kind::semaphore && pending_ && pending_->kind == kind &&
        pending_->why == leftover.why)
      ++pending_->more;
    else
      show(CleanEntry{action, kind, leftover.path, leftover.why});
  }

  void report_kept(const shm::Kept& kept) {
    json_["kept"].push_back({{"path", kept.path.string()}, {"why", kept.why}});
    show(CleanEntry{"keep", "", kept.path, kept.why});
  }

  // The entry before this one is complete.
  void show(std::optional<CleanEntry> next = std::nullopt) {
    if (pending_ && !arguments_.json()) pending_->print();
    pending_ = std::move(next);
  }

  void finish() {
    if (arguments_.json()) return print_json(json_);
    fmt::print("{} file{}, {}{}\n", count_, count_ == 1 ? "" : "s", bytes_text(bytes_),
               agreed_       ? " removed"
               : count_ == 0 ? ": nothing to remove"
                             : ": nothing removed yet; the same command with --yes removes them");
  }

  const StreamArguments& arguments_;
  std::vector<std::filesystem::path> folders_;
  bool agreed_;
  Json json_{{"dry_run", !agreed_},
             {agreed_ ? "removed" : "would_remove", Json::array()},
             {"kept", Json::array()}};
  std::optional<CleanEntry> pending_;
  std::size_t count_ = 0;
  std::size_t refused_ = 0;
  std::uint64_t bytes_ = 0;
};

// --------------------------------------------------------------------------------- create, unlink

std::vector<std::uint32_t> axes_of(const std::string& text) {
  std::vector<std::uint32_t> axes;
  const char* at = text.data();
  const char* end = at + text.size();
  for (;;) {
    std::uint32_t axis = 0;
    const auto [next, error] = std::from_chars(at, end, axis);
    if (error != std::errc{} || axis == 0) return {};
    axes.push_back(axis);
    if (next == end) return axes;
    if (*next != 'x') return {};
    at = next + 1;
  }
}

std::string check_shape(const std::string& text) {
  const auto axes = axes_of(text).size();
  return axes >= 1 && axes <= shm::Shape::kMaxAxes
             ? std::string{}
             : text + " is no shape of 1 to 3 axes, such as 240x240";
}

std::string check_type(const std::string& text) {
  return shm::pixel_type_named(text)
             ? std::string{}
             : text + " is no pixel type: u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 c64 c128";
}

constexpr int kOctal = 8;

std::string check_mode(const std::string& text) {
  constexpr mode_t kMost = 0777;
  mode_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, kOctal);
  const bool sound = error == std::errc{} && end == text.data() + text.size() && mode <= kMost;
  return sound ? std::string{} : text + " is no octal file mode, such as 0660";
}

std::string check_seconds(const std::string& text) {
  constexpr double kMost = 1e9;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool sound =
      error == std::errc{} && end == text.data() + text.size() && seconds > 0 && seconds <= kMost;
  return sound ? std::string{} : text + " is no number of seconds above 0";
}

// CLI11 reads -1 as the largest number.
std::string not_negative(const std::string& text) {
  return text.find('-') == std::string::npos ? std::string{} : text + " is negative";
}

std::string at_least_one(const std::string& text) {
  const bool sound = text.find_first_not_of("0123456789") == std::string::npos &&
                     text.find_first_not_of('0') != std::string::npos;
  return sound ? std::string{} : text + " is not a number from 1 on";
}

int create(const StreamArguments& arguments) {
  const auto axes = axes_of(arguments.shape);
  const shm::CreateOptions options{
      .format = {shm::Shape(axes), *shm::pixel_type_named(arguments.type)},
      .depth = arguments.depth,
      .keywords = arguments.keywords,
      .mode = static_cast<mode_t>(std::stoul(arguments.mode, nullptr, kOctal))};
  if (arguments.existing == StreamArguments::Existing::keep &&
      std::filesystem::exists(std::filesystem::symlink_status(arguments.path)))
    throw shm::Error(shm::Errc::busy,
                     fmt::format("create stream {}: it exists; 'hil stream info' shows it, "
                                 "--replace makes a new one in its place",
                                 arguments.path.string()));
  ::umask(0);  // a mode that was asked for is meant as it stands
  const auto segment = shm::Segment::create(arguments.path, options);
  const shm::Layout& layout = segment.layout();
  if (arguments.json())
    print_json({{"path", arguments.path.string()},
                {"frame", layout.format().str()},
                {"depth", layout.depth()},
                {"keywords", layout.keywords()},
                {"file_bytes", layout.file_bytes()}});
  else
    fmt::print("{}   {}, depth {}, {}\n", printable(arguments.path.string()), layout.format().str(),
               layout.depth(), bytes_text(layout.file_bytes()));
  return 0;
}

int unlink(const StreamArguments& arguments) {
  const auto removed = shm::remove_stream(arguments.path, arguments.in_use);
  if (arguments.json()) {
    Json json{{"removed", Json::array()}};
    for (const auto& path : removed) json["removed"].push_back(path.string());
    print_json(json);
    return 0;
  }
  fmt::print("removed {} and {} semaphores\n", printable(arguments.path.string()),
             removed.size() - 1);
  return 0;
}

// -------------------------------------------------------------------------------------- arguments

using Arguments = std::shared_ptr<StreamArguments>;
using Command = int (*)(const StreamArguments&);

struct SubVerb {
  CLI::App* app;
  Arguments arguments = std::make_shared<StreamArguments>();
};

SubVerb add_sub_verb(CLI::App& stream, Chosen& chosen, const std::string& name,
                     const std::string& what, Command command) {
  SubVerb verb{stream.add_subcommand(name, what)};
  verb.app->add_flag_callback(
      "--json", [a = verb.arguments] { a->output = StreamArguments::Output::json; },
      "As JSON on standard output");
  verb.app->callback([&chosen, a = verb.arguments, command] {
    chosen = [a, command] { return run_command([&] { return command(*a); }); };
  });
  return verb;
}

void add_folders(const SubVerb& verb) {
  verb.app->add_option("folders", verb.arguments->folders,
                       "Folders with streams. Default: /tmp, /dev/shm and $MILK_SHM_DIR");
}

void add_path(const SubVerb& verb, const std::string& what) {
  verb.app->add_option("path", verb.arguments->path, what)->required();
}

void add_ls(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb =
      add_sub_verb(stream, chosen, "ls",
                   "List streams: shape, type, depth, rate, age of the newest frame,\n"
                   "writer alive, layout. The rate is that of the frames in the ring.",
                   ls);
  add_folders(verb);
  verb.app->add_flag_callback(
      "--all", [a = verb.arguments] { a->show = StreamArguments::Show::all_files; },
      "Also files named *.im.shm that are no stream of DAO, with the reason");
}

void add_info(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb = add_sub_verb(stream, chosen, "info",
                                    "Say all about one stream: layout, newest frame, who maps it,\n"
                                    "semaphores, keywords",
                                    info);
  add_path(verb, "The stream's file");
  verb.app->add_flag_callback(
      "--slots", [a = verb.arguments] { a->slots = StreamArguments::Slots::show; },
      "Also counter and commit time of every slot");
}

void add_hz(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb =
      add_sub_verb(stream, chosen, "hz",
                   "Measure rate, percentiles of the interval and losses by the commit\n"
                   "times in the metadata. Follows a stream that is replaced. Ctrl-C ends\n"
                   "it with the summary. Exit status 3: no frame came.",
                   hz);
  add_path(verb, "The stream's file");
  auto* seconds = verb.app->add_option("--seconds", verb.arguments->seconds, "End after so long")
                      ->check(CLI::Validator(check_seconds, "SECONDS"));
  verb.app->add_option("--frames", verb.arguments->frames, "End after so many frames")
      ->check(CLI::Validator(at_least_one, "COUNT"))
      ->excludes(seconds);
  verb.app
      ->add_option("--timeout", verb.arguments->timeout,
                   "End when no frame comes for so many seconds. Default: 10")
      ->check(CLI::Validator(check_seconds, "SECONDS"));
}

void add_clean(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb =
      add_sub_verb(stream, chosen, "clean",
                   "Say what dead processes left behind: streams that no process has open,\n"
                   "files of creators that died, semaphores without a stream (if /dev/shm\n"
                   "is among the folders). Removes nothing without --yes. An unused stream\n"
                   "may hold what somebody still wants, such as a background: read first.",
                   [](const StreamArguments& arguments) { return CleanRun(arguments).run(); });
  add_folders(verb);
  verb.app->add_option("--select", verb.arguments->select,
                       "Only files whose name contains this text");
  verb.app->add_flag_callback(
      "--yes", [a = verb.arguments] { a->removal = StreamArguments::Removal::agreed; },
      "Remove what the command lists without it");
}

void add_create(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb =
      add_sub_verb(stream, chosen, "create", "Create an empty stream and its semaphores", create);
  StreamArguments& arguments = *verb.arguments;
  add_path(verb, "The stream's file, by convention /tmp/<name>.im.shm");
  verb.app->add_option("--shape", arguments.shape, "Rows x columns [x planes], such as 240x240")
      ->required()
      ->check(CLI::Validator(check_shape, "AxB"));
  verb.app->add_option("--type", arguments.type, "Pixel type: u8 .. i64, f32, f64, c64, c128")
      ->required()
      ->check(CLI::Validator(check_type, "TYPE"));
  verb.app->add_option("--depth", arguments.depth, "Slots in the ring. Default: 1")
      ->check(CLI::Validator(at_least_one, "COUNT"));
  verb.app->add_option("--keywords", arguments.keywords, "Keyword records. Default: 0")
      ->check(CLI::Validator(not_negative, "0..65535"));
  verb.app->add_option("--mode", arguments.mode, "Permissions, octal. Default: 0600")
      ->check(CLI::Validator(check_mode, "MODE"));
  verb.app->add_flag_callback(
      "--replace", [a = verb.arguments] { a->existing = StreamArguments::Existing::replace; },
      "In the place of a stream that has no writer");
}

void add_unlink(CLI::App& stream, Chosen& chosen) {
  const SubVerb verb =
      add_sub_verb(stream, chosen, "unlink",
                   "Remove one stream and the semaphores it shares with no other", unlink);
  add_path(verb, "The stream's file");
  verb.app->add_flag_callback(
      "--force", [a = verb.arguments] { a->in_use = shm::InUse::allow; },
      "Also if a process has it open; that one keeps what it has");
}

}  // namespace

void add_stream(CLI::App& program, Chosen& chosen) {
  CLI::App* stream = program.add_subcommand(
      "stream", "Look at the streams of this host, measure, create and remove them");
  stream->require_subcommand(1);
  add_ls(*stream, chosen);
  add_info(*stream, chosen);
  add_hz(*stream, chosen);
  add_clean(*stream, chosen);
  add_create(*stream, chosen);
  add_unlink(*stream, chosen);
}

}  // namespace daohil::tools
