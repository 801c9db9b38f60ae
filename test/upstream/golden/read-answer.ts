// From the answer on the wire to what the recording holds of it.
import type { Answer } from '../client.ts';
import type { GoldenStep } from './golden-case.ts';
import { type CaseNames, compare, foreignGroup, normaliseBody, normaliseText } from './normalise.ts';

export interface SeenAnswer {
  readonly code: number;
  readonly headers?: Record<string, unknown>;
  readonly body: unknown;
}

/** `{ raw }` is the body as it came, for later steps that quote from it. */
export function readAnswer(answer: Answer, step: GoldenStep, names: CaseNames): { raw: unknown; seen: SeenAnswer } {
  const raw = parseBody(answer, step);
  const headers = readHeaders(answer, step, names);
  const whole = { body: normaliseBody(raw, names) };
  for (const path of step.ignore ?? []) replaceAt(whole, pathOf(path), () => '<ignored>');
  for (const path of step.unordered ?? []) replaceAt(whole, pathOf(path), sortList);
  const body = step.only ? pickPaths(whole.body, step.only) : whole.body;
  return { raw, seen: { code: answer.code, ...(Object.keys(headers).length > 0 ? { headers } : {}), body } };
}

function readHeaders(answer: Answer, step: GoldenStep, names: CaseNames): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  const { rawHeaders } = answer;
  const warnings = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === 'warning');
  if (warnings.length > 0) headers['warning'] = warnings.map((each) => normaliseText(each, names));
  for (const name of step.headersOfInterest ?? []) {
    const value = answer.headers[name];
    headers[name] = value === undefined ? null : normaliseText(String(value), names);
  }
  return headers;
}

function parseBody({ headers, body }: Answer, step: GoldenStep): unknown {
  if (headers['content-type']?.includes('protobuf')) {
    const hex = body.toString('hex');
    return { hex: step.prefix === undefined ? hex : hex.slice(0, step.prefix * 2) };
  }
  const text = body.toString();
  if (step.text || text === '') return text;
  const isWatch = /[?&]watch=(?:true|1)\b|\/watch\//.test(step.path);
  try {
    if (!isWatch) return JSON.parse(text);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return { events: lines.map((line) => JSON.parse(line)) };
  } catch {
    return text;
  }
}

const pathOf = (path: string) => ['body', ...(path === '' ? [] : path.split('.'))];

/** Changes every value at a path; `*` is every member. */
function replaceAt(value: unknown, path: readonly string[], change: (value: unknown) => unknown): void {
  if (value === null || typeof value !== 'object') return;
  const tree = value as Record<string, unknown>;
  const [head, ...rest] = path as [string, ...string[]];
  for (const key of head === '*' ? Object.keys(tree) : [head]) {
    if (!Object.hasOwn(tree, key)) continue;
    if (rest.length > 0) replaceAt(tree[key], rest, change);
    else tree[key] = change(tree[key]);
  }
}

function sortList(list: unknown): unknown {
  if (!Array.isArray(list)) return list;
  return list
    .map((item) => [sortedJson(item), item] as const)
    .sort(([a], [b]) => compare(a, b))
    .map(([, item]) => item);
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, item) => {
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => compare(a, b)));
  });
}

/** Keeps these paths alone; `#` stands for the sorted keys of what it follows. */
function pickPaths(body: unknown, paths: readonly string[]): Record<string, unknown> {
  const pick = (path: string) => {
    let at: any = body;
    for (const part of path.split('.')) {
      if (at === null || at === undefined) break;
      if (part === '#')
        at = Object.keys(at)
          .filter((key) => !foreignGroup.test(key))
          .sort();
      else at = at[part];
    }
    return at ?? '<absent>';
  };
  return Object.fromEntries(paths.map((path) => [path, pick(path)]));
}
