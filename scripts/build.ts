// Bundles src/ into dist/ for quick starts: shared chunks, lazily loaded where the source says `await import`.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { workerEntries } from '../src/base/worker-url.ts';

const root = join(import.meta.dirname, '..');
const workers = Object.entries(workerEntries).map(([name, entry]) => [name, join('src/base', entry)]);
rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { coracle: 'src/cli/main.ts', ...Object.fromEntries(workers) },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  target: 'node24',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  // CommonJS packages inside the bundle still ask for `require`.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
