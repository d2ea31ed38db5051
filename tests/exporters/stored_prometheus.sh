# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # server and url are for who sources this
# Sourced: a Prometheus that scrapes nothing and answers from what is stored.

# serve_stored DATA SCRATCH: its process comes to $server, its address to $url; SCRATCH/server is its log.
serve_stored() {
  local data=$1 scratch=$2 i
  printf 'global: {}\n' >"$scratch/prometheus.yml"
  prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$data" --web.listen-address=127.0.0.1:0 >"$scratch/server" 2>&1 &
  server=$!
  for ((i = 0; i < 300; i++)); do
    grep -qs 'ready to receive web requests' "$scratch/server" && break
    sleep 0.2
  done
  url=http://$(sed -n 's/.*msg="Listening on" address=\([0-9.:]*\).*/\1/p' "$scratch/server")
}
