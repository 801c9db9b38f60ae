// Bundles src/ into dist/ for quick starts: shared chunks, lazily loaded where the source says `await import`.
import { rmSync } from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
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
  plugins: [leanHttp],
  // CommonJS packages inside the bundle still ask for `require`.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
