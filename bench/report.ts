// Figures and how they are shown: one row each, with the goal or upstream's figure beside it and the ratio of the two.
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Whether less of it is better. */
  readonly isCost: boolean;
  /** What we promise. */
  readonly target?: number;
  /** What upstream does here, in the same run. */
  readonly upstream?: number;
}

/** What the machine is, in one line. */
export function describeMachine(): string {
  const all = cpus();
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${all.length} cores (${all[0]?.model.trim() ?? 'unknown'}), ${memory} GiB, Linux ${kernel}, Node ${process.versions.node}`;
}

const header = ['figure', 'Coracle', 'target', 'upstream', 'ratio'];

/**
 * The table in Markdown, columns padded so that it reads in a terminal too.
 * @param before a document whose first table was made so: its rows stay, unless they were measured anew
 */
export function table(figures: readonly Figure[], before = ''): string {
  const rows = [header, ...merged(rowsOf(before), figures.map(row))];
  const widths = header.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(header), rule, ...rows.slice(1).map(line)].join('\n');
}

function rowsOf(document: string): string[][] {
  const lines = document.split('\n');
  const from = lines.findIndex((line) => line.startsWith(`| ${header[0]} `)) + 2;
  const after = lines.findIndex((line, at) => at >= from && !line.startsWith('|'));
  if (from < 2) return [];
  return lines.slice(from, after).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** New rows in the place of those of their name, the others at the end. */
function merged(before: readonly string[][], now: readonly string[][]): string[][] {
  const left = new Map(now.map((cells) => [cells[0]!, cells]));
  const rows = before.map((cells) => {
    const anew = left.get(cells[0]!);
    left.delete(cells[0]!);
    return anew ?? cells;
  });
  return [...rows, ...left.values()];
}

function row({ name, value, unit, isCost, target, upstream }: Figure): string[] {
  const shown = (number: number | undefined) => (number === undefined ? '' : `${short(number)} ${unit}`.trim());
  const limit = target === undefined ? '' : `${isCost ? '<' : '>'} ${shown(target)}`;
  return [name, shown(value), limit, shown(upstream), ratio(value, upstream ?? target, isCost)];
}

/** How many times better than the peer, or than the target where there is no peer. */
function ratio(value: number, other: number | undefined, isCost: boolean): string {
  if (other === undefined || value === 0) return '';
  return `${short(isCost ? other / value : value / other)}×`;
}

function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

/** Prints what one file measured, when it is run alone. */
export async function printAlone(measure: () => Promise<readonly Figure[]>): Promise<void> {
  console.log(describeMachine());
  console.log(table(await measure()));
}
