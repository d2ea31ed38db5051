// SPDX-License-Identifier: GPL-2.0-only
// What a look and a page cost the agent on hosts of 1 to 4,000 VMs, beside what they may cost.
// Arguments: numbers of VMs, if not those. Each host has a process of its own, for its memory.
#include <fmt/format.h>
#include <httplib.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/http/gzip.h"
#include "agent/http/server.h"
#include "agent/sources/kept_looks.h"
#include "agent/sources/slot_reader.h"
#include "analysis/build_model.h"
#include "exporters/prometheus_text.h"
#include "tests/bench/made_up_host.h"

namespace vmflow::bench {
namespace {

constexpr size_t kTimes = 11, kWarmUp = 2, kScrapes = 100;

struct Figure {
  std::array<double, kTimes> ms{};
  double median() const {
    auto sorted = ms;
    std::ranges::sort(sorted);
    return sorted[kTimes / 2];
  }
};

/// Of one host. Shape: no pointers, as it is written by another process.
struct Figures {
  Figure read, model, keep, render, gzip;
  double scrape_ms = 0, scrape_p99_ms = 0;
  double page_mib = 0, gzip_mib = 0;
  uint64_t series = 0;
  double kept_mib = 0, resident_mib = 0, most_resident_mib = 0;
};

template <typename Work>
double ms_of(Work work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  return took.count();
}

double mib_in_status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::atof(line.c_str() + field.size()) / 1024;
  return 0;
}

/// An agent of which only the kernel is made up.
class Watched {
 public:
  explicit Watched(uint32_t vms) : host_(vms) {}

  /// Shape: `place`: where its times go. `with_pairs`: as one tick in five.
  FlowModel look(bool with_pairs, Figures& figures, size_t place) {
    host_.run_a_second();
    auto snapshot = host_.look_without_slots(with_pairs);
    figures.read.ms[place] = ms_of([&] { read_slots(host_.slots(), std::move(room_), snapshot); });
    Built built;
    figures.model.ms[place] = ms_of([&] { built = build_model(snapshot, std::move(carry_)); });
    carry_ = std::move(built.carry);
    figures.keep.ms[place] = ms_of([&] {
      if (kept_.is_due(snapshot.now_ns)) kept_.keep(snapshot);
    });
    room_ = std::move(snapshot.slots);
    return std::move(built.model);
  }

  double kept_mib() const { return static_cast<double>(kept_.bytes()) / (1 << 20); }

 private:
  MadeUpHost host_;
  Carry carry_;
  KeptLooks kept_;
  std::vector<SlotCopy> room_;
};

/// Of what `work` takes `times` times, the median and that of the slowest but one in a hundred.
template <typename Work>
std::pair<double, double> median_and_p99(size_t times, Work work) {
  std::vector<double> ms;
  for (size_t i = 0; i < times; i++) ms.push_back(ms_of(work));
  std::ranges::sort(ms);
  return {ms[times / 2], ms[times - 1 - times / 100]};
}

/// A client that asks for gzip, one scrape after the other, as from another process.
void measure_scrapes(Watched& watched, PrometheusPages& pages, Figures& figures) {
  Figures unused;
  SharedPages shared([&] { return pages.next(watched.look(false, unused, 0)); });
  const auto server = HttpServer::start({}, {.metrics = [&] { return shared.get(); },
                                             .api = [](const auto&) { return std::nullopt; },
                                             .ready = [] { return true; }});
  if (!server) return;
  httplib::Client client("127.0.0.1", server->port());
  client.set_decompress(false);
  client.set_read_timeout(60);
  std::tie(figures.scrape_ms, figures.scrape_p99_ms) = median_and_p99(kScrapes, [&] {
    client.Get("/metrics", httplib::Headers{{"Accept-Encoding", "gzip"}});
  });
}

void measure(uint32_t vms, Figures& figures) {
  Watched watched(vms);
  PrometheusPages pages({.most_series = 10'000'000});
  for (size_t i = 0; i < kWarmUp + kTimes; i++) {
    const size_t place = i < kWarmUp ? 0 : i - kWarmUp;
    auto model = watched.look(i % 5 == 0, figures, place);
    std::string page, zipped;
    figures.render.ms[place] = ms_of([&] { page = pages.next(std::move(model)); });
    figures.gzip.ms[place] = ms_of([&] { zipped = gzip(page); });
    figures.page_mib = static_cast<double>(page.size()) / (1 << 20);
    figures.gzip_mib = static_cast<double>(zipped.size()) / (1 << 20);
    figures.series = pages.page().series;
  }
  measure_scrapes(watched, pages, figures);
  figures.kept_mib = watched.kept_mib();
  figures.resident_mib = mib_in_status("VmRSS:");
  figures.most_resident_mib = mib_in_status("VmHWM:");
}

Figures measure_apart(uint32_t vms) {
  void* shared =
      mmap(nullptr, sizeof(Figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) std::exit(EXIT_FAILURE);
  auto* figures = new (shared) Figures;
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    measure(vms, *figures);
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) fmt::print("{} VMs: failed, status {}\n", vms, status);
  return *figures;
}

void print(const char* name, const Figure& figure, uint32_t vms, double limit_ms) {
  const auto [least, most] = std::ranges::minmax(figure.ms);
  fmt::print("  {:8} {:9.2f} ms  ({:.2f} to {:.2f})  {:7.1f} us a VM", name, figure.median(), least,
             most, figure.median() * 1000 / vms);
  if (limit_ms > 0) fmt::print("  target {:.0f} ms", limit_ms);
  fmt::print("\n");
}

void print(uint32_t vms, const Figures& figures) {
  const bool has_targets = vms == 1000;
  Figure look;
  for (size_t i = 0; i < kTimes; i++) look.ms[i] = figures.read.ms[i] + figures.model.ms[i];
  fmt::print("{} VMs, {} vCPUs: {} series, page {:.2f} MiB, gzip {:.2f} MiB\n", vms,
             vms * kVcpusPerVm, figures.series, figures.page_mib, figures.gzip_mib);
  print("read", figures.read, vms, 0);
  print("model", figures.model, vms, 0);
  print("look", look, vms, has_targets ? 20 : 0);
  print("render", figures.render, vms, has_targets ? 150 : 0);
  print("gzip", figures.gzip, vms, 0);
  fmt::print("  keep     {:9.2f} ms every third second, six looks {:.1f} MiB\n",
             std::ranges::max(figures.keep.ms), figures.kept_mib);
  fmt::print("  scrape   {:9.2f} ms, p99 {:.2f} ms{}\n", figures.scrape_ms, figures.scrape_p99_ms,
             has_targets ? "  target 100 ms" : "");
  fmt::print("  resident {:.0f} MiB, at most {:.0f} MiB{}\n", figures.resident_mib,
             figures.most_resident_mib, has_targets ? "  target 128 MiB" : "");
}

}  // namespace
}  // namespace vmflow::bench

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 1);  // as vmflowd
  std::vector<uint32_t> hosts = {1, 10, 100, 1000, 4000};
  if (argc > 1) hosts.clear();
  for (int i = 1; i < argc; i++) hosts.push_back(static_cast<uint32_t>(std::atoi(argv[i])));
  for (const auto vms : hosts) vmflow::bench::print(vms, vmflow::bench::measure_apart(vms));
}
