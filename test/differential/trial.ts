// One question to both servers, and what they answered differently.

import type { Answer, WireClient } from '../upstream/client.ts';
import { differences } from '../upstream/golden/differences.ts';
import { type CaseNames, normaliseBody } from '../upstream/golden/normalise.ts';
import { run } from './bases.ts';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
  /** Default: JSON. */
  readonly type?: string;
  readonly accept?: string;
  /** What is asked then, instead of this. */
  readonly next?: (read: Read) => Question | undefined;
}

export interface Sides<T> {
  readonly upstream: T;
  readonly ours: T;
}

export interface Read {
  readonly code: number;
  readonly body: any;
  readonly warnings: readonly string[];
}

/** One event of a watch. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

export function read(answer: Answer): Read {
  const text = answer.body.toString();
  if (text.includes('\n{')) return { code: answer.code, body: text.trim().split('\n').map(parsed), warnings: [] };
  const { warning } = answer.headers;
  const warnings = warning === undefined ? [] : Array.isArray(warning) ? warning : [warning];
  try {
    return { code: answer.code, body: JSON.parse(text), warnings };
  } catch {
    return { code: answer.code, body: text, warnings };
  }
}

/** In place of an answer. */
const panicked: Read = { code: 0, body: {}, warnings: [] };

export async function askBoth(clients: Sides<WireClient>, questions: Sides<Question>): Promise<Sides<Read>> {
  const ask = async (side: keyof Sides<unknown>): Promise<Read> => {
    const { method, path, body, type = 'application/json', accept = 'application/json' } = questions[side];
    const headers = { 'content-type': type, accept };
    const text = body && JSON.stringify(body);
    try {
      const answer = read(await clients[side].request({ method, path, headers, body: text }));
      const next = questions[side].next?.(answer);
      return next ? read(await clients[side].request({ ...next, headers, body: undefined })) : answer;
    } catch (error) {
      // A Go server that panics in a handler ends the connection: nothing can be learned from that.
      if (side === 'upstream' && (error as NodeJS.ErrnoException).code === 'ECONNRESET') return panicked;
      throw new Error(`${side} did not answer ${method} ${path} ${type} ${text?.slice(0, 2000)}`, { cause: error });
    }
  };
  const [upstream, ours] = await Promise.all([ask('upstream'), ask('ours')]);
  return { upstream, ours };
}

/** Lines of what differs; none when the two agree. */
export function compareAnswers(answers: Sides<Read>, written: string, id: string): string[] {
  if (answers.upstream === panicked)
    return answers.ours.code < 500 ? [] : [`code: expected none, got ${answers.ours.code}`];
  // Names are as long on both sides.
  const names: CaseNames = { namespace: '{ns}', id, written, keepsManagedFields: true };
  const settled = withoutSuffix(nameIn(answers.upstream), nameIn(answers.ours));
  const normal = ({ code, body, warnings }: Read) => ({
    code,
    warnings: [...warnings].map((text) => normaliseBody(text, names)),
    body: normaliseBody(
      JSON.parse(
        settled(JSON.stringify(withoutRequester(body)))
          .replaceAll('kubernetes-admin', 'admin')
          .replace(/(ResourceVersion in record \()\d+/g, '$1<rv>')
          .replace(/10\.96\.\d+\.\d+/g, '<ip>')
          .replace(/(resourceVersion[\\"]*:[\\"]*)\d+/g, '$1<rv>')
          .replace(/(nodePort:)\d+/gi, '$1<port>')
          .replaceAll(run, '<run>'),
      ),
      names,
    ),
  });
  const [theirs, own] = [normal(answers.upstream), normal(answers.ours)];
  const lines = differences(theirs, own);
  const messages = [theirs.body, own.body].map((body) => (body as Record<string, unknown>)?.['message']);
  const [left, right] = messages;
  if (typeof left !== 'string' || typeof right !== 'string' || left === right) return lines;
  return [`message: ${firstDifference(left, right)}`, ...lines];
}

const nameIn = ({ body }: Read): string => body?.details?.name ?? body?.metadata?.name ?? '';

/** Generated names end in five random characters: they are taken for the same. */
function withoutSuffix(left: string, right: string): (text: string) => string {
  const base = left.slice(0, -5);
  if (left === right || !base || base !== right.slice(0, -5)) return (text) => text;
  return (text) => text.replaceAll(left, `${base}<rand>`).replaceAll(right, `${base}<rand>`);
}

/** Of two long texts, where they part. */
function firstDifference(left: string, right: string): string {
  let at = 0;
  while (left[at] === right[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 100), at + 150));
  return `expected ${around(left)}, got ${around(right)}`;
}

/** Upstream tells rules in the order of a Go map. */
function withSortedRules({ status, ...rest }: any): any {
  if (!status) return rest;
  const sorted = (rules: unknown[] = []) => rules.map((rule) => JSON.stringify(rule)).sort();
  const { resourceRules, nonResourceRules, ...others } = status;
  return { ...rest, status: { ...others, rules: [sorted(resourceRules), sorted(nonResourceRules)] } };
}

/** Who asks has another name on each side. */
function withoutRequester(body: any): any {
  if (body?.kind === 'SelfSubjectRulesReview') return withSortedRules(body);
  if (body?.kind !== 'CertificateSigningRequest') return body;
  const { username: _name, extra: _extra, groups: _groups, ...spec } = body.spec;
  return { ...body, spec };
}

const masked = (text: string): string =>
  text
    .replace(/\\\\?"/g, "'")
    .replace(/"[^"]*"|'[^']*'|\{.*\}/g, "'…'")
    .replace(/\[\d+\]|\.\d+/g, '[]')
    .replace(/-?\d+/g, 'N');

const causesOf = ({ body }: Read): string[] =>
  (body?.details?.causes ?? []).map(({ field = '', message = '' }: Record<string, string>) =>
    masked(`${field}: ${message}`),
  );

/** Differences that are probably one: names, numbers and quoted values taken out; of several causes, the first that only one side gives. */
export function signature(
  kind: string,
  action: string,
  lines: readonly string[],
  { upstream, ours }: Sides<Read>,
): string {
  const [theirs, own] = [causesOf(upstream), causesOf(ours)];
  const missing = theirs.find((cause) => !own.includes(cause));
  const extra = own.find((cause) => !theirs.includes(cause));
  const codes = upstream.code === ours.code ? '' : `${upstream.code}→${ours.code} `;
  if (missing || extra)
    return `${kind} ${action}: ${codes}${missing ? `- ${missing} ` : ''}${extra ? `+ ${extra}` : ''}`.slice(0, 300);
  const told =
    lines.find((line) => line.startsWith('body.message')) ??
    lines.find((line) => /^body|^warn/.test(line)) ??
    lines[0]!;
  return `${kind} ${action}: ${codes}${masked(told)}`.slice(0, 260);
}
