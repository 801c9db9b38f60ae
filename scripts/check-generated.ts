// Fails when generated/ is not what the generator writes from facts/ today.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const fresh = mkdtempSync(join(tmpdir(), 'coracle-generated-'));
try {
  execFileSync(process.execPath, [join(root, 'scripts/generate-types.ts'), fresh]);
  const names = new Set([...readdirSync(fresh), ...readdirSync(join(root, 'generated'))]);
  const read = (folder: string, name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const stale = [...names].filter((name) => read(fresh, name) !== read(join(root, 'generated'), name));
  if (stale.length > 0) {
    console.error(`generated/ is stale (${stale.join(', ')}): run make generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
