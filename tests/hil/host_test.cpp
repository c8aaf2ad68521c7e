// The host doctor against hosts that are made up: trees of files as /proc and /sys have them, and
// answers of system calls. No test asserts a time.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>

#include "hil/host/claim.hpp"
#include "hil/host/doctor.hpp"
#include "hil/host/latency.hpp"
#include "hil/host/measure.hpp"
#include "hil/host/parse.hpp"
#include "hil/host/report.hpp"
#include "hil/host/root.hpp"
#include "hil/host/rt_tests.hpp"

namespace daohil::hil::host {
namespace {

using namespace std::chrono_literals;
using shm::Duration;

// ------------------------------------------------------------------------------------- made up

class Tree {
 public:
  // In memory: a hundred small files a test are slow on a busy disk.
  explicit Tree(const std::filesystem::path& parent = "/dev/shm") {
    std::string name = (parent / "dao-host-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& path, const std::string& text) const {
    const auto file = at(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(at(path)); }
  [[nodiscard]] std::filesystem::path at(const std::string& path) const {
    return folder_ / path.substr(1);
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

struct FakeProbes : Probes {
  Fifo fifo{90, ""};
  std::optional<std::int32_t> dma_latency;
  std::optional<KernelClock> clock = KernelClock{KernelClock::Sync::synchronised, 37, 500};
  std::optional<Space> room = Space{1ULL << 34, 1ULL << 33};
  Access usb = Access::granted;
  std::optional<std::uint32_t> coalescing = 3;
  uid_t me = 1000;
  Streams found{{}, Streams::Sight::all};

  Fifo try_fifo(int) const override { return fifo; }
  std::optional<std::int32_t> dma_latency_us() const override { return dma_latency; }
  std::optional<KernelClock> kernel_clock() const override { return clock; }
  std::optional<Space> space(const std::filesystem::path&) const override { return room; }
  Access access(const std::filesystem::path&) const override { return usb; }
  std::optional<std::uint32_t> rx_coalescing_us(const std::string&) const override {
    return coalescing;
  }
  uid_t user() const override { return me; }
  Streams streams(std::span<const std::filesystem::path>) const override { return found; }
};

// A host as it should be: four cores, two of them isolated, one camera.
class GoodHost : public testing::Test {
 protected:
  void SetUp() override {
    const std::string cpu = "/sys/devices/system/cpu";
    tree.write("/sys/kernel/realtime", "1\n");
    tree.write("/proc/sys/kernel/osrelease", "6.1.0-rt-amd64\n");
    tree.write("/proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 6.1.192-1\n");
    tree.write("/proc/cmdline", "quiet isolcpus=2-3 nohz_full=2-3 rcu_nocbs=2-3\n");
    tree.write(cpu + "/online", "0-3\n");
    tree.write(cpu + "/isolated", "2-3\n");
    tree.write(cpu + "/nohz_full", "2-3\n");
    tree.write(cpu + "/smt/active", "0\n");
    tree.write(cpu + "/vulnerabilities/meltdown", "Mitigation: PTI\n");
    tree.write(cpu + "/intel_pstate/no_turbo", "1\n");
    for (int i = 0; i < 4; ++i) {
      const std::string core = cpu + "/cpu" + std::to_string(i);
      tree.write(core + "/topology/thread_siblings_list", std::to_string(i) + "\n");
      tree.write(core + "/cpufreq/scaling_governor", "performance\n");
      tree.write(core + "/cpufreq/energy_performance_preference", "performance\n");
      tree.write(core + "/cpuidle/state0/latency", "0\n");
      tree.write(core + "/cpuidle/state0/disable", "0\n");
      tree.write(core + "/cpuidle/state0/name", "POLL\n");
      tree.write(core + "/cpuidle/state1/latency", "200\n");
      tree.write(core + "/cpuidle/state1/disable", "1\n");
      tree.write(core + "/cpuidle/state1/name", "C6\n");
      tree.write(core + "/thermal_throttle/core_throttle_count", "7\n");
    }
    tree.write("/sys/devices/system/node/node0/cpulist", "0-3\n");
    tree.write("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc\n");
    tree.write("/proc/self/limits", kLimits);
    tree.write("/proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-1\n");
    tree.write("/proc/self/cgroup", "0::/user.slice\n");
    tree.write("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
    tree.write("/sys/fs/cgroup/user.slice/cpuset.cpus.effective", "0-3\n");
    tree.write("/proc/sys/kernel/sched_rt_runtime_us", "-1\n");
    tree.write("/proc/interrupts",
               "           CPU0       CPU1       CPU2       CPU3\n"
               " 24:   1000   0   5   0  PCI-MSI 1-edge  xhci_hcd\n"
               "NMI:   1 1 1 1  Non-maskable interrupts\n");
    tree.write("/proc/irq/24/smp_affinity_list", "0-1\n");
    tree.write("/proc/1/comm", "systemd\n");
    tree.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    tree.write("/proc/sys/kernel/nmi_watchdog", "0\n");
    tree.write("/proc/sys/kernel/timer_migration", "0\n");
    tree.write("/proc/sys/kernel/sched_autogroup_enabled", "0\n");
    tree.write("/proc/sys/kernel/numa_balancing", "0\n");
    tree.write("/proc/sys/vm/stat_interval", "120\n");
    tree.write("/proc/sys/vm/swappiness", "60\n");
    tree.write("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    tree.write("/proc/pressure/cpu", "some avg10=0.20 avg60=0.00 avg300=0.00 total=1\n");
    tree.write("/proc/self/mountinfo",
               "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
               "30 27 0:31 / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw\n");
    tree.write("/proc/sys/fs/protected_regular", "2\n");
    tree.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    tree.write("/sys/class/net/eth0/mtu", "9000\n");
    tree.write("/sys/class/net/eth0/operstate", "up\n");
    tree.write("/sys/class/net/eth0/device/vendor", "0x8086\n");
    tree.write("/sys/class/net/lo/mtu", "65536\n");
    tree.write("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
    tree.write("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
    tree.write("/proc/sys/net/core/rmem_max", "67108864\n");
    tree.write("/sys/module/usbcore/parameters/usbfs_memory_mb", "1000\n");
    tree.write("/sys/module/usbcore/parameters/autosuspend", "2\n");
    hub("usb1", "0000:00:14.0", "480");
    hub("usb2", "0000:00:14.0", "5000");
    hub("usb3", "0000:01:00.0", "5000");
    device("usb2", "2-1", "0000:00:14.0", "5000", "1ab2", "0001");
    vision("usb2", "2-1", "0000:00:14.0");

    request.root = tree.folder();
    request.probes = probes;
    request.floor = 0s;
    request.watch = 0s;
    request.bandwidth = Request::Measure::skip;
    request.stream_folders = {"/tmp"};
  }

  // Devices of sysfs are links from one folder into the tree of buses.
  void link(const std::string& name, const std::string& real) const {
    std::filesystem::create_directories(tree.at("/sys/bus/usb/devices"));
    std::filesystem::create_directory_symlink(tree.at(real),
                                              tree.at("/sys/bus/usb/devices/" + name));
  }
  void hub(const std::string& name, const std::string& controller, const std::string& mbit) const {
    const std::string folder = "/sys/devices/pci0000:00/" + controller + "/" + name;
    tree.write(folder + "/bDeviceClass", "09\n");
    tree.write(folder + "/speed", mbit + "\n");
    link(name, folder);
  }
  void device(const std::string& bus, const std::string& name, const std::string& controller,
              const std::string& mbit, const std::string& vendor,
              const std::string& product) const {
    const std::string folder = "/sys/devices/pci0000:00/" + controller + "/" + bus + "/" + name;
    tree.write(folder + "/bDeviceClass", "ef\n");
    tree.write(folder + "/speed", mbit + "\n");
    tree.write(folder + "/idVendor", vendor + "\n");
    tree.write(folder + "/idProduct", product + "\n");
    tree.write(folder + "/busnum", "2\n");
    tree.write(folder + "/devnum", "5\n");
    tree.write(folder + "/power/control", "on\n");
    link(name, folder);
  }
  void vision(const std::string& bus, const std::string& name,
              const std::string& controller) const {
    const std::string folder =
        "/sys/devices/pci0000:00/" + controller + "/" + bus + "/" + name + "/" + name + ":1.0";
    tree.write(folder + "/bInterfaceClass", "ef\n");
    tree.write(folder + "/bInterfaceSubClass", "05\n");
    link(name + ":1.0", folder);
  }

  [[nodiscard]] Examination look(std::vector<Group> groups = {}) {
    request.groups = std::move(groups);
    return examine(request);
  }

  static constexpr const char* kLimits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max locked memory         unlimited            unlimited            bytes     \n"
      "Max realtime priority     95                   95                             \n";

  Tree tree;
  std::shared_ptr<FakeProbes> probes = std::make_shared<FakeProbes>();
  Request request;
};

// The worst finding of a check.
Finding worst(const Examination& examination, std::string_view id) {
  const auto found = std::find_if(examination.findings.begin(), examination.findings.end(),
                                  [&](const Finding& finding) { return finding.id == id; });
  return found == examination.findings.end() ? Finding{} : *found;
}

std::string text_of(const Finding& f) {
  return f.id + " " + std::string(name_of(f.status)) + ": " + f.observed + "; " + f.reason;
}

// ------------------------------------------------------------------------------ the whole doctor

TEST_F(GoodHost, has_nothing_to_mend) {
  const auto examination = look();
  EXPECT_TRUE(examination.defects.empty());
  EXPECT_EQ(examination.end, Examination::End::complete);
  for (const auto& finding : examination.findings) {
    EXPECT_NE(finding.status, Status::fail) << text_of(finding);
    EXPECT_NE(finding.status, Status::warn) << text_of(finding);
  }
}

TEST_F(GoodHost, every_check_of_the_catalogue_finds_something) {
  const auto examination = look();
  for (const auto& check : catalogue()) EXPECT_EQ(worst(examination, check.id).id, check.id);
  for (const auto& finding : examination.findings) {
    EXPECT_TRUE(finding.id.starts_with("host." + std::string(name_of(finding.group)) + "."));
    EXPECT_FALSE(finding.wanted.empty() || finding.why.empty() || finding.reference.empty());
    if (finding.status == Status::not_applicable) {
      EXPECT_FALSE(finding.reason.empty()) << finding.id;
    }
  }
}

TEST(Catalogue, covers_the_table_of_host_checks_and_names_each_check_once) {
  std::set<int> rows;
  std::set<std::string_view> ids;
  for (const auto& check : catalogue()) {
    rows.insert(check.row);
    EXPECT_TRUE(ids.insert(check.id).second) << check.id;
  }
  for (int row = 1; row <= 32; ++row) EXPECT_TRUE(rows.contains(row)) << row;
}

TEST_F(GoodHost, every_number_is_in_the_list_of_its_group) {
  for (const auto& [name, value] : look().metrics) {
    const auto dot = name.find('.', name.find('.') + 1);
    const auto group = group_named(name.substr(5, dot - 5));
    ASSERT_TRUE(group.has_value()) << name;
    const auto names = metric_names(*group);
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

TEST(Catalogue, is_in_the_readme) {
  std::ifstream file(std::string(DAO_HIL_SOURCE_DIR) + "/hil/host/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& check : catalogue()) {
    const auto name = check.id.substr(check.id.rfind('.') + 1);
    EXPECT_NE(text.find("`" + std::string(name) + "`"), std::string::npos) << check.id;
  }
}

TEST_F(GoodHost, only_the_groups_asked_for_are_looked_at) {
  for (const auto& finding : look({Group::time}).findings) EXPECT_EQ(finding.group, Group::time);
}

TEST_F(GoodHost, an_empty_host_is_no_defect_and_no_crash) {
  const Tree empty;
  request.root = empty.folder();
  const auto examination = look();
  EXPECT_TRUE(examination.defects.empty());
  for (const auto& check : catalogue()) EXPECT_EQ(worst(examination, check.id).id, check.id);
}

TEST_F(GoodHost, a_stop_ends_it_and_says_so) {
  request.stop_requested = [] { return true; };
  const auto examination = look();
  EXPECT_EQ(examination.end, Examination::End::stopped);
  EXPECT_TRUE(examination.defects.empty());
}

TEST_F(GoodHost, a_check_that_breaks_is_a_defect_of_the_doctor) {
  struct Broken : FakeProbes {
    std::optional<KernelClock> kernel_clock() const override { throw std::runtime_error("boom"); }
  };
  request.probes = std::make_shared<Broken>();
  const auto examination = look({Group::time});
  ASSERT_EQ(examination.defects.size(), 2U);
  EXPECT_NE(examination.defects[0].find("boom"), std::string::npos);
  EXPECT_EQ(worst(examination, "host.time.sync").status, Status::not_applicable);
  EXPECT_EQ(worst(examination, "host.time.clocksource").status, Status::pass);
}

// ------------------------------------------------------------------------ each check sees its
// fault

struct Fault {
  const char* id;
  Status status;
  const char* file;  ///< is replaced by
  const char* text;  ///< this, or removed if that is nullptr
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.id << " " << fault.file; }

class FaultyHost : public GoodHost, public testing::WithParamInterface<Fault> {};

TEST_P(FaultyHost, is_seen_through) {
  const Fault& fault = GetParam();
  if (fault.text != nullptr)
    tree.write(fault.file, fault.text);
  else
    tree.remove(fault.file);
  const std::string_view id = fault.id;
  const auto group = group_named(id.substr(5, id.rfind('.') - 5));
  ASSERT_TRUE(group);
  const auto examination = look({*group});
  const auto finding = worst(examination, id);
  EXPECT_EQ(finding.status, fault.status) << text_of(finding);
  EXPECT_TRUE(examination.defects.empty());
  const double level = fault.status == Status::fail ? 2 : fault.status == Status::warn ? 1 : 0;
  EXPECT_EQ(examination.metrics.at(std::string(id) + ".level"), level);
}

constexpr Status kFail = Status::fail;
constexpr Status kWarn = Status::warn;
constexpr Status kNone = Status::not_applicable;
#define CPU "/sys/devices/system/cpu"
constexpr const char* kUsb = "/sys/bus/usb/devices/2-1";

INSTANTIATE_TEST_SUITE_P(
    Rt, FaultyHost,
    testing::Values(Fault{"host.rt.isolation", kWarn, CPU "/isolated", "\n"},
                    Fault{"host.rt.isolation", kWarn, CPU "/isolated", "garbage\n"},
                    Fault{"host.rt.isolation", kWarn, "/sys/devices/system/node/node1/cpulist",
                          "3\n"},
                    Fault{"host.rt.nohz_full", kWarn, CPU "/nohz_full", "(null)\n"},
                    Fault{"host.rt.nohz_full", kWarn, CPU "/nohz_full", "2\n"},
                    Fault{"host.rt.smt", kWarn, CPU "/cpu2/topology/thread_siblings_list", "0,2\n"},
                    Fault{"host.rt.nohz_full", kNone, CPU "/isolated", nullptr}));

INSTANTIATE_TEST_SUITE_P(
    Tuning, FaultyHost,
    testing::Values(
        Fault{"host.tuning.governor", kFail, CPU "/cpu3/cpufreq/scaling_governor", "powersave\n"},
        Fault{"host.tuning.governor", kWarn, CPU "/cpu3/cpufreq/scaling_governor", "ondemand\n"},
        Fault{"host.tuning.governor", Status::pass, CPU "/cpu0/cpufreq/scaling_governor",
              "powersave\n"},  // no real-time core
        Fault{"host.tuning.preference", kWarn, CPU "/cpu2/cpufreq/energy_performance_preference",
              "power\n"},
        Fault{"host.tuning.cstates", kWarn, CPU "/cpu2/cpuidle/state1/disable", "0\n"},
        Fault{"host.tuning.cstates", Status::pass, CPU "/cpu2/cpuidle/state1/latency", "x\n"},
        Fault{"host.tuning.throttling", kWarn, "/proc/sys/kernel/sched_rt_runtime_us", "500000\n"},
        Fault{"host.tuning.throttling", Status::pass, "/proc/sys/kernel/sched_rt_runtime_us",
              "950000\n"},
        Fault{"host.tuning.memlock", kWarn, "/proc/self/limits",
              "Max locked memory         8388608     8388608       bytes\n"},
        Fault{"host.tuning.memlock", kNone, "/proc/self/limits", nullptr},
        Fault{"host.tuning.irqs", kFail, "/proc/irq/24/smp_affinity_list", "0-3\n"},
        Fault{"host.tuning.irqbalance", kWarn, "/proc/77/comm", "irqbalance\n"},
        Fault{"host.tuning.thp", kWarn, "/sys/kernel/mm/transparent_hugepage/enabled",
              "[always] madvise never\n"},
        Fault{"host.tuning.nmi_watchdog", kWarn, "/proc/sys/kernel/nmi_watchdog", "1\n"},
        Fault{"host.tuning.timer_migration", kWarn, "/proc/sys/kernel/timer_migration", "1\n"},
        Fault{"host.tuning.stat_interval", kWarn, "/proc/sys/vm/stat_interval", "1\n"},
        Fault{"host.tuning.autogroup", kWarn, "/proc/sys/kernel/sched_autogroup_enabled", "1\n"},
        Fault{"host.tuning.pressure", kWarn, "/proc/pressure/cpu", "some avg10=12.5 total=1\n"},
        Fault{"host.tuning.pressure", kNone, "/proc/pressure/cpu", "some avg10=\n"},
        Fault{"host.tuning.cgroup", kFail, "/sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n"},
        Fault{"host.tuning.cgroup", kFail, "/sys/fs/cgroup/cpu.max", "50000 100000\n"},
        Fault{"host.tuning.cgroup", kFail, "/sys/fs/cgroup/user.slice/cpuset.cpus.effective",
              "0\n"}));

INSTANTIATE_TEST_SUITE_P(
    Others, FaultyHost,
    testing::Values(
        Fault{"host.memory.swap", kWarn, "/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n"},
        Fault{"host.usb.usbfs", kFail, "/sys/module/usbcore/parameters/usbfs_memory_mb", "16\n"},
        Fault{"host.usb.usbfs", Status::pass, "/sys/module/usbcore/parameters/usbfs_memory_mb",
              "0\n"},
        Fault{"host.usb.speed", kFail, "/sys/bus/usb/devices/2-1/speed", "480\n"},
        Fault{"host.usb.autosuspend", kFail, "/sys/bus/usb/devices/2-1/power/control", "auto\n"},
        Fault{"host.usb.speed", kNone, "/sys/bus/usb", nullptr},
        Fault{"host.shm.filesystem", kWarn, "/proc/self/mountinfo",
              "27 1 254:0 / / rw - ext4 /dev/vda rw\n"},
        Fault{"host.shm.filesystem", kNone, "/proc/self/mountinfo", nullptr},
        Fault{"host.shm.private_tmp", kFail, "/proc/self/mountinfo",
              "30 27 0:31 /systemd-private-1-hil.service/tmp /tmp rw - tmpfs tmpfs rw\n"},
        Fault{"host.shm.private_tmp", kWarn, "/run/.containerenv", ""},
        Fault{"host.shm.leftovers", kWarn, "/dev/shm/sem.gone_sem03", "x"},
        Fault{"host.shm.netd", kWarn, "/proc/99/comm", "daoShmNetd\n"},
        Fault{"host.shm.netd", kWarn, "/proc/net/tcp",
              "  sl  local_address rem_address   st\n   0: 00000000:1E1D 00000000:0000 0A 0\n"},
        Fault{"host.time.clocksource", kFail,
              "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"},
        Fault{"host.time.clocksource", kWarn,
              "/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n"},
        Fault{"host.net.mtu", kWarn, "/sys/class/net/eth0/mtu", "1500\n"},
        Fault{"host.net.mtu", kNone, "/sys/class/net/eth0", nullptr},
        Fault{"host.net.rp_filter", kWarn, "/proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n"},
        Fault{"host.net.rmem_max", kWarn, "/proc/sys/net/core/rmem_max", "212992\n"}));

TEST_F(GoodHost, a_kernel_without_rt_is_seen) {
  tree.remove("/sys/kernel/realtime");
  tree.write("/proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian\n");
  EXPECT_EQ(worst(look({Group::rt}), "host.rt.kernel").status, Status::warn);
}

TEST_F(GoodHost, without_isolated_cores_a_claim_of_summit_fails) {
  tree.write(CPU "/isolated", "\n");
  request.claim = ClaimClass::summit;
  const auto examination = look({Group::rt});
  EXPECT_EQ(worst(examination, "host.rt.isolation").status, Status::fail);
  EXPECT_EQ(worst(examination, "host.rt.class").status, Status::fail);
}

TEST_F(GoodHost, without_real_time_rights_nothing_else_matters) {
  probes->fifo = {0, "Operation not permitted"};
  const auto examination = look({Group::rt});
  EXPECT_EQ(worst(examination, "host.rt.rights").status, Status::fail);
  EXPECT_EQ(examination.findings.front().id, "host.rt.rights") << "worst first";
}

TEST_F(GoodHost, the_memory_that_may_be_locked_is_compared_with_the_fifos) {
  tree.write("/proc/self/limits", "Max locked memory         8388608     8388608       bytes\n");
  request.fifo_bytes = 8'388'608 / 2;
  EXPECT_EQ(worst(look({Group::tuning}), "host.tuning.memlock").status, Status::pass);
  *request.fifo_bytes += 1;
  EXPECT_EQ(worst(look({Group::tuning}), "host.tuning.memlock").status, Status::fail);
}

TEST_F(GoodHost, a_process_may_hold_idle_states_down) {
  tree.write(CPU "/cpu2/cpuidle/state1/disable", "0\n");
  probes->dma_latency = 10;
  EXPECT_EQ(worst(look({Group::tuning}), "host.tuning.cstates").status, Status::pass);
  probes->dma_latency = 2'000'000'000;
  EXPECT_EQ(worst(look({Group::tuning}), "host.tuning.cstates").status, Status::warn);
}

TEST_F(GoodHost, an_allowed_interrupt_and_a_banned_irqbalance_are_fine) {
  tree.write("/proc/irq/24/smp_affinity_list", "2\n");
  request.allowed_irqs = {24};
  tree.write("/proc/77/comm", "irqbalance\n");
  tree.write("/etc/default/irqbalance", "#X=1\nIRQBALANCE_BANNED_CPULIST=\"2-3\"\n");
  const auto examination = look({Group::tuning});
  EXPECT_EQ(worst(examination, "host.tuning.irqs").status, Status::pass);
  EXPECT_EQ(worst(examination, "host.tuning.irqbalance").status, Status::pass);
}

TEST_F(GoodHost, a_polling_reader_is_throttled) {
  tree.write("/proc/sys/kernel/sched_rt_runtime_us", "950000\n");
  request.polling = Request::Polling::planned;
  EXPECT_EQ(worst(look({Group::tuning}), "host.tuning.throttling").status, Status::warn);
}

TEST_F(GoodHost, a_virtual_machine_has_its_own_clock_and_no_governor) {
  tree.write("/proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
  for (int i = 0; i < 4; ++i) tree.remove(CPU "/cpu" + std::to_string(i) + "/cpufreq");
  tree.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n");
  const auto governor = worst(look({Group::tuning}), "host.tuning.governor");
  EXPECT_EQ(governor.status, Status::not_applicable);
  EXPECT_NE(governor.reason.find("virtual machine"), std::string::npos);
  EXPECT_EQ(worst(look({Group::time}), "host.time.clocksource").status, Status::pass);
}

TEST_F(GoodHost, what_only_system_calls_tell_is_judged) {
  probes->clock = Probes::KernelClock{Probes::KernelClock::Sync::free, 0, 16'000'000};
  probes->coalescing = 100;
  probes->room = Probes::Space{1000, 100};
  EXPECT_EQ(worst(look({Group::time}), "host.time.sync").status, Status::warn);
  EXPECT_EQ(worst(look({Group::time}), "host.time.tai").status, Status::warn);
  EXPECT_EQ(worst(look({Group::net}), "host.net.coalescing").status, Status::warn);
  EXPECT_EQ(worst(look({Group::shm}), "host.shm.space").status, Status::warn);
}

TEST_F(GoodHost, one_and_a_half_times_the_fifos_must_be_free) {
  probes->room = Probes::Space{3000, 1500};
  request.fifo_bytes = 1000;
  EXPECT_EQ(worst(look({Group::shm}), "host.shm.space").status, Status::pass);
  request.fifo_bytes = 1001;
  EXPECT_EQ(worst(look({Group::shm}), "host.shm.space").status, Status::warn);
}

// ------------------------------------------------------------------------------------------- usb

TEST_F(GoodHost, a_camera_that_may_not_be_opened_fails) {
  probes->usb = Probes::Access::refused;
  const auto examination = look({Group::usb});
  const auto finding = worst(examination, "host.usb.access");
  EXPECT_EQ(finding.status, Status::fail);
  EXPECT_NE(finding.observed.find("/dev/bus/usb/002/005"), std::string::npos) << finding.observed;
  EXPECT_EQ(examination.metrics.at("host.usb.cameras"), 1);
  EXPECT_EQ(examination.metrics.at("host.usb.controllers"), 2) << "two root hubs are one";
  EXPECT_EQ(examination.metrics.at("host.usb.usbfs_mb"), 1000);
}

TEST_F(GoodHost, devices_on_the_cameras_controller_compete_with_it) {
  device("usb3", "3-1", "0000:01:00.0", "5000", "0781", "5581");
  EXPECT_EQ(worst(look({Group::usb}), "host.usb.sharing").status, Status::pass)
      << "it is on another controller";
  device("usb1", "1-4", "0000:00:14.0", "480", "046d", "c31c");
  EXPECT_EQ(worst(look({Group::usb}), "host.usb.sharing").status, Status::warn);
  request.usb_cameras = {UsbId{0x046d, 0xc31c}};
  EXPECT_EQ(worst(look({Group::usb}), "host.usb.sharing").status, Status::fail);
}

TEST_F(GoodHost, what_a_device_calls_itself_does_no_harm) {
  tree.write(std::string(kUsb) + "/product", "\x1b[2J\xc2\x9b" + std::string(5000, 'A') + "\n");
  tree.write(std::string(kUsb) + "/speed", "480\n");
  const auto examination = look({Group::usb});
  for (const auto& finding : examination.findings)
    for (const auto& text : {finding.observed, finding.reason, finding.fix})
      EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
        return c >= ' ' && c <= '~';
      })) << finding.id;
  EXPECT_EQ(worst(examination, "host.usb.speed").status, Status::fail);
}

TEST(ShellWord, keeps_a_hostile_name_in_one_word) {
  EXPECT_EQ(shell_word("eth0"), "eth0");
  EXPECT_EQ(shell_word("a;reboot"), "'a;reboot'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

// ------------------------------------------------------------------------------------------- shm

class HostWithStreams : public GoodHost {
 protected:
  static shm::StreamReport stream(const std::string& path) {
    shm::StreamReport report;
    report.path = path;
    report.layout =
        shm::RecognisedLayout{shm::LayoutVersion::fifo,
                              shm::FrameFormat(shm::Shape{4, 6}, shm::PixelType::u16), 4, 0, 4304};
    report.owner = 1000;
    report.writer = shm::WriterPresence::alive;
    report.holders = {{.pid = 7, .command = "hil", .role = shm::Holder::Role::writes}};
    return report;
  }
  [[nodiscard]] Status with(const shm::StreamReport& report, std::string_view id) {
    probes->found.reports = {report};
    return worst(look({Group::shm}), id).status;
  }
};

TEST_F(HostWithStreams, a_stream_in_use_is_fine) {
  probes->found.reports = {stream("/tmp/wfs.im.shm")};
  tree.write("/dev/shm/sem.wfs_sem00", "x");
  const auto examination = look({Group::shm});
  EXPECT_EQ(examination.count(Status::fail) + examination.count(Status::warn), 0U);
}

TEST_F(HostWithStreams, what_is_wrong_with_a_stream_is_seen) {
  auto dead = stream("/tmp/wfs.im.shm");
  dead.writer = shm::WriterPresence::none;
  dead.holders.clear();
  EXPECT_EQ(with(dead, "host.shm.leftovers"), Status::warn);
  auto old = stream("/tmp/wfs.im.shm");
  old.layout->version = shm::LayoutVersion::before_fifo;
  EXPECT_EQ(with(old, "host.shm.abi"), Status::fail);
  auto shared = stream("/tmp/wfs.im.shm");
  shared.shares_semaphores_with = {"/dev/shm/wfs.raw.im.shm"};
  EXPECT_EQ(with(shared, "host.shm.duplicates"), Status::fail);
  auto surplus = stream("/tmp/wfs.im.shm");
  surplus.semaphores.surplus = 2;
  EXPECT_EQ(with(surplus, "host.shm.surplus"), Status::warn);
  auto foreign = stream("/tmp/wfs.im.shm");
  foreign.owner = 1001;
  EXPECT_EQ(with(foreign, "host.shm.protected"), Status::fail);
  tree.write("/proc/sys/fs/protected_regular", "0\n");
  EXPECT_EQ(with(foreign, "host.shm.protected"), Status::pass);
}

// ---------------------------------------------------------------------------------------- reading

TEST(Root, reads_files_and_waits_for_nothing) {
  const Tree tree;
  const Root root(tree.folder());
  tree.write("/proc/x", "  one \ntwo\n");
  EXPECT_EQ(root.line("/proc/x"), "one");
  ASSERT_EQ(::mkfifo(tree.at("/proc/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(root.read("/proc/pipe").text) << "a pipe without a writer would never answer";
  EXPECT_FALSE(root.read("/proc").text);
  const auto missing = root.read("/proc/none");
  EXPECT_FALSE(missing.text);
  EXPECT_NE(missing.reason.find("/proc/none"), std::string::npos);
  tree.write("/big", std::string(std::size_t{9} << 20, 'x'));
  EXPECT_LE(root.read("/big").text->size(), (std::size_t{8} << 20) + 16384);
  EXPECT_TRUE(root.list("/none").empty());
}

// ---------------------------------------------------------------------------------------- parsing

TEST(CpuList, is_read_and_written) {
  EXPECT_EQ(parse_cpu_list("0-2,5\n"), (Cpus{0, 1, 2, 5}));
  EXPECT_EQ(parse_cpu_list("\n"), Cpus{});
  EXPECT_EQ(cpu_list_text({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(cpu_list_text({}), "");
  for (const char* bad : {"1-", "-1", "3-1", "1,,2", "1,", "a", "(null)", "0-99999999", "1 2",
                          "99999999999999999999"})
    EXPECT_FALSE(parse_cpu_list(bad)) << bad;
}

TEST(Parsing, of_single_values) {
  EXPECT_EQ(boot_option("quiet a=1 mitigations=off a=2", "a"), "2");
  EXPECT_EQ(boot_option("x=\"a b\" y", "x"), "a b");
  EXPECT_EQ(boot_option("nosmt", "nosmt"), "");
  EXPECT_FALSE(boot_option("isolcpusx=1", "isolcpus"));
  EXPECT_EQ(chosen_of("always [madvise] never"), "madvise");
  for (const char* bad : {"", "[", "]", "[]", "][a"}) EXPECT_FALSE(chosen_of(bad)) << bad;
  EXPECT_EQ(memory_of("MemTotal:  2 kB\nMemFree: x kB\n", "MemTotal"), 2048U);
  EXPECT_FALSE(memory_of("MemFree: x kB\n", "MemFree"));
  EXPECT_FALSE(memory_of("MemFree: 99999999999999999999 kB\n", "MemFree"));
  EXPECT_EQ(capabilities_of("CapEff:\t0000000000804000\n"), (1ULL << 23) | (1ULL << 14));
  EXPECT_EQ(soft_limit("Max locked memory  unlimited unlimited bytes", "Max locked memory"),
            kUnlimited);
  EXPECT_EQ(cores_of_quota("150000 100000"), 1.5);
  EXPECT_TRUE(std::isinf(*cores_of_quota("max 100000")));
  for (const char* bad : {"", "max", "1 0", "x 100000"}) EXPECT_FALSE(cores_of_quota(bad)) << bad;
  EXPECT_EQ(cgroup_path("3:cpu,cpuacct:/a\n0::/b:c\n", ""), "/b:c");
  EXPECT_EQ(cgroup_path("3:cpu,cpuacct:/a\n0::/b\n", "cpuacct"), "/a");
  EXPECT_EQ(cache_bytes("32M"), 32ULL << 20);
  EXPECT_FALSE(cache_bytes("M"));
  EXPECT_EQ(pages_by_node("7f00 default file=/tmp/a.im.shm dirty=3 N0=2 N1=5\n7f01 N0=9\n",
                          "/tmp/a.im.shm"),
            (std::map<int, std::uint64_t>{{0, 2}, {1, 5}}));
  EXPECT_EQ(usb_id_in("046d:c31c"), (UsbId{0x046d, 0xc31c}));
  for (const char* bad : {"", "46d:c31c", "046d-c31c", "046g:c31c", "046d:c31c0"})
    EXPECT_FALSE(usb_id_in(bad)) << bad;
}

TEST(Parsing, of_mounts_finds_the_one_a_path_lies_on) {
  const auto mounts = parse_mounts(
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "2 1 0:5 / /tmp rw shared:1 master:2 - tmpfs tmpfs rw\n"
      "3 1 0:6 / /data\\040x rw - xfs /dev/sdb rw\n"
      "no mount\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mount_of(mounts, "/tmp")->type, "tmpfs");
  EXPECT_EQ(mount_of(mounts, "/tmpfoo")->type, "ext4");
  EXPECT_EQ(mount_of(mounts, "/data x/y")->type, "xfs");
  EXPECT_EQ(mount_of({}, "/"), nullptr);
}

TEST(Parsing, of_garbage_gives_nothing_and_does_no_harm) {
  std::mt19937 random(20260704);  // NOLINT: the same every time
  const std::string_view alphabet = " \n\t:0123456789-,.=[]{}\"\\CPUTN#()xA\x80\xff";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const auto length = random() % 200;
    for (std::size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    (void)parse_cpu_list(text);
    (void)parse_interrupts("CPU0 CPU1\n" + text);
    (void)parse_mounts(text);
    (void)boot_option(text, "x");
    (void)pages_by_node(text, "x");
    (void)port_state(text, 1);
    EXPECT_FALSE(parse_cyclictest_json(text));
    EXPECT_FALSE(parse_oslat_json(text));
    EXPECT_FALSE(parse_cyclictest_text(text, {0, 1}));
    EXPECT_FALSE(parse_oslat_text(text));
  }
}

// -------------------------------------------------------------------------------------- rt-tests

constexpr const char* kCyclictest = R"({"file_version": 1, "resolution_in_ns": 0, "num_threads": 2,
  "thread": {
    "0": {"histogram": {"10": 39000, "20": 996}, "cycles": 40000, "min": 10, "max": 12345,
          "avg": 32.85, "cpu": 2, "node": 0},
    "1": {"histogram": {"19": 3998}, "cycles": 3998, "min": 19, "max": 19, "avg": 19.0,
          "cpu": 3, "node": 0}}})";

TEST(Cyclictest, json_is_read_with_what_its_histogram_could_not_hold) {
  const auto cores = parse_cyclictest_json(kCyclictest);
  ASSERT_TRUE(cores);
  ASSERT_EQ(cores->size(), 2U);
  EXPECT_EQ(cores->at(0).cpu, 2);
  EXPECT_EQ(cores->at(0).latency.samples(), 40'000U);
  EXPECT_EQ(cores->at(0).latency.max(), 12345us);
  // 4 of 40000 are beyond the histogram: rank 39996 is the last within it.
  EXPECT_EQ(cores->at(0).latency.p9999(), 21us);
  EXPECT_FALSE(cores->at(1).latency.p9999()) << "3998 samples are too few";
}

TEST(Cyclictest, json_that_is_not_as_documented_is_refused) {
  const std::string good = kCyclictest;
  for (std::size_t length = 0; length < good.size(); length += 7)
    EXPECT_FALSE(parse_cyclictest_json(good.substr(0, length))) << length;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return parse_cyclictest_json(text).has_value();
  };
  EXPECT_FALSE(with("\"resolution_in_ns\": 0", "\"resolution_in_ns\": 1"));
  EXPECT_FALSE(with("\"max\": 12345", "\"max\": -1"));
  EXPECT_FALSE(with("\"max\": 12345", "\"max\": 1e300"));
  EXPECT_FALSE(with("\"max\": 12345", "\"max\": \"x\""));
  EXPECT_FALSE(with("\"cpu\": 2", "\"cpu\": -2"));
  EXPECT_FALSE(with("\"cycles\": 40000", "\"cycles\": -4"));
  EXPECT_FALSE(with("\"cycles\": 40000", "\"cycles\": 18446744073709551615"));
  EXPECT_FALSE(with("\"10\": 39000", "\"ten\": 39000"));
  EXPECT_FALSE(with("\"10\": 39000", "\"10\": -1"));
  EXPECT_FALSE(with("\"thread\"", "\"threads\""));
  EXPECT_FALSE(parse_cyclictest_json(R"({"thread": {"0": {"cpu": 0, "max": 1, "cycles": 0}}})"));
  EXPECT_FALSE(parse_cyclictest_json(std::string(200'000, '[')));
}

TEST(Cyclictest, text_is_read_in_both_forms) {
  const auto columns = parse_cyclictest_text(
      "# Histogram\n000019 000100\t000000\n000021 029900\t040000\n"
      "# Total: 000030000 000040000\n# Min Latencies: 00019 00021\n"
      "# Max Latencies: 07493 00021\n# Histogram Overflows: 00080 00000\n",
      {2, 3});
  ASSERT_TRUE(columns);
  EXPECT_EQ(columns->at(0).cpu, 2);
  EXPECT_EQ(columns->at(0).latency.samples(), 30'080U);
  EXPECT_EQ(columns->at(0).latency.max(), 7493us);
  EXPECT_EQ(columns->at(0).latency.p9999(), 7493us) << "80 of 30080 were beyond";
  EXPECT_EQ(columns->at(1).latency.p9999(), 21us);

  const auto lines = parse_cyclictest_text(
      "T: 0 ( 1742) P:90 I:1000 C:   1990 Min:     15 Act: 2928 Avg:   45 Max:    5973\n", {5});
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->at(0).cpu, 5);
  EXPECT_EQ(lines->at(0).latency.max(), 5973us);
  EXPECT_EQ(lines->at(0).latency.samples(), 1990U);

  EXPECT_FALSE(parse_cyclictest_text("# Total: 1 2\n# Max Latencies: 3\n", {0, 1}));
  EXPECT_FALSE(parse_cyclictest_text("T: 7 ( 1) P:90 I:1 C: 1 Min: 1 Act: 1 Avg: 1 Max: 1\n", {0}));
  EXPECT_FALSE(parse_cyclictest_text("", {0}));
}

TEST(Oslat, both_forms_are_read) {
  const auto json = parse_oslat_json(R"({"thread": {"0": {"cpu": 4, "freq": 2445, "min": 1,
      "avg": 1.008, "max": 8063, "duration": 1.0, "histogram": {"1": 27873990, "32": 172}}}})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at(0).cpu, 4);
  EXPECT_EQ(json->at(0).latency.max(), 8063us);
  EXPECT_EQ(json->at(0).latency.samples(), 27'874'162U);

  const auto text = parse_oslat_text(
      "oslat V 2.40\n        Core:\t 0 3\nCounter Freq:\t 2445 2445 (Mhz)\n"
      "    001 (us):\t 27873990 24899997\n    032 (us):\t 192 175 (including overflows)\n"
      "     Minimum:\t 1 1 (us)\n     Average:\t 1.008 1.009 (us)\n"
      "     Maximum:\t 8134 8113 (us)\n    Duration:\t 1.006 1.002 (sec)\n");
  ASSERT_TRUE(text);
  ASSERT_EQ(text->size(), 2U);
  EXPECT_EQ(text->at(1).cpu, 3);
  EXPECT_EQ(text->at(1).latency.max(), 8113us);
  EXPECT_FALSE(parse_oslat_text("Core: 0\n 001 (us): 1 2\nMaximum: 3 (us)\n"));
  EXPECT_FALSE(parse_oslat_text("Core: x\n"));
  EXPECT_FALSE(parse_oslat_text("Maximum: 3 (us)\n"));
}

// -------------------------------------------------------------------------------------- programs

const StopRequested kNever = [] { return false; };

TEST(Program, is_run_and_all_it_writes_is_kept_apart) {
  const auto done =
      run_program({"/bin/sh", "-c", "echo out; echo err >&2; echo extra >&3; exit 5"}, 60s, kNever);
  EXPECT_EQ(done.end, ProgramResult::End::exited);
  EXPECT_EQ(done.status, 5);
  EXPECT_EQ(done.out, "out\n");
  EXPECT_EQ(done.err, "err\n");
  EXPECT_EQ(done.extra, "extra\n");
}

TEST(Program, that_does_not_end_is_ended) {
  EXPECT_EQ(run_program({"/bin/sleep", "600"}, 100ms, kNever).end, ProgramResult::End::timed_out);
  EXPECT_EQ(run_program({"/bin/sleep", "600"}, 600s, [] { return true; }).end,
            ProgramResult::End::stopped);
  // One that closes its output and one that ignores polite requests are ended as well.
  EXPECT_EQ(run_program({"/bin/sh", "-c", "trap '' TERM INT; exec >&- 2>&- 3>&-; sleep 600"}, 100ms,
                        kNever)
                .end,
            ProgramResult::End::timed_out);
}

TEST(Program, that_floods_us_is_cut_off) {
  const auto done = run_program({"/bin/sh", "-c", "head -c 20000000 /dev/zero"}, 60s, kNever);
  EXPECT_EQ(done.end, ProgramResult::End::exited);
  EXPECT_LE(done.out.size(), (std::size_t{4} << 20) + 65536);
}

TEST(Program, that_is_not_there_is_said_to_be) {
  EXPECT_EQ(run_program({"/no/such/program"}, 60s, kNever).status, 127);
  EXPECT_FALSE(find_program("no-such-program-of-ours"));
  EXPECT_TRUE(find_program("sh"));
}

// -------------------------------------------------------------------------------------- latencies

TEST(Latency, percentiles_are_nearest_ranks) {
  LatencyHistogram histogram;
  EXPECT_FALSE(histogram.percentile(5'000));
  for (int us = 1; us <= 100; ++us) histogram.record(Duration{us * 1000LL - 1000});
  EXPECT_EQ(histogram.samples(), 100U);
  EXPECT_EQ(histogram.percentile(5'000), 50us);
  EXPECT_EQ(histogram.percentile(9'900), 99us);
  EXPECT_EQ(histogram.percentile(10'000), 99us) << "never above the largest";
  EXPECT_EQ(histogram.max(), 99us);
}

TEST(Latency, p9999_is_only_stated_with_enough_samples) {
  LatencyHistogram histogram;
  for (std::uint64_t i = 1; i < kSamplesForP9999; ++i) histogram.record(5us);
  EXPECT_FALSE(histogram.p9999());
  histogram.record(70us);
  ASSERT_TRUE(histogram.p9999());
  // 1 of 29956 is less than 1 of 10000: the 99.99th percentile is below it.
  EXPECT_EQ(histogram.p9999(), 6us);
}

TEST(Latency, what_is_beyond_the_buckets_is_kept_by_its_maximum) {
  LatencyHistogram histogram;
  histogram.record(Duration{-5});
  histogram.record(2s);
  EXPECT_EQ(histogram.max(), 2s);
  EXPECT_EQ(histogram.percentile(10'000), 2s);
  LatencyHistogram other;
  other.record(3s);
  histogram.merge(other);
  EXPECT_EQ(histogram.samples(), 3U);
  EXPECT_EQ(histogram.max(), 3s);
}

// ------------------------------------------------------------------------------------------ claim

using Core = ClaimEvidence::Core;

ClaimEvidence summit_evidence() {
  const Core core{.cpu = 2,
                  .isolation = Core::Isolation::isolated,
                  .policy = Core::Policy::fifo,
                  .p9999 = 50us,
                  .max = 60us};
  return {.kernel = ClaimEvidence::Kernel::preempt_rt, .cores = {core, core}, .frame_period = {}};
}

TEST(Claim, limits_are_those_of_the_house) {
  EXPECT_EQ(claim_of(summit_evidence()).claim, ClaimClass::summit);
  EXPECT_EQ(claim_of({}).claim, ClaimClass::desktop);
  const auto with = [](auto change) {
    auto evidence = summit_evidence();
    change(evidence, evidence.cores[1]);
    return claim_of(evidence).claim;
  };
  using E = ClaimEvidence;
  EXPECT_EQ(with([](E& e, Core&) { e.kernel = E::Kernel::ordinary; }), ClaimClass::rt);
  EXPECT_EQ(with([](E&, Core& c) { c.isolation = Core::Isolation::shared; }), ClaimClass::rt);
  EXPECT_EQ(with([](E&, Core& c) { c.p9999 = 51us; }), ClaimClass::rt);
  EXPECT_EQ(with([](E&, Core& c) { c.p9999 = 200us; }), ClaimClass::rt);
  EXPECT_EQ(with([](E&, Core& c) { c.p9999 = 201us; }), ClaimClass::desktop);
  EXPECT_EQ(with([](E&, Core& c) { c.p9999.reset(); }), ClaimClass::desktop);
  EXPECT_EQ(with([](E&, Core& c) { c.policy = Core::Policy::other; }), ClaimClass::desktop);
  EXPECT_EQ(with([](E& e, Core&) { e.frame_period = 600us; }), ClaimClass::summit);
  EXPECT_EQ(with([](E& e, Core&) { e.frame_period = 599us; }), ClaimClass::desktop);
}

// -------------------------------------------------------------------------------------- measuring

TEST(Floor, every_wake_up_counts_once) {
  const auto cores = measure_floor({0}, 100ms, kNever);
  ASSERT_EQ(cores.size(), 1U);
  if (!cores[0].refused.empty()) GTEST_SKIP() << cores[0].refused;
  EXPECT_EQ(cores[0].lateness.samples(), 400U) << "100 ms of 250 us";
}

TEST(Floor, a_core_that_is_not_there_is_refused) {
  const auto cores = measure_floor({1023, 60'000}, 10ms, kNever);
  ASSERT_EQ(cores.size(), 2U);
  for (const auto& core : cores) {
    EXPECT_FALSE(core.refused.empty());
    EXPECT_EQ(core.lateness.samples(), 0U);
  }
}

TEST(Floor, ends_when_told_to) {
  const auto cores = measure_floor({0}, 3600s, [] { return true; });
  ASSERT_EQ(cores.size(), 1U);
}

TEST(Bandwidth, is_the_median_of_rounds_over_a_bounded_buffer) {
  const auto measured = measure_bandwidth(0, 16ULL << 20, kNever);
  EXPECT_EQ(measured.buffer_bytes, 2ULL << 20) << "an eighth of what is available";
  EXPECT_EQ(measured.rounds, 9);
  EXPECT_GT(measured.bytes_per_second, 0);
  EXPECT_EQ(measure_bandwidth(0, 16ULL << 20, [] { return true; }).rounds, 0);
  EXPECT_EQ(measure_bandwidth(0, 0, kNever).rounds, 0);
}

TEST_F(GoodHost, memory_must_copy_three_times_what_the_streams_carry) {
  request.bandwidth = Request::Measure::take;
  request.stream_rate = 1;  // byte per second
  EXPECT_EQ(worst(look({Group::memory}), "host.memory.bandwidth").status, Status::pass);
  request.stream_rate = 1e15;
  const auto examination = look({Group::memory});
  EXPECT_EQ(worst(examination, "host.memory.bandwidth").status, Status::fail);
  EXPECT_GT(examination.metrics.at("host.memory.gbps"), 0);
  EXPECT_LT(examination.metrics.at("host.memory.stream_ratio"), 3);
}

TEST(Disk, the_probe_leaves_nothing_behind) {
  const Tree tree(std::filesystem::temp_directory_path());  // tmpfs knows no O_DIRECT
  const auto measured = measure_disk(tree.folder().string(), 20ms, kNever);
  EXPECT_TRUE(measured.bytes_per_second > 0 || !measured.refused.empty());
  EXPECT_TRUE(std::filesystem::is_empty(tree.folder()));
  EXPECT_FALSE(measure_disk((tree.folder() / "none").string(), 20ms, kNever).refused.empty());
}

// -------------------------------------------------------------------------------------- reporting

TEST_F(GoodHost, the_table_has_a_line_for_each_finding_worst_first_and_then_the_class) {
  tree.write("/proc/sys/vm/stat_interval", "1\n");
  tree.write(CPU "/cpu3/cpufreq/scaling_governor", "powersave\n");
  const auto examination = look({Group::tuning});
  const std::string text = table(examination);
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), examination.findings.size() + 1);
  EXPECT_TRUE(lines[0].starts_with("FAIL  host.tuning.governor")) << lines[0];
  EXPECT_NE(lines[0].find("fix: echo performance | sudo tee"), std::string::npos);
  EXPECT_TRUE(lines[1].starts_with("WARN  host.tuning.stat_interval"));
  EXPECT_TRUE(lines.back().starts_with("class desktop"));
  EXPECT_EQ(examination.metrics.at("host.tuning.fails"), 1);
  EXPECT_EQ(examination.metrics.at("host.tuning.warnings"), 1);
  EXPECT_NE(to_json(examination).find("\"host.tuning.governor\""), std::string::npos);
}

}  // namespace
}  // namespace daohil::hil::host
