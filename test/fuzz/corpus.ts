// What clients really sent: the bodies, paths and headers of upstream's recordings.
import type { GoldenCase, GoldenStep } from '../upstream/golden/golden-case.ts';
import { loadRecordings } from '../upstream/recordings.ts';

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer | undefined;
  /** The body where it is JSON. */
  readonly tree: unknown;
}

let all: readonly Recorded[] | undefined;

const filled = (text: string): string => text.replaceAll('{ns}', 'default');

function recordedOf({ method, path, headers, body, raw, hex }: GoldenStep): Recorded {
  const type = headers?.['content-type'];
  const text = body === undefined ? raw : JSON.stringify(body);
  return {
    method,
    path: filled(path),
    contentType: typeof type === 'string' ? type : 'application/json',
    body: hex !== undefined ? Buffer.from(hex, 'hex') : text === undefined ? undefined : Buffer.from(filled(text)),
    tree: body === undefined ? undefined : JSON.parse(filled(JSON.stringify(body))),
  };
}

export function recordedRequests(): readonly Recorded[] {
  all ??= loadRecordings<GoldenCase>('golden').flatMap(({ setup = [], steps }) => [...setup, ...steps].map(recordedOf));
  return all;
}

const isTree = ({ tree }: Recorded): boolean => typeof tree === 'object' && tree !== null;

/** JSON bodies of that Content-Type. */
export const recordedTrees = (contentType = 'application/json'): unknown[] =>
  recordedRequests()
    .filter((each) => each.contentType === contentType && isTree(each))
    .map(({ tree }) => tree);

/** Bodies that say of what kind they are. */
export const recordedObjects = (): Record<string, unknown>[] =>
  (recordedTrees() as Record<string, unknown>[]).filter(({ kind, apiVersion }) => kind && apiVersion);
