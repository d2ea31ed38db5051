// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agent/sources/babeltrace.h"

namespace vmflow {
namespace {

const bt_value* member(const bt_value* map, const char* key) {
  return map != nullptr && bt_value_is_map(map) ? bt_value_map_borrow_entry_value_const(map, key)
                                                : nullptr;
}

/// Calls `see` with each member of an array; of what is no array with none.
template <typename See>
void each(const bt_value* array, See see) {
  if (array == nullptr || !bt_value_is_array(array)) return;
  for (uint64_t i = 0; i < bt_value_array_get_length(array); i++)
    see(bt_value_array_borrow_element_by_index_const(array, i));
}

/// Absent: the stream has no packets, or they tell no time.
std::optional<int64_t> begin_of(const bt_value* stream) {
  const auto* begin = member(member(stream, "range-ns"), "begin");
  if (begin == nullptr || !bt_value_is_signed_integer(begin)) return std::nullopt;
  return bt_value_integer_signed_get(begin);
}

bt::Value inputs_of(const std::string& path) {
  bt::Value map(bt_value_map_create());
  bt_value* paths = nullptr;
  bt_value_map_insert_empty_array_entry(map.get(), "inputs", &paths);
  bt_value_array_append_string_element(paths, path.c_str());
  bt_value_map_insert_bool_entry(map.get(), "force-clock-class-origin-unix-epoch", BT_TRUE);
  return map;
}

}  // namespace

Result<uint64_t> last_stream_begin_ns(const std::string& path, int64_t offset_ns) {
  const auto ctf = bt::find_plugin("ctf");
  if (!ctf) return tl::unexpected(ctf.error());
  const auto* source = bt_plugin_borrow_source_component_class_by_name_const(ctf->get(), "fs");
  if (source == nullptr) return failure("libbabeltrace2 cannot read CTF");
  const auto inputs = inputs_of(path);
  const bt::QueryExecutor executor(
      bt_query_executor_create(bt_component_class_source_as_component_class_const(source),
                               "babeltrace.trace-infos", inputs.get()));
  const bt_value* infos = nullptr;
  if (!executor || bt_query_executor_query(executor.get(), &infos) != 0)
    return failure(fmt::format("cannot read the trace {}: {}", path, bt::take_error()));
  const bt::ConstValue owner(infos);
  int64_t last_ns = offset_ns;
  each(infos, [&](const bt_value* trace) {
    each(member(trace, "stream-infos"), [&](const bt_value* stream) {
      last_ns = std::max(last_ns, begin_of(stream).value_or(offset_ns));
    });
  });
  // Both are what the trace says: their difference may be any.
  return static_cast<uint64_t>(last_ns) - static_cast<uint64_t>(offset_ns);
}

}  // namespace vmflow
