// SPDX-License-Identifier: GPL-2.0-only
// Holds dashboards against Grafana's types, in a folder where `npm ci` has put them: each becomes a constant of that type.
// usage: node check_types.mjs FOLDER DASHBOARD...
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [folder, ...dashboards] = process.argv.slice(2);
const files = dashboards.map((path) => {
  const file = join(folder, `${basename(path, '.json')}.ts`);
  writeFileSync(file, `import type { Dashboard } from './dashboard_types';\nexport const dashboard: Dashboard = ${readFileSync(path, 'utf8')};\n`);
  return basename(file);
});
const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck'];
const tsc = spawnSync(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), ...flags, ...files], {
  cwd: folder,
  encoding: 'utf8',
});
process.stdout.write(`${tsc.stdout}${tsc.stderr}`);
if (tsc.status === 0) console.log(`${files.length} dashboards have the types that Grafana expects`);
process.exit(tsc.status === 0 ? 0 : 1);
