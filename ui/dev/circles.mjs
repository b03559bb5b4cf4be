// No file of src may import itself by way of others: finds the circles and names them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

const { dirname, join, normalize } = posix;
const src = 'src';
const left = ['src/i18n/paraglide', 'src/api/bindings'];
const files = readdirSync(src, { recursive: true })
  .map((name) => join(src, name.replaceAll('\\', '/')))
  .filter((file) => /\.(ts|svelte)$/.test(file) && !left.some((folder) => file.startsWith(folder)));

/** The files that a file imports; types alone run nothing and close no circle. */
function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/^\s*(?:import|export)\s(?!type\s)[^;]*?from '(\.[^']+)';/gm);
  return [...found]
    .map(([, path]) => normalize(join(dirname(file), path)))
    .flatMap((path) =>
      [path, `${path}.ts`, join(path, 'index.ts')].filter((p) => files.includes(p)),
    );
}

const arrows = new Map(files.map((file) => [file, importsOf(file)]));
if (!existsSync(src) || ![...arrows.values()].some((to) => to.length)) {
  console.error('no imports were read: nothing is checked.');
  process.exit(1);
}
const done = new Set();
let circles = 0;
function walk(file, way) {
  if (way.includes(file)) {
    circles += 1;
    console.error(`circle: ${[...way.slice(way.indexOf(file)), file].join(' → ')}`);
    return;
  }
  if (done.has(file)) return;
  for (const next of arrows.get(file) ?? []) walk(next, [...way, file]);
  done.add(file);
}
for (const file of files) walk(file, []);
process.exit(circles ? 1 : 0);
