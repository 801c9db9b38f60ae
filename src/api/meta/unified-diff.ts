// The difference of two values as a unified diff of their JSON: how some refusals show what changed.

const contextLines = 3;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Longest common subsequence of lines; specs are short. */
function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        before[i] === after[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: ' ', text: before[i++]! });
      j++;
    } else if (i < before.length && (j === after.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      lines.push({ mark: '-', text: before[i++]! });
    } else lines.push({ mark: '+', text: after[j++]! });
  }
  return lines;
}

/** Changes with three lines around them, neighbours in one hunk. */
export function unifiedDiff(before: unknown, after: unknown): string {
  const text = (value: unknown) => JSON.stringify(value, null, 1).split('\n');
  const lines = diffLines(text(before), text(after));
  const changed = lines.flatMap((line, index) => (line.mark === ' ' ? [] : [index]));
  const hunks: { from: number; to: number }[] = [];
  for (const index of changed) {
    const last = hunks.at(-1);
    const from = Math.max(0, index - contextLines);
    const to = Math.min(lines.length, index + contextLines + 1);
    if (last && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks.map(({ from, to }) => hunkText(lines, from, to)).join('');
}

function hunkText(lines: readonly Line[], from: number, to: number): string {
  const count = (part: readonly Line[], mark: '-' | '+') =>
    part.filter((line) => line.mark === ' ' || line.mark === mark).length;
  const place = (mark: '-' | '+') => `${count(lines.slice(0, from), mark) + 1},${count(lines.slice(from, to), mark)}`;
  const body = lines.slice(from, to).map(({ mark, text }) => `${mark}${text}\n`);
  return `@@ -${place('-')} +${place('+')} @@\n${body.join('')}`;
}
