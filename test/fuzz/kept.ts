// Inputs that failed once, one file each: TARGET/NAME. They are tried again in every run of the tests.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'kept');

export function keptInputs(target: string): { name: string; input: Uint8Array }[] {
  const inside = join(folder, target);
  if (!existsSync(inside)) return [];
  return readdirSync(inside)
    .sort()
    .map((name) => ({ name, input: readFileSync(join(inside, name)) }));
}

/** Gives the file's path from the repository's root. */
export function keep(target: string, input: Uint8Array): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  mkdirSync(join(folder, target), { recursive: true });
  writeFileSync(join(folder, target, name), input);
  return `test/fuzz/kept/${target}/${name}`;
}
