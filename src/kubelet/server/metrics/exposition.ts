// Figures in Prometheus' text form.

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** When it was measured, where that is not now. */
  readonly atMs?: number;
  /** `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: Iterable<Sample>;
}

export const contentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** Families in the order of their names, those without samples left out, as Prometheus' own libraries print them. */
export function render(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of [...families].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const texts = [...samples].map((sample) => line(name, sample));
    if (texts.length > 0) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...texts);
  }
  return `${lines.join('\n')}\n`;
}

function line(name: string, { labels, value, atMs, suffix = '' }: Sample): string {
  return `${name}${suffix}${labelText(labels)} ${numberText(value)}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** In the order of their names, a bucket's bound last. */
export function labelText(labels: Labels = {}): string {
  const names = Object.keys(labels).sort((a, b) => (a === 'le' ? 1 : b === 'le' ? -1 : a < b ? -1 : 1));
  return names.length > 0 ? `{${names.map((name) => `${name}="${escaped(labels[name]!)}"`).join(',')}}` : '';
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

/** Counts, one for each set of labels. Labels come from closed sets, or of what is forgotten with `keep`. */
export class Counter implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(labels: Labels = {}, amount = 1): void {
    const key = Object.values(labels).join('\0');
    const found = this.#values.get(key);
    if (found) found.value += amount;
    else this.#values.set(key, { labels, value: amount });
  }

  /** Forgets the others. */
  keep(isWanted: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#values) if (!isWanted(labels)) this.#values.delete(key);
  }

  get samples(): Iterable<Sample> {
    return this.#values.values();
  }
}

interface Cell {
  readonly labels: Labels;
  readonly counts: number[];
  count: number;
  sum: number;
}

export const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Histogram implements Family {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #cells = new Map<string, Cell>();

  constructor(name: string, help: string, bounds: readonly number[] = defaultBuckets) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
  }

  observe(value: number, labels: Labels = {}): void {
    const key = Object.values(labels).join('\0');
    let cell = this.#cells.get(key);
    if (!cell) {
      cell = { labels, counts: this.#bounds.map(() => 0), count: 0, sum: 0 };
      this.#cells.set(key, cell);
    }
    cell.count += 1;
    cell.sum += value;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    if (index >= 0) cell.counts[index]! += 1;
  }

  keep(isWanted: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#cells) if (!isWanted(labels)) this.#cells.delete(key);
  }

  get samples(): Iterable<Sample> {
    return this.#samples();
  }

  *#samples(): Iterable<Sample> {
    for (const { labels, counts, count, sum } of this.#cells.values()) {
      let total = 0;
      for (const [index, bound] of this.#bounds.entries()) {
        total += counts[index]!;
        yield { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: total };
      }
      yield { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count };
      yield { suffix: '_sum', labels, value: sum };
      yield { suffix: '_count', labels, value: count };
    }
  }
}
