// Fails the build when what a browser must load first has outgrown its bar (gzip bytes, from the build's manifest).
import { existsSync, readFileSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BAR = { js: 220 * 1024, css: 20 * 1024 };
const FIRST_PAGES = [
  'src/pages/Shelves.tsx',
  'src/pages/Docks.tsx',
  'src/pages/Alarms.tsx',
  'src/pages/Replenishment.tsx',
];
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));
const gz = (file) =>
  existsSync(`dist/${file}.gz`) ? statSync(`dist/${file}.gz`).size : gzipSync(readFileSync(`dist/${file}`)).length;

/** Every file that the given entries load statically. */
function closure(entries) {
  const seen = new Set();
  const out = { js: new Set(), css: new Set() };
  const visit = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    const chunk = manifest[key];
    out.js.add(chunk.file);
    for (const css of chunk.css ?? []) out.css.add(css);
    for (const next of chunk.imports ?? []) visit(next);
  };
  entries.forEach(visit);
  return out;
}

let failed = false;
for (const page of FIRST_PAGES) {
  const load = closure(['index.html', page]);
  const size = Object.fromEntries(
    ['js', 'css'].map((kind) => [kind, [...load[kind]].reduce((sum, f) => sum + gz(f), 0)]),
  );
  const bad = size.js > BAR.js || size.css > BAR.css;
  failed ||= bad;
  const kb = (n) => `${(n / 1024).toFixed(1)} KB`;
  console.log(
    `${bad ? 'TOO BIG' : 'ok     '} ${page}: js ${kb(size.js)} of ${kb(BAR.js)}, css ${kb(size.css)} of ${kb(BAR.css)} (gzip)`,
  );
}
process.exit(failed ? 1 : 0);
