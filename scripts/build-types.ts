// The declarations of what the package exports, into dist/types/: those of `coracle/testing`, and what they refer to.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const entry = 'src/testing/index.ts';
const out = join(root, 'dist/types');

const made = mkdtempSync(join(tmpdir(), 'coracle-types-'));
try {
  const config = join(made, 'tsconfig.json');
  const compilerOptions = { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: made, rootDir: root };
  const typeRoots = [join(root, 'node_modules/@types')];
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { ...compilerOptions, typeRoots },
      include: [],
      files: [join(root, entry)],
    }),
  );
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' });
  rmSync(out, { recursive: true, force: true });
  const files = copyReferred(made);
  console.log(`types: ${files} files in ${relative(root, out)}`);
} finally {
  rmSync(made, { recursive: true, force: true });
}

/** Only what the entry's declarations name, and what those name in turn. */
function copyReferred(from: string): number {
  const waiting = [entry.replace(/\.ts$/, '.d.ts')];
  const seen = new Set(waiting);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = readFileSync(join(from, file), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g)) {
      const target = `${join(dirname(file), specifier!)}.d.ts`;
      if (seen.has(target)) continue;
      seen.add(target);
      waiting.push(target);
    }
    const target = join(out, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text.replaceAll(/((?:from |import\()['"]\.[^'"]+)\.ts(['"])/g, '$1.js$2'));
  }
  return seen.size;
}
