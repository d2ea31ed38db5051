// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/series_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace vmflow {
namespace {

constexpr int kDigits = 16;
constexpr double kMostWhole = 1e15;  // with fewer digits than that

void add_number(std::string& page, double value) {
  if (std::isnan(value)) return void(page += "Nan");
  if (std::isinf(value)) return void(page += value < 0 ? "-Inf" : "+Inf");
  std::array<char, 32> text;
  auto* const end = text.data() + text.size();
  // Most are whole, and quicker to write as such.
  const bool is_whole = value >= 0 && value < kMostWhole && value == std::floor(value);
  const auto written =
      is_whole ? std::to_chars(text.data(), end, static_cast<uint64_t>(value))
               : std::to_chars(text.data(), end, value, std::chars_format::general, kDigits);
  page.append(text.data(), written.ptr);
}

void add_escaped(std::string& page, std::string_view text) {
  const auto is_special = [](char c) { return c == '\\' || c == '"' || c == '\n'; };
  if (std::ranges::none_of(text, is_special)) return void(page += text);
  for (const char c : text) {
    if (is_special(c)) page += '\\';
    page += c == '\n' ? 'n' : c;
  }
}

void add_label(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels += name;
  labels += "=\"";
  add_escaped(labels, value);
  labels += '"';
}

}  // namespace

SeriesText::SeriesText(const Metric& metric, std::string& page) : metric_(metric), page_(page) {
  if (metric.kind != MetricKind::kHistogram) return;
  for (size_t i = 0; i < kSampleBuckets; i++) {
    std::string bound;
    add_number(bound, i < metric.bounds.size() ? metric.bounds[i]
                                               : std::numeric_limits<double>::infinity());
    add_label(bounds_[i], "le", bound);
  }
}

void SeriesText::begin_series(std::span<const LabelValue> values) {
  if (!std::exchange(began_, true)) {
    page_.append("# HELP ").append(metric_.name).append(" ").append(metric_.help);
    page_.append("\n# TYPE ").append(metric_.name).append(" ").append(kind_name(metric_.kind));
    page_ += '\n';
  }
  labels_.clear();
  for (size_t i = 0; i < metric_.labels.size(); i++)
    if (i < metric_.optional_labels_from || !values[i].text().empty())
      add_label(labels_, metric_.labels[i], values[i].text());
}

void SeriesText::add_line(std::string_view suffix, std::string_view bound, double value) {
  page_.append(metric_.name).append(suffix);
  if (!labels_.empty() || !bound.empty()) {
    page_.append("{").append(labels_);
    if (!labels_.empty() && !bound.empty()) page_ += ',';
    page_.append(bound).append("}");
  }
  page_ += ' ';
  add_number(page_, value);
  page_ += '\n';
}

void SeriesText::take(std::span<const LabelValue> labels, double value) {
  begin_series(labels);
  add_line("", "", value);
}

void SeriesText::take(std::span<const LabelValue> labels, const HistogramSample& histogram) {
  begin_series(labels);
  add_line("_count", "", static_cast<double>(histogram.cumulative.back()));
  add_line("_sum", "", histogram.sum);
  for (size_t i = 0; i < kSampleBuckets; i++)
    add_line("_bucket", bounds_[i], static_cast<double>(histogram.cumulative[i]));
}

}  // namespace vmflow
