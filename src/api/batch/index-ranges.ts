// Sets of completion indexes in short form: `1,3-5,7`.

/** How many indexes there are; throws with upstream's words where the text is no rising list below `completions`. */
export function countIndexes(text: string, completions: number): number {
  if (text === '') return 0;
  let total = 0;
  let last: number | undefined;
  for (const fragment of text.split(',')) {
    const [first, end] = readInterval(fragment, completions);
    if (last !== undefined && last >= first) throw new Error(orderMessage(last, first));
    total += end - first + 1;
    last = end;
  }
  return total;
}

/** The first index that both have; undefined too for texts that are no such lists. */
export function firstCommonIndex(one: string, other: string, completions: number): number | undefined {
  try {
    const [left, right] = [one, other].map((text) =>
      text.split(',').map((fragment) => readInterval(fragment, completions)),
    ) as [[number, number][], [number, number][]];
    for (let i = 0, j = 0; i < left.length && j < right.length; ) {
      const [[a, b], [c, d]] = [left[i]!, right[j]!];
      if (a <= d && c <= b) return Math.max(a, c);
      if (b < d) i++;
      else j++;
    }
  } catch {
    // Said where each of them is looked at.
  }
  return undefined;
}

const orderMessage = (previous: number, current: number): string =>
  `non-increasing order, previous: ${previous}, current: ${current}`;

function readInterval(fragment: string, completions: number): [number, number] {
  const limits = fragment.split('-');
  if (limits.length > 2) {
    throw new Error(
      `the fragment "${fragment}" violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  }
  const [first, end = first] = limits.map((limit) => readIndex(limit, completions)) as [number, number?];
  if (limits.length === 2 && first >= end) throw new Error(orderMessage(first, end));
  return [first, end];
}

function readIndex(text: string, completions: number): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new Error(`cannot convert string to integer for index: "${text}"`);
  if (Number(text) >= completions) throw new Error(`too large index: "${text}"`);
  return Number(text);
}
