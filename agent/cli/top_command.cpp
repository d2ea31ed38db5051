// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "agent/cli/command.h"
#include "agent/cli/output.h"
#include "agent/cli/shared_flags.h"
#include "agent/cli/top_poller.h"
#include "agent/cli/top_terminal.h"
#include "agent/cli/top_text.h"
#include "agent/cli/vm_watch.h"

namespace vmflow {
namespace {

constexpr std::chrono::milliseconds kKeyWait{100};

constexpr const char* kExamples = R"(
Examples:
  vmflow top                                           all VMs, those that wait for a CPU first; h shows the keys
  vmflow top --agent http://host7:9752 --delay 5       of another host, a look every five seconds
  vmflow top --agent https://host7:9752 --ca ca.crt --user eva --password-file ~/.vmflow
                                                       of one with TLS and a password
  vmflow top --sort halt                               sorted by any column
  vmflow top -b -n 1                                   one look as text, for scripts
  vmflow top -b | grep --line-buffered web-1           one VM, for ever

Percent are of a VM's vCPU time between two looks: 100 is all of its vCPUs, all of the time.
Colours are off with --no-color, and where NO_COLOR is set or the terminal has none.
Exit status: 0 done, 1 no answer, 2 the command line is wrong.
)";

std::string column_titles() {
  std::string titles;
  for (const auto& column : top_columns())
    titles += (titles.empty() ? "" : " ") + std::string(column.title);
  return titles;
}

}  // namespace

std::function<bool()> paced(double delay_seconds) {
  const auto delay = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(delay_seconds));
  return [delay, next = std::chrono::steady_clock::now() + delay]() mutable {
    std::this_thread::sleep_until(next);
    // After a look that took longer than the delay there is no hurry to catch up.
    next = std::max(next + delay, std::chrono::steady_clock::now());
    return true;
  };
}

int run_batch(AgentClient& agent, const TopOrder& order) {
  const auto done = watch_vms(agent, {.count = order.count,
                                      .pause = paced(order.delay_seconds),
                                      .tell =
                                          [&](TopRows rows) {
                                            sort_rows(rows.rows, order.sort, false);
                                            fmt::print("{}", batch_text(rows, utc_now()));
                                            return std::fflush(stdout) == 0;
                                          },
                                      .warn = [](const std::string& text) { fail(text); }});
  if (!done) return fail(done.error().message);
  return std::ferror(stdout) == 0 ? kDone : fail("cannot write to stdout");
}

int run_top(const TopOrder& order) {
  auto terminal = TopTerminal::open(order.colour);
  if (!terminal) return fail(terminal.error().message);
  TopPoller poller(order.agent, order.delay_seconds);
  TopState state;
  state.sort = order.sort;
  state.delay_seconds = order.delay_seconds;
  TopPicture picture;
  picture.agent = order.agent.url;
  while (!state.ended) {
    if (poller.take(picture)) take_rows(state, picture.rows);
    if (order.count > 0 && poller.looks() > order.count) break;
    terminal->draw(top_view(state, picture, terminal->width(), terminal->height()));
    const auto key = terminal->key(kKeyWait);
    if (key == TopKey::kNone) continue;
    press(state, key, picture.rows, list_page(terminal->height()));
    take_rows(state, picture.rows);
    poller.want(state.screen == TopScreen::kList ? "" : state.chosen, state.delay_seconds);
  }
  return kDone;
}

std::function<int()> top_command(CLI::App& app, CLI::App*& chosen) {
  struct Flags {
    TopOrder order;
    std::string sort;
    bool no_colour = false;
  };
  const auto flags = std::make_shared<Flags>();
  auto& order = flags->order;
  chosen = app.add_subcommand("top", "show where every VM's time goes, now");
  chosen->footer(kExamples);
  add_agent_flags(*chosen, order.agent);
  add_watch_flags(*chosen, order.delay_seconds, order.count);
  chosen->add_flag("-b,--batch", order.batch, "print text for scripts instead of drawing");
  chosen->add_option("--sort", flags->sort, "column to sort by (%RDY): " + column_titles());
  chosen->add_flag("--no-color", flags->no_colour, "without colours");
  return [flags] {
    auto& order = flags->order;
    const auto column = flags->sort.empty() ? first_sort_column() : column_called(flags->sort);
    if (!column) {
      fail(fmt::format("--sort: '{}' is none of {}", flags->sort, column_titles()));
      return static_cast<int>(kUsage);
    }
    order.sort = *column;
    const char* off = std::getenv("NO_COLOR");
    order.colour = !flags->no_colour && (off == nullptr || *off == '\0');
    if (!order.batch) return run_top(order);
    HttpAgentClient agent(order.agent);
    return run_batch(agent, order);
  };
}

}  // namespace vmflow
