// Bundles src/ into dist/ for quick starts: shared chunks, lazily loaded where the source says `await import`.
import { readdirSync, rmSync, statSync } from 'node:fs';
import * as http from 'node:http';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { workerEntries } from '../src/base/worker-url.ts';

const root = join(import.meta.dirname, '..');
const workers = Object.entries(workerEntries).map(([name, entry]) => [name, join('src/base', entry)]);

/**
 * Importing `node:http` as a module touches every name it exports, and with one of them loads a WebSocket client: 14 MB
 * and 20 ms for each process. In the bundle it is taken as it is, without the names that are made on demand.
 */
const leanHttp: Plugin = {
  name: 'lean-http',
  setup({ onResolve, onLoad }) {
    const path = 'node:http';
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' || kind === 'dynamic-import' ? { path, namespace: 'lean' } : undefined,
    );
    onLoad({ filter: /^node:http$/, namespace: 'lean' }, () => {
      const own = Object.getOwnPropertyDescriptors((http as unknown as { default: object }).default);
      const names = Object.entries(own).flatMap(([name, each]) => ('value' in each ? [name] : []));
      const contents = `const http=process.getBuiltinModule('${path}');export const{${names}}=http;export default http;`;
      return { contents };
    });
  },
};

const dist = join(root, 'dist');
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { coracle: 'src/cli/main.ts', testing: 'src/testing/index.ts', ...Object.fromEntries(workers) },
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
  plugins: [leanHttp],
  // CommonJS packages inside the bundle still ask for `require`.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
  metafile: true,
});

// A cluster that runs from the former bundle still loads pieces of it now and then: they stay for a day.
const made = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
const yesterday = Date.now() - 24 * 3600 * 1000;
for (const { name } of readdirSync(dist, { withFileTypes: true }).filter((each) => each.isFile())) {
  const file = join(dist, name);
  if (!made.has(name) && statSync(file).mtimeMs < yesterday) rmSync(file);
}
