import { notFound } from '../../api/meta/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { Entry } from '../registry/entry.ts';
import { lateFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { refuseExport, versionOfGet } from './options.ts';
import { waitForRevision } from './wait-for-revision.ts';

/** The stored object, from the cache. @throws NotFound */
export function entryOf(call: Call): Entry {
  const { resource, info } = call;
  const entry = call.server.registry.cacheOf(resource).find(resource.namespaced ? info.namespace : '', info.name);
  if (!entry) throw notFound({ group: resource.group, name: resource.plural }, info.name);
  return entry;
}

/** What the options of a GET say of the version. @throws StatusError */
export function revisionOfGet({ query, resource }: Call): number | undefined {
  refuseExport(query);
  return versionOfGet(query, resource);
}

export async function get(call: Call): Promise<Answer> {
  const formatOf = lateFormat(call, 'object');
  const revision = revisionOfGet(call);
  const waiting = waitForRevision(call, revision);
  if (waiting) await waiting;
  const entry = entryOf(call);
  const format = formatOf();
  return { type: 'bytes', status: 200, contentType: format.contentType, body: format.single(entry) };
}
