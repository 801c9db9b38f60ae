// The suite's specs, as the suite itself lists them; and what a run is to cover.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.ts';
import { places } from './places.ts';
import { type Outcome, readReport } from './report.ts';

export interface Focus {
  /** Absent: every spec. */
  readonly sig?: string;
  /** Part of a spec's name. */
  readonly name?: string;
}

/** Those that make a cluster conformant, or those of features, clouds and other systems as well. */
export type Scope = 'conformance' | 'all';

/** `sig-apps` is a group of specs, anything else part of a spec's name. */
export function parseFocus(text: string): Focus {
  if (!text) return {};
  return /^sig-[a-z-]+$/.test(text) ? { sig: text } : { name: text };
}

/** `[sig-apps] CronJob should…` → `sig-apps`. */
export function sigOf(name: string): string {
  return /^\[(sig-[a-z-]+)\]/.exec(name)?.[1] ?? 'other';
}

export function isIn(focus: Focus, name: string): boolean {
  if (focus.sig) return sigOf(name) === focus.sig;
  return name.includes(focus.name ?? '');
}

/** Their names. */
export async function specsOf(scope: Scope): Promise<string[]> {
  const program = join(places.programs, 'e2e.test');
  const file = join(places.programs, scope === 'all' ? 'all-specs.json' : 'specs.json');
  if (!existsSync(file) || statSync(file).mtimeMs < statSync(program).mtimeMs) {
    const labels = scope === 'all' ? '' : 'Conformance';
    // Without a focus the suite leaves specs of features out.
    const flags = { 'dry-run': 'true', focus: '.', 'label-filter': labels, 'json-report': file };
    const args = Object.entries(flags).map(([name, value]) => `--ginkgo.${name}=${value}`);
    await command(program, args, { cwd: places.programs });
  }
  return readReport(readFileSync(file, 'utf8')).map(({ name }: Outcome) => name);
}
