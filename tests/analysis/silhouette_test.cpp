// SPDX-License-Identifier: GPL-2.0-only
// Silhouettes by hand, and groupings by k-means.
#include "analysis/silhouette.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/made_up_vms.h"

namespace vmflow::test {
namespace {

double mean_silhouette(const PointSet& points, const std::vector<uint32_t>& labels) {
  const auto grouping = numbered(labels);
  return mean_silhouettes(points, {&grouping, 1}, 1)[0];
}

PointSet points_of(const MadeUpVms& vms) {
  PointSet points{vms.table.columns.size(), {}};
  for (const auto& row : vms.table.rows)
    points.at.insert(points.at.end(), row.values.begin(), row.values.end());
  return points;
}

/// By the definition, point by point.
double slowly(const PointSet& points, const std::vector<uint32_t>& labels, uint32_t groups) {
  const auto distance = [&](size_t a, size_t b) {
    double sum = 0;
    for (size_t j = 0; j < points.dimensions; j++)
      sum += std::pow(points.point(a)[j] - points.point(b)[j], 2);
    return std::sqrt(sum);
  };
  double all = 0;
  for (size_t i = 0; i < points.size(); i++) {
    std::vector<double> sum(groups), count(groups);
    for (size_t j = 0; j < points.size(); j++)
      if (j != i) {
        sum[labels[j]] += distance(i, j);
        count[labels[j]]++;
      }
    double next = INFINITY;
    for (uint32_t group = 0; group < groups; group++)
      if (group != labels[i]) next = std::min(next, sum[group] / count[group]);
    if (count[labels[i]] == 0) continue;
    const double own = sum[labels[i]] / count[labels[i]];
    all += (next - own) / std::max(next, own);
  }
  return all / static_cast<double>(points.size());
}

}  // namespace

// 0 and 1 | 10 and 12. Of 0: a = 1, b = (10 + 12)/2 = 11; of 1: 1, 10; of 10: 2, 9.5; of 12:
// 2, 11.5.
TEST(Silhouette, of_four_points_is_as_on_paper) {
  const PointSet line{1, {0, 1, 10, 12}};
  const double expected = (10 / 11.0 + 9 / 10.0 + 7.5 / 9.5 + 9.5 / 11.5) / 4;
  EXPECT_NEAR(mean_silhouette(line, {0, 0, 1, 1}), expected, 1e-12);
}

// Of 12, alone: 0. Of 0: a = (1 + 10)/2 = 5.5, b = 12; of 1: a = (1 + 9)/2, b = 11; of 10: a = 9.5,
// b = 2.
TEST(Silhouette, of_one_that_is_alone_is_0_and_of_one_in_a_wrong_group_below) {
  const PointSet line{1, {0, 1, 10, 12}};
  const double expected = (6.5 / 12 + 6 / 11.0 - 7.5 / 9.5) / 4;
  EXPECT_NEAR(mean_silhouette(line, {0, 0, 0, 1}), expected, 1e-12);
  EXPECT_EQ(mean_silhouette(line, {0, 0, 0, 0}), 0);
  EXPECT_EQ(mean_silhouette({1, {5, 5, 5, 5}}, {0, 0, 1, 1}), 0) << "all in one place";
}

TEST(Silhouette, is_the_definitions_in_any_number_of_dimensions) {
  const auto vms = made_up(numbered_columns("f", 7), strewn_kinds({40, 30, 20}, 7, 2), 1);
  const auto points = points_of(vms);
  EXPECT_NEAR(mean_silhouette(points, vms.kind), slowly(points, vms.kind, 3), 1e-9);
}

// 3,000 points, of which 2,000 are looked at.
TEST(Silhouette, of_some_points_is_nearly_that_of_all) {
  const auto vms = made_up(numbered_columns("f", 3), strewn_kinds({1500, 1000, 500}, 3, 2), 1);
  const auto points = points_of(vms);
  const auto of_some = mean_silhouette(points, vms.kind);
  EXPECT_NEAR(of_some, slowly(points, vms.kind, 3), 0.02);
  const auto grouping = numbered(vms.kind);
  EXPECT_EQ(of_some, mean_silhouettes(points, {&grouping, 1}, 1)[0]) << "the same seed";
}

TEST(KMeans, has_the_largest_group_first_whatever_the_seed) {
  const auto vms = made_up(numbered_columns("f", 4), strewn_kinds({10, 30, 20}, 4, 20), 1);
  const auto points = points_of(vms);
  for (uint64_t seed = 0; seed < 20; seed++) {
    const auto grouping = k_means(points, 3, seed);
    ASSERT_TRUE(grouping);
    EXPECT_EQ(adjusted_rand(grouping->label, vms.kind), 1) << seed;
    EXPECT_EQ(grouping->label[0], 2u) << "the smallest";
    EXPECT_EQ(grouping->label[10], 0u);
  }
}

// Where there are no groups, everything depends on the begin.
TEST(KMeans, has_the_same_groups_with_the_same_seed_alone) {
  const auto vms = made_up(numbered_columns("f", 4), {{400, {0, 0, 0, 0}}}, 1);
  const auto points = points_of(vms);
  for (uint64_t seed = 1; seed < 6; seed++) {
    EXPECT_EQ(k_means(points, 8, seed), k_means(points, 8, seed));
    EXPECT_NE(k_means(points, 8, seed), k_means(points, 8, seed + 1));
  }
}

TEST(KMeans, of_fewer_places_than_groups_there_is_none) {
  EXPECT_FALSE(k_means({1, {1, 1, 1, 2, 2}}, 3, 1));
  EXPECT_TRUE(k_means({1, {1, 1, 1, 2, 2}}, 2, 1));
  EXPECT_FALSE(k_means({1, {1}}, 2, 1));
  EXPECT_FALSE(k_means({}, 2, 1));
  EXPECT_FALSE(k_means({1, {1, 2}}, 0, 1));
}

TEST(KMeans, groups_are_numbered_by_size_and_then_by_their_first_points) {
  const auto grouping = numbered({5, 2, 2, 0, 5, 2});
  EXPECT_EQ(grouping.groups, 3u);
  EXPECT_EQ(grouping.label, (std::vector<uint32_t>{1, 0, 0, 2, 1, 0}));
}

}  // namespace vmflow::test
