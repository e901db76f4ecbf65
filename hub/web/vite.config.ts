import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

/** Compresses once at build time: the Go handler then only picks a file, and never compresses. */
function precompress(): Plugin {
  let out = 'dist';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      out = config.build.outDir;
    },
    closeBundle() {
      for (const path of files(out)) {
        if (!/\.(js|css|html|svg|json)$/.test(path) || statSync(path).size <= 1024) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}

/** Empties dist of the build before, all but the placeholder that lets Go embed the folder without Node. */
function sweep(keep: string): Plugin {
  let out = 'dist';
  return {
    name: 'sweep',
    apply: 'build',
    configResolved(config) {
      out = config.build.outDir;
    },
    buildStart() {
      if (!existsSync(out)) return;
      for (const name of readdirSync(out)) if (name !== keep) rmSync(join(out, name), { recursive: true });
    },
  };
}

export default defineConfig({
  plugins: [react(), sweep('placeholder.html'), precompress()],
  worker: { format: 'es' },
  build: {
    target: ['chrome111', 'firefox115', 'safari16.4'],
    sourcemap: false,
    emptyOutDir: false, // sweep does it
    assetsInlineLimit: 0, // data: URIs fight with the CSP; keep real files
    manifest: true, // scripts/size.mjs reads it
    chunkSizeWarningLimit: 350,
    rollupOptions: {
      output: {
        // Only the runtime is grouped (stable hash across releases). Grouping a UI library by folder
        // drags lazily used parts into the first load.
        codeSplitting: { groups: [{ name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ }] },
      },
    },
  },
  server: { port: 5173, proxy: { '/api': process.env.TALLYDOCK_HUB ?? 'http://127.0.0.1:8080' } },
});
