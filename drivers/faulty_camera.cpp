#include "drivers/faulty_camera.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daohil::drivers {
namespace {

using Kind = CameraFault::Kind;

// SplitMix64 (Steele, Lea, Flood 2014): 64 random bits that depend on the two numbers alone.
std::uint64_t draw(std::uint64_t stream, std::uint64_t index) {
  std::uint64_t x = stream + (index + 1) * 0x9e3779b97f4a7c15;
  for (int i = 0; i < 2; ++i) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    x ^= x >> 31;
  }
  return x;
}

double uniform(std::uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 0.5) / 9007199254740992.0;  // 2^53
}

// Readers get the device's numbers, the proof inside the pixels counts from 1.
class Renumbered final : public ContentCheck {
 public:
  Renumbered(std::shared_ptr<const ContentCheck> check, FrameNumbering numbering)
      : check_(std::move(check)), numbering_(numbering) {}

  [[nodiscard]] Finding check(std::span<const std::byte> pixels, FrameId id) const override {
    Finding finding = check_->check(pixels, FrameId{numbering_.ordinal(id)});
    finding.found = numbering_.of(finding.found.value);
    return finding;
  }

 private:
  std::shared_ptr<const ContentCheck> check_;
  FrameNumbering numbering_;
};

}  // namespace

std::vector<ArmedFault> armed(std::vector<CameraFault> faults, std::uint64_t seed) {
  std::vector<ArmedFault> armed;
  std::uint64_t stream = seed;
  for (CameraFault& fault : faults) {
    stream = draw(stream, 0);
    armed.emplace_back(std::move(fault), stream);
  }
  return armed;
}

bool ArmedFault::strikes(std::uint64_t number, Duration due) {
  const FaultTrigger& trigger = fault_.trigger;
  bool hit = false;
  if (!trigger.frames.empty())
    hit = std::binary_search(trigger.frames.begin(), trigger.frames.end(), number);
  else if (trigger.every > 0)
    hit = number % trigger.every == 0;
  else if (trigger.at)
    hit = due >= *trigger.at &&
          (trigger.span.count() > 0 ? due < *trigger.at + trigger.span : strikes_ == 0);
  else
    hit = uniform(draw(draws_, 2 * number)) < trigger.probability;
  if (!hit || (trigger.count > 0 && strikes_ >= trigger.count)) return false;
  strikes_ += 1;
  return true;
}

std::uint64_t ArmedFault::chance(std::uint64_t number) const {
  return draw(draws_, 2 * number + 1);
}

namespace {

// What the faults do to one frame.
struct Fate {
  Duration late{0};
  std::uint64_t jump = 0;
  bool gone = false;
  bool twice = false;
  bool overtaken = false;
};

Duration lateness_of(ArmedFault& one, std::uint64_t number, Duration due) {
  const Kind kind = one.fault().kind;
  if (kind != Kind::jitter && kind != Kind::stall) return Duration{0};
  if (!one.strikes(number, due)) return Duration{0};
  const Duration delay = one.fault().delay;
  if (kind == Kind::stall) return delay;
  const double share = uniform(one.chance(number));
  return Duration{static_cast<std::int64_t>(share * static_cast<double>(delay.count()))};
}

Fate fate_of(std::vector<ArmedFault>& faults, std::uint64_t number, Duration due) {
  Fate fate;
  for (ArmedFault& one : faults) fate.late = std::max(fate.late, lateness_of(one, number, due));
  for (ArmedFault& one : faults) {
    const Kind kind = one.fault().kind;
    if (kind == Kind::jitter || kind == Kind::stall) continue;
    if (!one.strikes(number, due + fate.late)) continue;
    fate.gone |= kind == Kind::drop || kind == Kind::short_frame;
    fate.twice |= kind == Kind::duplicate;
    fate.overtaken |= kind == Kind::reorder;
    if (kind == Kind::id_jump) fate.jump += one.fault().amount;
  }
  return fate;
}

}  // namespace

std::vector<Arrival> planned_arrivals(const std::vector<CameraFault>& faults, std::uint64_t seed,
                                      std::uint64_t frames, const RateProfile& rate,
                                      OnLate on_late) {
  std::vector<ArmedFault> all = armed(faults, seed);
  std::vector<Arrival> arrivals;
  std::uint64_t overtaken = 0;  // its id; 0: none
  std::uint64_t jumped = 0;
  Duration now{-1};
  for (std::uint64_t number = 1; number <= frames; ++number) {
    if (on_late == OnLate::skip) number = std::max(number, rate.frames_by(now));
    const Duration due = rate.offset_of(number - 1);
    const Fate fate = fate_of(all, number, due);
    now = std::max(now, due + fate.late);
    jumped += fate.jump;
    if (fate.gone) continue;
    if (overtaken == 0 && fate.overtaken) {
      overtaken = number + jumped;
      continue;
    }
    arrivals.push_back({number + jumped, now});
    if (overtaken > 0)
      arrivals.push_back({overtaken, now});
    else if (fate.twice)
      arrivals.push_back(arrivals.back());
    overtaken = 0;
  }
  return arrivals;
}

std::uint64_t missing_ids(const std::vector<Arrival>& arrivals) {
  std::vector<std::uint64_t> ids;
  for (const Arrival& arrival : arrivals) ids.push_back(arrival.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids.empty() ? 0 : ids.back() - ids.front() + 1 - ids.size();
}

FaultyCamera::FaultyCamera(std::unique_ptr<Camera> camera, std::vector<CameraFault> faults,
                           FrameNumbering numbering, std::uint64_t seed, const shm::Clock& clock)
    : camera_(std::move(camera)),
      faults_(armed(std::move(faults), seed)),
      numbering_(numbering),
      clock_(&clock) {}

void FaultyCamera::configure(const CameraSettings& settings) {
  camera_->configure(settings);
  rate_ = RateProfile(camera_->describe().rate, settings.rate_steps);
  const std::size_t bytes = camera_->describe().format.bytes();
  now_.pixels.resize(bytes);
  later_.pixels.resize(bytes);
}

std::shared_ptr<const ContentCheck> FaultyCamera::content_check() const {
  auto check = camera_->content_check();
  if (!check || numbering_.is_plain()) return check;
  return std::make_shared<Renumbered>(std::move(check), numbering_);
}

void FaultyCamera::start(MonotonicTime first) {
  first_ = first;
  jumped_ = 0;
  due_.reset();
  later_is_ = Later::none;
  for (ArmedFault& fault : faults_) fault.begin_again();
  camera_->start(first);
}

// Late by jitter, or held by a process that stands still. Asked again for one frame it says the
// same: the answer is kept until the frame is taken.
std::optional<MonotonicTime> FaultyCamera::inner_due() {
  if (due_) return due_;
  const std::optional<MonotonicTime> due = camera_->next_due();
  if (!due) return due;
  const std::uint64_t number = rate_.frames_by(*due - first_);
  Duration late{0};
  for (ArmedFault& one : faults_) {
    const Duration delay = one.fault().delay;
    if (one.fault().kind == Kind::jitter && strikes(one, number, *due)) {
      const double share = uniform(one.chance(number));
      late = std::max(
          late, Duration{static_cast<std::int64_t>(share * static_cast<double>(delay.count()))});
    }
    if (one.fault().kind == Kind::stall && strikes(one, number, *due)) late = std::max(late, delay);
  }
  due_ = *due + late;
  return due_;
}

std::optional<MonotonicTime> FaultyCamera::next_due() {
  if (later_is_ == Later::next) return later_.due;
  return inner_due();
}

WaitOutcome FaultyCamera::wait(MonotonicTime deadline) {
  if (later_is_ == Later::next) {
    std::swap(now_, later_);
    later_is_ = Later::none;
    return WaitOutcome::frame;
  }
  if (const auto due = inner_due(); due && clock_->now() < *due) {
    clock_->sleep_until(std::min(*due, deadline));
    if (clock_->now() < *due) return WaitOutcome::timeout;
  }
  return take_from_camera(deadline);
}

WaitOutcome FaultyCamera::take_from_camera(MonotonicTime deadline) {
  const WaitOutcome outcome = camera_->wait(deadline);
  if (outcome != WaitOutcome::frame) return outcome;
  now_.due = due_.value_or(clock_->now());
  due_.reset();
  const std::uint64_t number = camera_->read_into(now_.pixels).value;
  return strike(number);
}

WaitOutcome FaultyCamera::strike(std::uint64_t number) {
  WaitOutcome outcome = WaitOutcome::frame;
  bool again = false;
  bool overtaken = false;
  for (ArmedFault& one : faults_) {
    const Kind kind = one.fault().kind;
    if (kind == Kind::jitter || kind == Kind::stall) continue;
    if (!strikes(one, number, now_.due)) continue;
    switch (kind) {
      case Kind::drop:
        outcome = WaitOutcome::timeout;
        break;
      case Kind::short_frame:
        outcome = WaitOutcome::damaged;
        break;
      case Kind::duplicate:
        again = true;
        break;
      case Kind::reorder:
        overtaken = true;
        break;
      case Kind::corrupt:
        flip(now_.pixels, one.fault().amount, one.chance(number));
        break;
      case Kind::id_jump:
        jumped_ += one.fault().amount;
        break;
      case Kind::jitter:
      case Kind::stall:
        break;
    }
  }
  now_.id = numbering_.of(number + jumped_);
  if (outcome != WaitOutcome::frame) return outcome;

  if (later_is_ == Later::after_next) {
    later_.due = now_.due;
    later_is_ = Later::next;
  } else if (overtaken) {
    std::swap(now_, later_);
    later_is_ = Later::after_next;
    return WaitOutcome::timeout;
  } else if (again) {
    later_.id = now_.id;
    later_.due = now_.due;
    std::memcpy(later_.pixels.data(), now_.pixels.data(), now_.pixels.size());
    later_is_ = Later::next;
  }
  return WaitOutcome::frame;
}

void FaultyCamera::flip(std::vector<std::byte>& pixels, std::uint64_t bits, std::uint64_t begin) {
  // Distinct bits: flipping one twice would undo it.
  const std::uint64_t of = pixels.size() * 8;
  for (std::uint64_t i = 0; i < std::min(bits, of); ++i) {
    const std::uint64_t bit = (begin % of + i * (of / std::min(bits, of))) % of;
    pixels[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

FrameId FaultyCamera::read_into(std::span<std::byte> slot) {
  const std::size_t half = half_way_ ? slot.size() / 2 : slot.size();
  std::memcpy(slot.data(), now_.pixels.data(), half);
  if (half_way_) {
    half_way_(now_.id);
    std::memcpy(slot.data() + half, now_.pixels.data() + half, slot.size() - half);
  }
  return now_.id;
}

void FaultyCamera::stop() { camera_->stop(); }

}  // namespace daohil::drivers
