// Plays one recorded case in a namespace of its own, compares, and clears away.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, WireClient } from '../client.ts';
import { differences } from './differences.ts';
import type { GoldenCase, GoldenStep } from './golden-case.ts';
import type { CaseNames } from './normalise.ts';
import { readAnswer, type SeenAnswer } from './read-answer.ts';

const storageWaits = 100;

/** What differs, a line each; none when the server answers as upstream did. Effects may take `pollForMs` to show. */
export async function runCase(client: WireClient, golden: GoldenCase, pollForMs = 12_000): Promise<string[]> {
  const play = new Play(client, golden, pollForMs);
  try {
    return await play.run();
  } catch (error) {
    return [`request failed: ${(error as Error).message}`];
  } finally {
    await play.clearAway();
  }
}

class Play {
  readonly #client: WireClient;
  readonly #golden: GoldenCase;
  readonly #names: CaseNames;
  /** Bodies so far, by what later steps call them: "0", "s0". */
  readonly #answers = new Map<string, unknown>();
  readonly #created: string[] = [];
  readonly #pollForMs: number;

  constructor(client: WireClient, golden: GoldenCase, pollForMs: number) {
    this.#client = client;
    this.#golden = golden;
    this.#pollForMs = pollForMs;
    const steps = golden.steps.map(({ expect, ...step }) => step);
    this.#names = {
      namespace: `ns-${randomName()}`,
      id: randomName(),
      written: JSON.stringify([golden.setup, steps, golden.namespace]),
      keepsManagedFields: golden.keepManagedFields === true,
    };
  }

  async run(): Promise<string[]> {
    if (this.#usesNamespace()) {
      const refused = await this.#makeNamespace();
      if (refused) return [refused];
    }
    for (const [index, step] of (this.#golden.setup ?? []).entries()) {
      const { code, body } = await this.#perform(step, `s${index}`);
      const wanted = step.expect.code;
      if (code === wanted) continue;
      const text = JSON.stringify(body).slice(0, 400);
      return [`setup ${index} ${step.method} ${step.path}: expected code ${wanted}, got ${code} ${text}`];
    }
    const problems: string[] = [];
    for (const [index, step] of this.#golden.steps.entries()) {
      const seen = await this.#perform(step, String(index));
      if (step.expect.body === undefined) continue;
      const lines = differences(step.expect, seen);
      problems.push(...lines.map((line) => `step ${index} ${step.method} ${step.path}: ${line}`));
    }
    return problems;
  }

  #usesNamespace(): boolean {
    return this.#names.written.includes('{ns}');
  }

  async #makeNamespace(): Promise<string | undefined> {
    const metadata = { name: this.#names.namespace, ...this.#golden.namespace };
    const post = (path: string, object: unknown) =>
      this.#client.request({
        method: 'POST',
        path: this.#fill(path),
        body: this.#fill(JSON.stringify(object)),
      });
    const made = await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
    if (made.code !== 201) return `namespace: ${made.code} ${made.body}`;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    const { code } = await post('/api/v1/namespaces/{ns}/serviceaccounts', account);
    return code === 201 || code === 409 ? undefined : `default service account: ${code}`;
  }

  async #perform(step: GoldenStep, label: string): Promise<SeenAnswer> {
    const until = Date.now() + this.#pollForMs;
    for (;;) {
      const { raw, seen } = readAnswer(await this.#send(step), step, this.#names);
      this.#answers.set(label, raw);
      if (!step.poll || isSettled(step, seen) || Date.now() > until) return seen;
      await sleep(60);
    }
  }

  async #send(step: GoldenStep): Promise<Answer> {
    const headers = Object.fromEntries(
      Object.entries(step.headers ?? {}).map(([name, value]) => {
        if (value === null) return [name, value];
        return [name, typeof value === 'string' ? this.#fill(value) : value.map((each) => this.#fill(each))];
      }),
    );
    const { method, withoutCredentials } = step;
    const path = this.#fill(step.path);
    const ask = { method, path, headers, withoutCredentials, body: this.#body(step) };
    let answer = await this.#client.request(ask);
    // A custom resource defined a moment ago: its storage is still being opened.
    for (let i = 0; i < storageWaits && isOpening(answer); i++) {
      await sleep(100);
      answer = await this.#client.request(ask);
    }
    this.#remember(method, path, answer);
    return answer;
  }

  #body({ raw, hex, body }: GoldenStep): string | Buffer | undefined {
    if (raw !== undefined) return this.#fill(raw);
    if (hex !== undefined) return Buffer.from(hex, 'hex');
    return body === undefined ? undefined : this.#fill(JSON.stringify(body));
  }

  /** Puts in repetitions, values of earlier answers, and this run's names. */
  #fill(text: string): string {
    return text
      .replace(/\{\{repeat:([^:}]+):(\d+)\}\}/g, (_, part: string, count) => part.repeat(Number(count)))
      .replace(/\{\{(s?\d+)\.([^}]+)\}\}/g, (whole, label, path) => this.#quote(label, path) ?? whole)
      .replaceAll('{ns}', this.#names.namespace)
      .replaceAll('{id}', this.#names.id);
  }

  #quote(label: string, path: string): string | undefined {
    let at: any = this.#answers.get(label);
    for (const part of path.split('.')) at = at?.[part];
    if (at === undefined || at === null) return undefined;
    return typeof at === 'object' ? JSON.stringify(at) : String(at);
  }

  /** What goes with the namespace needs no remembering, but for Services: their addresses are the cluster's. */
  #remember(method: string, path: string, { code, body }: Answer): void {
    const [bare, query = ''] = path.split('?') as [string, string?];
    const isNamespaced = bare.includes(`/namespaces/${this.#names.namespace}/`) && !bare.endsWith('/services');
    if (code !== 201 || query.includes('dryRun=') || isNamespaced) return;
    if (method === 'PATCH') this.#created.push(bare);
    const name = method === 'POST' ? nameIn(body) : undefined;
    if (name) this.#created.push(`${bare}/${name}`);
  }

  async clearAway(): Promise<void> {
    const attempt = (method: string, path: string, patch?: string) =>
      this.#client
        .request({
          method,
          path,
          ...(patch ? { body: patch, headers: { 'content-type': 'application/merge-patch+json' } } : {}),
        })
        .catch(() => undefined); // the next case finds out
    for (const path of this.#created.reverse()) {
      const gone = await attempt('DELETE', `${path}?gracePeriodSeconds=0`);
      if (gone?.body.includes('"finalizers"')) await attempt('PATCH', path, '{"metadata":{"finalizers":null}}');
    }
    if (this.#usesNamespace()) await attempt('DELETE', `/api/v1/namespaces/${this.#names.namespace}`);
  }
}

function isSettled({ expect, poll }: GoldenStep, seen: SeenAnswer): boolean {
  if (expect.body !== undefined) return differences(expect, seen).length === 0;
  if (typeof poll !== 'object') return true;
  if (poll.code !== undefined && poll.code !== seen.code) return false;
  return poll.contains === undefined || JSON.stringify([seen.headers ?? {}, seen.body]).includes(poll.contains);
}

const isOpening = ({ code, body }: Answer) => code === 429 && body.includes('storage is (re)initializing');

function nameIn(body: Buffer): string | undefined {
  try {
    return JSON.parse(body.toString()).metadata?.name;
  } catch {
    return undefined; // protobuf, or no object
  }
}

/** Lower case, begins with a letter, holds nothing that reads like a word. */
function randomName(): string {
  const letters = 'bcdfghjklmnpqrstvwxz';
  const pick = (from: string) => from[randomInt(from.length)]!;
  return pick(letters) + Array.from({ length: 9 }, () => pick(`${letters}2456789`)).join('');
}
