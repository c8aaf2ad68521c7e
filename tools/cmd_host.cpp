#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>

#include "hil/host/parse.hpp"
#include "hil/host/report.hpp"
#include "hil/plan/units.hpp"
#include "shm/layout.hpp"
#include "tools/stop_signal.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

namespace host = hil::host;

constexpr int kFail = 1;
constexpr int kDoctorBroke = 4;
constexpr int kStopped = 130;

struct HostArguments {
  enum class Output { text, json } output = Output::text;
  host::Request request;
  std::string shape;
  std::string type = "u16";
  std::uint32_t depth = 8;
};

// What goes on, on a terminal; the table comes at the end.
class ProgressLine {
 public:
  ProgressLine() = default;
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(std::string_view what, shm::Duration length) {
    if (!terminal_) return;
    clear();
    fmt::print(stderr, "measures {} ({:.0f} s)", what, static_cast<double>(length.count()) / 1e9);
    std::fflush(stderr);
    shown_ = true;
  }
  void clear() {
    if (shown_) fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    shown_ = false;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

std::vector<std::uint32_t> axes_of(std::string_view text) {
  std::vector<std::uint32_t> axes;
  for (;;) {
    const auto cross = std::min(text.find('x'), text.size());
    const auto axis = host::number_in<std::uint32_t>(text.substr(0, cross));
    if (!axis || *axis == 0) return {};
    axes.push_back(*axis);
    if (cross == text.size())
      return axes.size() <= shm::Shape::kMaxAxes ? axes : std::vector<std::uint32_t>{};
    text.remove_prefix(cross + 1);
  }
}

int examine(HostArguments& arguments) {
  host::Request& request = arguments.request;
  if (!arguments.shape.empty()) {
    const auto axes = axes_of(arguments.shape);
    const shm::FrameFormat format(shm::Shape(axes), *shm::pixel_type_named(arguments.type));
    request.fifo_bytes = shm::Layout(format, arguments.depth).file_bytes();
    if (request.frame_rate && !request.stream_rate)
      request.stream_rate = static_cast<double>(format.bytes()) * request.frame_rate->hertz();
  }
  catch_stop_signals();
  ProgressLine line;
  request.stop_requested = stop_requested;
  request.progress = [&line](std::string_view what, shm::Duration length) {
    line.show(what, length);
  };
  const auto found = host::examine(request);
  line.clear();
  fmt::print("{}", arguments.output == HostArguments::Output::json ? host::to_json(found)
                                                                   : host::table(found));
  if (found.end == host::Examination::End::stopped) return kStopped;
  if (!found.defects.empty()) return kDoctorBroke;
  return found.count(host::Status::fail) > 0 ? kFail : 0;
}

// A check for CLI11 of a text that `parse` refuses by an exception.
template <typename Parse>
auto refused_by(Parse parse) {
  return [parse](const std::string& text) {
    try {
      parse(text);
      return std::string{};
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  };
}

double bytes_per_second(std::string_view text) {
  constexpr std::string_view kPerSecond = "/s";
  if (text.ends_with(kPerSecond)) text.remove_suffix(kPerSecond.size());
  // A bare number is bytes; otherwise with a unit, "500MB/s".
  if (text.find_first_not_of("0123456789") == std::string_view::npos && !text.empty())
    return static_cast<double>(hil::plan::parse_count(text));
  return static_cast<double>(hil::plan::parse_bytes(text).value);
}

// "0" is no time in any unit.
shm::Duration floor_of(std::string_view text) {
  return text == "0" ? shm::Duration{0} : hil::plan::parse_duration(text);
}

std::string check_shape(const std::string& text) {
  return axes_of(text).empty() ? text + " is no shape of 1 to 3 axes, such as 240x240" : "";
}

std::string check_type(const std::string& text) {
  return shm::pixel_type_named(text) ? "" : text + " is no pixel type, such as u16";
}

std::string check_depth(const std::string& text) {
  const auto depth = host::number_in<std::uint32_t>(text);
  return depth && *depth >= 1 && *depth <= shm::Layout::kMaxDepth
             ? ""
             : fmt::format("{} is no depth from 1 to {}", text, shm::Layout::kMaxDepth);
}

std::string check_cores(const std::string& text) {
  const auto cores = host::parse_cpu_list(text);
  return cores && !cores->empty() ? "" : text + " is no list of cores, such as 2-3,6";
}

std::string check_usb(const std::string& text) {
  return host::usb_id_in(text) ? "" : text + " is no VID:PID of four hexadecimal digits each";
}

std::string check_irq(const std::string& text) {
  const auto number = host::number_in<int>(text);
  return number && *number >= 0 ? "" : text + " is no number of an interrupt";
}

std::string check_folder(const std::string& text) {
  std::error_code error;
  return std::filesystem::is_directory(text, error) ? "" : text + " is no folder";
}

// The options that say what the host shall carry.
void add_stream_options(CLI::App& verb, const std::shared_ptr<HostArguments>& arguments) {
  verb.add_option_function<std::string>(
          "--stream-rate",
          [arguments](const std::string& text) {
            arguments->request.stream_rate = bytes_per_second(text);
          },
          "What all streams carry, such as 250MB/s")
      ->check(CLI::Validator(refused_by(bytes_per_second), "BYTES/s"));
  verb.add_option("--shape", arguments->shape, "Or: the frames' shape, such as 240x240,")
      ->check(CLI::Validator(check_shape, "AxB"));
  verb.add_option_function<std::string>(
          "--rate",
          [arguments](const std::string& text) {
            arguments->request.frame_rate = hil::plan::parse_rate(text);
          },
          "their rate, such as 2067Hz,")
      ->check(CLI::Validator(refused_by(hil::plan::parse_rate), "RATE"));
  verb.add_option("--type", arguments->type, "their pixels (default u16)")
      ->check(CLI::Validator(check_type, "TYPE"));
  verb.add_option("--depth", arguments->depth, "and the FIFO's depth (default 8)")
      ->check(CLI::Validator(check_depth, "COUNT"));
}

}  // namespace

void add_host(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "host",
      "Say whether this host is fit for a bench, what to change and how. Changes\n"
      "nothing and needs no root. Measuring takes half a minute; --floor 0 only reads.\n"
      "Exit status 1: something FAILs.");
  const auto arguments = std::make_shared<HostArguments>();
  std::string groups;
  for (const auto group : host::all_groups())
    groups += (groups.empty() ? "" : " ") + std::string(host::name_of(group));
  verb->add_option_function<std::vector<std::string>>(
          "groups",
          [arguments](const std::vector<std::string>& names) {
            for (const auto& name : names)
              arguments->request.groups.push_back(*host::group_named(name));
          },
          "Only these checks: " + groups)
      ->check(CLI::Validator(
          [groups](const std::string& name) {
            return host::group_named(name) ? std::string{} : name + " is none of: " + groups;
          },
          "GROUP"));
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = HostArguments::Output::json; },
      "As JSON on standard output");
  verb->add_option_function<std::string>(
          "--floor",
          [arguments](const std::string& text) { arguments->request.floor = floor_of(text); },
          "How long wake-ups are measured, thrice: by us, cyclictest, oslat. Default: 10s")
      ->check(CLI::Validator(refused_by(floor_of), "DURATION"));
  verb->add_flag_callback(
      "--no-rt-tests", [arguments] { arguments->request.rt_tests = host::Request::Measure::skip; },
      "Without cyclictest and oslat");
  add_stream_options(*verb, arguments);
  verb->add_option_function<std::string>(
          "--cores",
          [arguments](const std::string& text) {
            const auto cores = *host::parse_cpu_list(text);
            arguments->request.cores.assign(cores.begin(), cores.end());
          },
          "The real-time cores, such as 2-3. Default: those that are isolated")
      ->check(CLI::Validator(check_cores, "LIST"));
  verb->add_option_function<std::string>(
          "--claim",
          [arguments](const std::string& text) {
            arguments->request.claim = *host::claim_named(text);
          },
          "The class that is needed: less is a FAIL")
      ->check(CLI::IsMember({"desktop", "rt", "summit"}));
  verb->add_flag_callback(
      "--polling", [arguments] { arguments->request.polling = host::Request::Polling::planned; },
      "Readers will poll at real-time priority");
  verb->add_option_function<std::vector<std::string>>(
          "--usb",
          [arguments](const std::vector<std::string>& ids) {
            for (const auto& id : ids)
              arguments->request.usb_cameras.push_back(*host::usb_id_in(id));
          },
          "A camera that is not USB3 Vision; may be repeated")
      ->take_all()
      ->expected(1)
      ->check(CLI::Validator(check_usb, "VID:PID"));
  verb->add_option_function<std::vector<std::string>>(
          "--allow-irq",
          [arguments](const std::vector<std::string>& numbers) {
            for (const auto& number : numbers)
              arguments->request.allowed_irqs.push_back(*host::number_in<int>(number));
          },
          "An interrupt that may be on a real-time core; may be repeated")
      ->take_all()
      ->expected(1)
      ->check(CLI::Validator(check_irq, "NUMBER"));
  verb->add_option_function<std::string>(
          "--record",
          [arguments](const std::string& folder) { arguments->request.record_folder = folder; },
          "Where recordings go: its disk is written to for 10 s, nothing stays")
      ->check(CLI::Validator(check_folder, "FOLDER"));
  verb->callback([&chosen, arguments] { chosen = [arguments] { return examine(*arguments); }; });
}

}  // namespace daohil::tools
