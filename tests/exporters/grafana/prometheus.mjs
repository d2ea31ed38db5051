// SPDX-License-Identifier: GPL-2.0-only
// Questions to a Prometheus.

/** The result of `kind` (query, query_range) of the Prometheus at `url`. Errors: throws what it refuses. */
export async function ask(url, kind, parameters) {
  const answer = await (await fetch(new URL(`api/v1/${kind}`, url.endsWith('/') ? url : `${url}/`), { method: 'POST', body: new URLSearchParams(parameters) })).json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data.result;
}
