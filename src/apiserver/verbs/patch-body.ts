// A patch as the client sent it: its kind by Content-Type, and how it changes an object.
import { unsupportedMediaType } from '../../api/meta/status-error.ts';
import { ownTurn } from '../../base/turns.ts';
import { isLargeJson } from '../../schema/body-thread.ts';
import { header } from '../http/exchange.ts';
import { mediaTypeOf } from '../http/media-type.ts';
import type { Call } from './call.ts';
import { maxBodyBytes } from './decode-body.ts';
import type { Patch } from './patch-type.ts';

const types: Record<string, Patch['type']> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export function patchType(call: Call): Patch['type'] {
  const type = types[mediaTypeOf(header(call.http, 'content-type'))];
  if (!type) {
    const error = unsupportedMediaType('415: Unsupported Media Type');
    error.status.details = {};
    throw error;
  }
  // Lists of custom resources have no merge keys that a client could know of.
  if (type === 'strategic' && call.resource.custom) {
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
  }
  return type;
}

let patchKinds: typeof import('./patch-kinds.ts') | undefined;

/** An import that was done before is looked up again each time, on disk. */
export async function loadPatchKinds(): Promise<typeof import('./patch-kinds.ts')> {
  patchKinds = await import('./patch-kinds.ts');
  return patchKinds;
}

export async function readPatch(call: Call): Promise<Patch> {
  const type = patchType(call);
  const body = await call.http.body(maxBodyBytes);
  call.noted?.requestPatch(body);
  const { checkPatch, compilePatch } = patchKinds ?? (await loadPatchKinds());
  if (type === 'apply') throw new Error('an apply is no patch of what is there');
  await checkPatch(type, body);
  const patch = compilePatch(type, body);
  if (isLargeJson(body)) await ownTurn();
  return patch;
}
