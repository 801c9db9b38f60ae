// Objects to begin with: everything that upstream's recordings show it accepted, and some of further kinds.
import type { GoldenCase } from '../upstream/golden/golden-case.ts';
import { loadRecordings } from '../upstream/recordings.ts';
import { moreBases } from './more-bases.ts';
import { typeOf } from './schema.ts';

export interface Base {
  /** Of the recording it comes from. */
  readonly id: string;
  /** `/apis/apps/v1/namespaces/{ns}/deployments` */
  readonly collection: string;
  readonly kind: string;
  readonly type: string;
  /** With `{ns}` and `{id}` in it. */
  readonly body: string;
}

/** Limits and quotas are kept apart from what they would limit. */
/** Runs may share servers. */
export const run = Date.now().toString(36);
const [common, apart] = [`differential-${run}`, `limits-${run}`] as const;
export const namespaces: readonly string[] = [common, apart];

const namespaceOf = ({ kind }: Base): string => (/(?:LimitRange|ResourceQuota)$/.test(kind) ? apart : common);

/** Whether one that is stored leaves other requests as they are. */
export const isInert = ({ kind }: Base): boolean =>
  !/(?:WebhookConfiguration|PolicyBinding|APIService|CustomResourceDefinition|Review)$/.test(kind);

/** Kinds that are never stored, or whose creation is more than an object. */
const left = /\/(?:bindings|token|eviction|\w+reviews|namespaces)$/;

export function loadBases(): Base[] {
  const seen = new Set<string>();
  const recorded = loadRecordings<GoldenCase>('golden').flatMap((golden) => {
    if (golden.setup && golden.setup.length > 0) return [];
    return (golden.steps as any[]).flatMap((step) => {
      const { method, path, body, expect } = step;
      if (method !== 'POST' || expect?.code !== 201 || !body?.kind || path.includes('?') || left.test(path)) return [];
      const text = JSON.stringify(body);
      const type = typeOf(body.apiVersion, body.kind);
      const key = path + text;
      if (!type || text.includes('{{') || text.length > 20_000 || seen.has(key)) return [];
      seen.add(key);
      return [{ id: golden.id, collection: path, kind: `${body.apiVersion} ${body.kind}`, type, body: text }];
    });
  });
  return [...recorded, ...moreBases];
}

/** The object with its own name, in the namespace of this run. */
export function placed(base: Base, name: string): Record<string, any> {
  const { body } = base;
  const object = JSON.parse(body.replaceAll('{ns}', namespaceOf(base)).replaceAll('{id}', name)) as Record<string, any>;
  object['metadata'] ??= {};
  // Reviews have no name; all else has one.
  if (!/Review$/.test(base.kind) && !/"name":"[^"]*\{id\}/.test(body)) object['metadata'].name = name;
  return object;
}

export const pathOf = (base: Base): string => base.collection.replaceAll('{ns}', namespaceOf(base));
