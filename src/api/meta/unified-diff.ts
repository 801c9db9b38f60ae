// The difference of two values as a unified diff of their JSON: how some refusals show what changed. There are many
// shortest diffs; this finds the one upstream finds: the longest run of equal lines first, then the same on both sides of it.

const contextLines = 3;

/** Equal lines: `before` and `after` from where, for how many. */
interface Run {
  readonly before: number;
  readonly after: number;
  readonly size: number;
}

interface Area {
  readonly beforeFrom: number;
  readonly beforeTo: number;
  readonly afterFrom: number;
  readonly afterTo: number;
}

/** What a change is: these lines go, those come. */
interface Change extends Area {}

/** Lines that stand everywhere say nothing about where they belong. */
const popularFrom = 200;

function placesOf(lines: readonly string[]): Map<string, number[]> {
  const places = Map.groupBy(lines.keys(), (index) => lines[index]!);
  if (lines.length < popularFrom) return places;
  const most = Math.floor(lines.length / 100) + 1;
  for (const [line, indices] of places) if (indices.length > most) places.delete(line);
  return places;
}

/** The first of the longest, made longer by what is equal before and after it. */
function longestRun(
  before: readonly string[],
  after: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  { beforeFrom, beforeTo, afterFrom, afterTo }: Area,
): Run {
  let best = { before: beforeFrom, after: afterFrom, size: 0 };
  let ending = new Map<number, number>();
  for (let i = beforeFrom; i < beforeTo; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(before[i]!) ?? []) {
      if (j < afterFrom) continue;
      if (j >= afterTo) break;
      const size = (ending.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { before: i - size + 1, after: j - size + 1, size };
    }
    ending = next;
  }
  let { before: i, after: j, size } = best;
  while (i > beforeFrom && j > afterFrom && before[i - 1] === after[j - 1]) {
    i--;
    j--;
    size++;
  }
  while (i + size < beforeTo && j + size < afterTo && before[i + size] === after[j + size]) size++;
  return { before: i, after: j, size };
}

function equalRuns(before: readonly string[], after: readonly string[]): Run[] {
  const places = placesOf(after);
  const runs: Run[] = [];
  const areas: Area[] = [{ beforeFrom: 0, beforeTo: before.length, afterFrom: 0, afterTo: after.length }];
  for (let area = areas.pop(); area; area = areas.pop()) {
    const run = longestRun(before, after, places, area);
    if (run.size === 0) continue;
    runs.push(run);
    areas.push({ ...area, beforeTo: run.before, afterTo: run.after });
    areas.push({ ...area, beforeFrom: run.before + run.size, afterFrom: run.after + run.size });
  }
  return runs.sort((left, right) => left.before - right.before);
}

function changesBetween(before: readonly string[], after: readonly string[]): Change[] {
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  for (const run of [...equalRuns(before, after), { before: before.length, after: after.length, size: 0 }]) {
    if (i < run.before || j < run.after) {
      changes.push({ beforeFrom: i, beforeTo: run.before, afterFrom: j, afterTo: run.after });
    }
    i = run.before + run.size;
    j = run.after + run.size;
  }
  return changes;
}

/** Changes with three lines around them, neighbours in one hunk. */
export function unifiedTextDiff(left: string, right: string): string {
  const [before, after] = [left.split('\n'), right.split('\n')];
  const hunks: Change[][] = [];
  for (const change of changesBetween(before, after)) {
    const last = hunks.at(-1);
    if (last && change.beforeFrom - last.at(-1)!.beforeTo <= 2 * contextLines) last.push(change);
    else hunks.push([change]);
  }
  return hunks.map((changes) => hunkText(before, after, changes)).join('');
}

export function unifiedDiff(before: unknown, after: unknown): string {
  return unifiedTextDiff(JSON.stringify(before, null, 1), JSON.stringify(after, null, 1));
}

function hunkText(before: readonly string[], after: readonly string[], changes: readonly Change[]): string {
  const [first, last] = [changes[0]!, changes.at(-1)!];
  const lead = Math.min(contextLines, first.beforeFrom);
  const trail = Math.min(contextLines, before.length - last.beforeTo);
  const lines: string[] = [];
  let i = first.beforeFrom - lead;
  const keepUpTo = (end: number) => {
    for (; i < end; i++) lines.push(` ${before[i]}\n`);
  };
  for (const change of changes) {
    keepUpTo(change.beforeFrom);
    for (; i < change.beforeTo; i++) lines.push(`-${before[i]}\n`);
    for (let j = change.afterFrom; j < change.afterTo; j++) lines.push(`+${after[j]}\n`);
  }
  keepUpTo(last.beforeTo + trail);
  const removed = range(first.beforeFrom - lead, last.beforeTo + trail);
  const added = range(first.afterFrom - lead, last.afterTo + trail);
  return `@@ -${removed} +${added} @@\n${lines.join('')}`;
}

/** One line has no length; none is named by the line before it. */
function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return String(from + 1);
  return `${length === 0 ? from : from + 1},${length}`;
}
