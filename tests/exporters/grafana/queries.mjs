// SPDX-License-Identifier: GPL-2.0-only
// What the scripts of this folder know of a dashboard's queries.

/** Every place of a dashboard that has PromQL. */
export function queries(dashboard) {
  const all = [];
  for (const panel of dashboard.panels)
    for (const target of panel.targets ?? [])
      all.push({ where: `panel ${panel.id} (${panel.title}) ${target.refId}`, expr: target.expr, panel, target });
  for (const annotation of dashboard.annotations.list)
    all.push({ where: `annotation ${annotation.name}`, expr: annotation.target.expr, annotation });
  for (const variable of dashboard.templating.list)
    if (variable.type === 'query') all.push({ where: `variable ${variable.name}`, expr: unwrapped(variable.query.query), variable });
  return all;
}

/** label_values(METRIC, LABEL) and query_result(EXPR) are Grafana's; PromQL is what they hold. */
function unwrapped(query) {
  const labels = /^label_values\((.+),\s*(\w+)\)$/.exec(query);
  if (labels) return `group by (${labels[2]}) (${labels[1]})`;
  return /^query_result\((.+)\)$/s.exec(query)?.[1] ?? query;
}

/** `expr` with Grafana's variables replaced as Grafana would. Anything that is left over stays for PromQL to refuse. */
export function filledIn(expr, values) {
  return expr.replace(/\$(?:\{(\w+)(?::\w+)?\}|([a-zA-Z_]\w*))/g, (whole, braced, bare) => values[braced ?? bare] ?? whole);
}
