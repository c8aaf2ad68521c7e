#include "drivers/usb/u3v_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/usb/device_gone.hpp"

namespace daohil::drivers::usb {

// One block's memory and transfers. Of the event thread, but for the payload of a block that the
// consumer holds.
class U3vStream::Buffer {
 public:
  using Done = std::function<void(std::size_t index, TransferResult result)>;

  Buffer(OpenDevice& device, std::uint8_t endpoint, const TransferPlan& plan, const Done& done)
      : memory_(device, plan.bytes()), results_(plan.transfers()) {
    std::size_t at = 0;
    const auto add = [&](std::uint32_t bytes) {
      if (bytes == 0) return;
      const std::size_t index = transfers_.size();
      transfers_.push_back(std::make_unique<AsyncTransfer>(
          device, endpoint, memory_.bytes().subspan(at, bytes),
          [done, index](TransferResult result) { done(index, result); }));
      at += bytes;
    };
    add(plan.leader);
    for (std::uint32_t i = 0; i < plan.count; ++i) add(plan.payload);
    add(plan.final1);
    add(plan.final2);
    add(plan.trailer);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return memory_.bytes(); }
  [[nodiscard]] std::span<const TransferResult> results() const { return results_; }

  /// All transfers in order, up to the first that is refused.
  AsyncTransfer::Submitted submit() {
    pending_ = transfers_.size();
    for (std::size_t i = 0; i < transfers_.size(); ++i) {
      const auto submitted = transfers_[i]->submit();
      if (submitted == AsyncTransfer::Submitted::yes) continue;
      // Those behind will not come; those before will, cancelled.
      pending_ -= transfers_.size() - i;
      for (std::size_t k = i; k < transfers_.size(); ++k) results_[k] = {TransferEnd::cancelled, 0};
      return submitted;
    }
    return AsyncTransfer::Submitted::yes;
  }

  void cancel() {
    for (const auto& transfer : transfers_) transfer->cancel();
  }

  /// @returns whether that was the last one
  bool note(std::size_t index, TransferResult result) {
    results_[index] = result;
    return --pending_ == 0;
  }
  [[nodiscard]] bool has_pending() const { return pending_ > 0; }

 private:
  TransferMemory memory_;
  std::vector<std::unique_ptr<AsyncTransfer>> transfers_;
  std::vector<TransferResult> results_;
  std::size_t pending_ = 0;
};

U3vStream::U3vStream(std::string owner, OpenDevice& device, std::uint8_t endpoint,
                     const Settings& settings, Signal& arrived, Signal& attention)
    : owner_(std::move(owner)),
      device_(&device),
      settings_(settings),
      arrived_(&arrived),
      attention_(&attention),
      ready_(2 * settings.blocks),
      returned_(settings.blocks) {
  for (std::size_t i = 0; i < settings_.blocks; ++i)
    buffers_.push_back(std::make_unique<Buffer>(
        device, endpoint, settings_.plan,
        [this, i](std::size_t index, TransferResult result) { on_transfer(i, index, result); }));
}

U3vStream::~U3vStream() { stop(); }

void U3vStream::start() {
  running_.store(true);
  // On the event thread, which alone may touch the buffers from now on.
  std::atomic<bool> begun{false};
  device_->context().set_after_events([this, &begun] {
    if (!begun.load())
      for (std::size_t i = 0; i < buffers_.size() && trouble() == Trouble::none; ++i) submit(i);
    begun.store(true);
  });
  device_->context().wake();
  device_->context().wait_until([&] { return begun.load(); });
  device_->context().set_after_events([this] { take_back(); });
  switch (trouble()) {
    case Trouble::gone:
      stop();
      throw DeviceGone(fmt::format("{}: the camera is gone; plug it in again", owner_));
    case Trouble::no_memory: {
      stop();
      const std::size_t needed = settings_.blocks * settings_.plan.bytes();
      throw Error(fmt::format("{}: the kernel gives no memory for {} MiB of USB transfers; {}",
                              owner_, (needed >> 20U) + 1, usb_memory_remedy(needed)));
    }
    default:
      break;
  }
}

// Cancelling is done on the event thread, too, where no buffer is submitted at the same time.
void U3vStream::stop() {
  if (!running_.exchange(false)) return;
  std::atomic<bool> cancelled{false};
  device_->context().set_after_events([this, &cancelled] {
    // From the last transfer on: a device that goes on sending must not fill the next ones.
    if (!cancelled.load())
      for (auto buffer = buffers_.rbegin(); buffer != buffers_.rend(); ++buffer)
        (*buffer)->cancel();
    cancelled.store(true);
  });
  device_->context().wake();
  device_->context().wait_until([&] { return cancelled.load() && is_idle(); });
  device_->context().set_after_events({});
  while (returned_.pop()) {
  }
}

bool U3vStream::is_idle() const { return in_flight_.load() == 0; }

void U3vStream::on_transfer(std::size_t buffer, std::size_t index, TransferResult result) {
  if (index == 0 && result.end == TransferEnd::complete)
    incomplete_since_ns_.store(shm::system_clock().now().count(), std::memory_order_relaxed);
  if (result.end == TransferEnd::gone)
    report(Trouble::gone);
  else if (result.end != TransferEnd::complete && result.end != TransferEnd::cancelled)
    report(Trouble::out_of_step);
  if (buffers_[buffer]->note(index, result)) block_ended(buffer);
}

void U3vStream::block_ended(std::size_t buffer) {
  incomplete_since_ns_.store(0, std::memory_order_relaxed);
  in_flight_.fetch_sub(1);
  if (!running_.load() || trouble() != Trouble::none) return;
  const Arrival arrival{buffer,
                        judge_block(settings_.plan, settings_.image, buffers_[buffer]->results(),
                                    buffers_[buffer]->bytes())};
  const bool taken = ready_.push(arrival);
  if (arrival.block.out_of_step) report(Trouble::out_of_step);
  // Damaged ones go round at once, and so do those that a sleeping consumer has no room for.
  const bool is_free = arrival.block.damage != Damage::none || !taken;
  if (is_free && trouble() == Trouble::none) submit(buffer);
  arrived_->raise();
}

// What the consumer gave back goes to the kernel again.
void U3vStream::take_back() {
  while (running_.load() && trouble() == Trouble::none) {
    const auto buffer = returned_.pop();
    if (!buffer) return;
    submit(*buffer);
  }
}

void U3vStream::submit(std::size_t buffer) {
  in_flight_.fetch_add(1);
  const auto submitted = buffers_[buffer]->submit();
  if (submitted == AsyncTransfer::Submitted::yes) return;
  // Nothing of it is in flight: nobody will say that it ended.
  if (!buffers_[buffer]->has_pending()) in_flight_.fetch_sub(1);
  buffers_[buffer]->cancel();
  report(submitted == AsyncTransfer::Submitted::gone        ? Trouble::gone
         : submitted == AsyncTransfer::Submitted::no_memory ? Trouble::no_memory
                                                            : Trouble::out_of_step);
}

void U3vStream::report(Trouble trouble) {
  Trouble before = trouble_.load();
  // Gone is final; of the others the first one counts.
  while (before == Trouble::none || (trouble == Trouble::gone && before != Trouble::gone))
    if (trouble_.compare_exchange_weak(before, trouble)) break;
  attention_->raise();
}

std::span<const std::byte> U3vStream::payload(const Arrival& arrival) const {
  return buffers_[arrival.buffer]->bytes().subspan(settings_.plan.leader,
                                                   settings_.plan.payload_bytes());
}

void U3vStream::give_back(const Arrival& arrival) {
  returned_.push(arrival.buffer);
  // With others in flight the event thread comes by soon; else somebody has to call it. A change
  // of nothing, not a load: either it comes before the one of block_ended, and what was pushed is
  // seen after that one, or it sees its zero.
  if (in_flight_.fetch_add(0, std::memory_order_acq_rel) == 0) device_->context().wake();
}

std::optional<shm::MonotonicTime> U3vStream::incomplete_since() const {
  const std::int64_t ns = incomplete_since_ns_.load(std::memory_order_relaxed);
  if (ns == 0) return std::nullopt;
  return shm::MonotonicTime{shm::Duration{ns}};
}

}  // namespace daohil::drivers::usb
