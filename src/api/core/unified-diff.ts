// The difference of two texts as `diff -u` prints it, without file names: what upstream puts into some errors.

const context = 3;

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

export function unifiedDiff(before: string, after: string): string {
  const edits = editsBetween(before.split('\n'), after.split('\n'));
  return hunksOf(edits)
    .map(([start, end]) => formatHunk(edits, start, end))
    .join('');
}

/** Longest common subsequence of what is left between the common head and tail. */
function editsBetween(before: string[], after: string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail))
    tail++;
  const same = (lines: string[]): Edit[] => lines.map((line) => ({ sign: ' ', line }));
  const left = before.slice(head, before.length - tail);
  const right = after.slice(head, after.length - tail);
  return [...same(before.slice(0, head)), ...middle(left, right), ...same(before.slice(before.length - tail))];
}

function middle(left: string[], right: string[]): Edit[] {
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        left[i] === right[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const edits: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      edits.push({ sign: ' ', line: left[i++]! });
      j++;
    } else if (i < left.length && (j >= right.length || lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      edits.push({ sign: '-', line: left[i++]! });
    } else edits.push({ sign: '+', line: right[j++]! });
  }
  return edits;
}

/** Ranges of edits with their context; close ones are one. */
function hunksOf(edits: readonly Edit[]): [number, number][] {
  const hunks: [number, number][] = [];
  edits.forEach(({ sign }, index) => {
    if (sign === ' ') return;
    const start = Math.max(0, index - context);
    const end = Math.min(edits.length, index + context + 1);
    const last = hunks.at(-1);
    if (last && start <= last[1]) last[1] = end;
    else hunks.push([start, end]);
  });
  return hunks;
}

function formatHunk(edits: readonly Edit[], start: number, end: number): string {
  const count = (from: number, to: number, sign: '-' | '+'): number =>
    edits.slice(from, to).filter((edit) => edit.sign === ' ' || edit.sign === sign).length;
  const range = (sign: '-' | '+'): string => {
    const lines = count(start, end, sign);
    const first = count(0, start, sign) + (lines === 0 ? 0 : 1);
    return lines === 1 ? `${first}` : `${first},${lines}`;
  };
  const body = edits.slice(start, end).map(({ sign, line }) => `${sign}${line}\n`);
  return `@@ -${range('-')} +${range('+')} @@\n${body.join('')}`;
}
