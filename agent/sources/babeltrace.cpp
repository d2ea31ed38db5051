// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/babeltrace.h"

#include <fmt/format.h>

#include <functional>
#include <map>

namespace vmflow::bt {

// Causes are appended from the innermost on: the first one says what it was, the others who was
// told.
std::string take_error() {
  const bt_error* error = bt_current_thread_take_error();
  if (error == nullptr) return "no reason was given";
  std::string text = "no reason was given";
  if (bt_error_get_cause_count(error) > 0)
    text = bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0));
  bt_error_release(error);
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  return text;
}

Result<Plugin> find_plugin(const char* name) {
  static std::map<std::string, Plugin, std::less<>> loaded;
  auto known = loaded.find(name);
  if (known == loaded.end()) {
    const bt_plugin* plugin = nullptr;
    if (bt_plugin_find(name, BT_TRUE, BT_FALSE, BT_TRUE, BT_TRUE, BT_FALSE, &plugin) !=
        BT_PLUGIN_FIND_STATUS_OK) {
      bt_current_thread_clear_error();
      return failure(fmt::format(
          "libbabeltrace2 has no plugin '{}': install the package libbabeltrace2-0", name));
    }
    known = loaded.emplace(name, plugin).first;
  }
  bt_plugin_get_ref(known->second.get());
  return Plugin(known->second.get());
}

Result<Graph> new_graph() {
  bt_logging_set_global_level(BT_LOGGING_LEVEL_NONE);
  Graph graph(bt_graph_create(0));
  if (!graph) return failure("libbabeltrace2 makes no graph: " + take_error());
  return graph;
}

void set_text(bt_value* map, const char* key, const std::string& value) {
  if (bt_value_map_insert_string_entry(map, key, value.c_str()) !=
      BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK)
    bt_current_thread_clear_error();
}

std::string uuid_text(bt_uuid uuid) {
  std::string text;
  if (uuid == nullptr) return text;
  for (size_t i = 0; i < 16; i++)
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
  return text;
}

}  // namespace vmflow::bt
