// Which of the versions that a driver speaks is used: the highest 1.x.

interface Version {
  readonly text: string;
  readonly parts: readonly number[];
}

function parse(text: string): Version | undefined {
  const [, digits = ''] = /^\s*v?([0-9]+(?:\.[0-9]+)*)/.exec(text) ?? [];
  const parts = digits.split('.').map(Number);
  return parts.length >= 2 ? { text: parts.join('.'), parts } : undefined;
}

/** Below, at or above zero, as for sorting. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a)?.parts ?? [], parse(b)?.parts ?? []];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @throws Error in upstream's words when none will do */
export function highestVersion(versions: readonly string[]): string {
  let highest: Version | undefined;
  let problem = '<nil>';
  for (const text of versions.toReversed()) {
    const version = parse(text);
    if (!version) problem = `could not parse ${JSON.stringify(text)} as version`;
    else if (version.parts[0]! <= 1 && (!highest || compareVersions(highest.text, version.text) < 0)) highest = version;
  }
  if (!highest)
    throw new Error(
      `could not find a highest supported version from versions ([${versions.join(' ')}]) reported: ${problem}`,
    );
  if (highest.parts[0] !== 1) throw new Error(`highest supported version reported is ${highest.text}, must be v1.x`);
  return highest.text;
}
