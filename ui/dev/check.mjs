// Type check of everything, and a proof that the check itself works: a planted error must be found.
// (svelte-check has passed vacuously before.)
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

const canary = 'src/Canary.svelte';
const run = () =>
  spawnSync('npx', ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings'], {
    encoding: 'utf8',
  });

writeFileSync(canary, '<script lang="ts">const planted: number = "text";</script>{planted}\n');
const planted = run();
rmSync(canary);
if (planted.status === 0 || !planted.stdout.includes('Canary.svelte')) {
  console.error('svelte-check did not find the planted error: it checks nothing.');
  process.exit(1);
}
const real = run();
process.stdout.write(real.stdout);
process.stderr.write(real.stderr);
process.exit(real.status ?? 1);
