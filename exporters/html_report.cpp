// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_report.h"

#include <fmt/format.h>

#include "analysis/amount_text.h"
#include "exporters/html_assets.h"
#include "exporters/html_page.h"
#include "exporters/html_table.h"
#include "exporters/html_text.h"
#include "exporters/html_timeline.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

std::string fact(std::string_view name, const std::string& text, std::string_view mark = "") {
  return fmt::format("<div{}><dt>{}</dt><dd>{}</dd></div>\n",
                     mark.empty() ? "" : fmt::format(" class=\"{}\"", mark), name, html_text(text));
}

std::string finding(const TraceReport& report) {
  std::string out = "<header>\n<p class=\"title\">";
  out += html_text(report.title.empty() ? "vmflow trace report" : report.title) + "</p>\n";
  out += "<h1 id=\"finding\">" + html_text(report.finding) + "</h1>\n";
  if (!report.findings.empty()) {
    out += "<ul class=\"findings\">\n";
    for (const auto& each : report.findings) out += "<li>" + html_text(each) + "</li>\n";
    out += "</ul>\n";
  }
  out += "<dl class=\"facts\">\n";
  const bool trusted = is_trusted(report);
  out += fact(trusted ? "✓ Trust" : "! Trust", trust_text(report), trusted ? "good" : "bad");
  if (!report.trigger.name.empty())
    out += fact("Trigger", report.trigger.name + ": " + report.trigger.text);
  out += fact("Window", window_text(report.window));
  out += fact("Host", host_text(report.host));
  return out + "</dl>\n</header>\n";
}

std::string_view cause_class(Cause cause) {
  switch (cause) {
    case Cause::kNothing:
      return "nothing";
    case Cause::kOwnLoad:
      return "own";
    case Cause::kInsideVm:
      return "inside";
    case Cause::kOtherVm:
      return "other";
    case Cause::kPlatform:
      return "platform";
    case Cause::kUnknown:
      break;
  }
  return "unknown";
}

/// "3.00 s lost, 30 %; second: platform, 7 % (690 ms)": what the cause took, and of that, if work
/// is a part of it, what was lost.
std::string cost_text(const Verdict& verdict) {
  const auto lost = verdict.lost_ns == 0 ? "nothing" : time_text(verdict.lost_ns);
  const auto share = share_text(verdict.cost_ns, verdict.of_ns);
  auto text = lost + " lost";
  if (verdict.cost_ns != 0 && verdict.cost_ns == verdict.lost_ns)
    text += ", " + share;
  else if (verdict.cost_ns != 0)
    text = fmt::format("{}, {}; {}", time_text(verdict.cost_ns), share, text);
  if (verdict.second.cause != Cause::kNothing)
    text += "; second: " + cause_time_text(verdict.second, verdict.of_ns);
  return text;
}

std::string verdict_card(const ReportVm& vm, size_t place) {
  const auto& verdict = vm.verdict;
  return fmt::format(
      "<li class=\"vm\">\n<h3><a href=\"#vm-{}\"><bdi>{}</bdi></a> <span class=\"cause "
      "cause-{}\">{}</span> <span class=\"lost\">{}</span></h3>\n{}<p>{}</p>\n</li>\n",
      place, html_text(shown_name(vm.flow)), cause_class(verdict.cause), shown_cause(verdict),
      cost_text(verdict), html_bar(states_table(vm.flow)), html_text(verdict.sentence));
}

std::string overview(const TraceReport& report) {
  std::string out =
      "<section aria-labelledby=\"h-vms\">\n<h2 id=\"h-vms\">Why each VM is slow</h2>\n";
  out += "<p class=\"note\">" + html_text(overview_table(report).sentence) + "</p>\n";
  out += html_state_key(report) + "<ol class=\"vms\">\n";
  for (size_t i = 0; i < report.vms.size(); i++) out += verdict_card(report.vms[i], i);
  return out + "</ol>\n</section>\n";
}

std::string details(const TraceReport& report) {
  std::string out =
      "<section aria-labelledby=\"h-numbers\">\n<h2 id=\"h-numbers\">The numbers of each VM</h2>\n";
  for (size_t i = 0; i < report.vms.size(); i++) {
    const auto& vm = report.vms[i];
    out += fmt::format(
        "<details id=\"vm-{}\"{}>\n<summary><bdi>{}</bdi> <span "
        "class=\"label\">{}</span></summary>\n"
        "<p>{}</p>\n<div class=\"tables\">\n",
        i, i == 0 ? " open" : "", html_text(shown_name(vm.flow)),
        vm.flow.name.empty() ? "" : html_text(vm.flow.label), html_text(vm.verdict.sentence));
    for (const auto& table : vm_tables(vm, report.window)) out += html_table(table);
    out += "</div>\n</details>\n";
  }
  return out + "</section>\n";
}

std::string trust(const TraceReport& report) {
  std::string out =
      "<section aria-labelledby=\"h-trust\">\n<h2 id=\"h-trust\">Can it be trusted?</h2>\n"
      "<div class=\"tables\">\n";
  if (!report.host_clocks.empty())
    out += html_table(host_clock_table(report)) + html_table(host_packet_table(report));
  for (const auto& table : {crosscheck_table(report), sources_table(report), missing_table(report),
                            anomalies_table(report)})
    out += html_table(table);
  if (!report.crosscheck_left_out.empty()) {
    out += "<div class=\"table\"><p>Not compared, since one side cannot see it:</p>\n<ul>\n";
    for (const auto& each : report.crosscheck_left_out) out += "<li>" + html_text(each) + "</li>\n";
    out += "</ul></div>\n";
  }
  return out + "</div>\n</section>\n";
}

}  // namespace

std::string html_report(const TraceReport& report) {
  auto out =
      html_head(report.title.empty() ? "vmflow: " + report.finding : report.title, kHtml_script) +
      "<body>\n<main>\n" + finding(report) + overview(report);
  out +=
      "<section aria-labelledby=\"h-timeline\">\n<h2 id=\"h-timeline\">Timeline</h2>\n"
      "<noscript><p>The timeline needs scripts; all else on this page does "
      "without.</p></noscript>\n"
      "<div id=\"timeline\"></div>\n</section>\n";
  out += details(report) + trust(report) + "</main>\n";
  out += "<script type=\"application/json\" id=\"data\">" + timeline_json(report) + "</script>\n";
  out += "<script>";
  out += kHtml_script.text;
  return out + "</script>\n</body>\n</html>\n";
}

}  // namespace vmflow
