// How upstream orders versions of a group: releases before betas before alphas, newer before older, all else last.
const pattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const stages: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

/** For sort: the preferred version comes first. */
export function compareVersions(a: string, b: string): number {
  const left = pattern.exec(a);
  const right = pattern.exec(b);
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const stage = (match: RegExpExecArray) => (match[2] ? stages[match[2]]! : 2);
  return (
    stage(right) - stage(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
