// LIST: from the cache when it stands at the revision asked for, else from the store's history.
import { badRequest, expired, StatusError } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import { Slices } from '../../base/turns.ts';
import { CompactedError, FutureRevisionError } from '../../store/store.ts';
import type { Answer } from '../http/answer.ts';
import type { BodySink } from '../http/exchange.ts';
import { giveBack } from '../registry/chunk-pool.ts';
import { decodeContinue, encodeContinue } from '../registry/continue-token.ts';
import { Entry } from '../registry/entry.ts';
import type { ListHead } from '../registry/format.ts';
import { namespacePrefix } from '../registry/storage-key.ts';
import { lateFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { checkVersion, type ListOptions, listOptions } from './options.ts';
import { parseScope, prepareSelect, type SelectedScope, select } from './scope.ts';
import { waitForRevision } from './wait-for-revision.ts';

interface Page {
  readonly entries: readonly Entry[];
  readonly head: ListHead;
}

const oneChunkBytes = 64 * 1024;

export async function list(call: Call): Promise<Answer> {
  const formatOf = lateFormat(call, 'list');
  const options = listOptions(call.query);
  const scope = parseScope(call.resource, call.info.namespace, options);
  const { entries, head } = await readPage(call, scope, options);
  const format = formatOf();
  const encoded = format.list(entries, head);
  if (encoded.lengthBytes !== undefined && encoded.lengthBytes <= oneChunkBytes) {
    const body = Buffer.concat([...encoded.chunks]);
    return { type: 'bytes', status: 200, contentType: format.contentType, body };
  }
  return {
    type: 'stream',
    status: 200,
    contentType: format.contentType,
    ...(encoded.lengthBytes === undefined ? {} : { lengthBytes: encoded.lengthBytes }),
    write: (sink) => writeAll(sink, encoded.chunks, call.server.clock),
  };
}

/** An empty chunk is a place to pause at, nothing to write. */
async function writeAll(sink: BodySink, chunks: Iterable<Uint8Array>, clock: Clock): Promise<void> {
  const slices = new Slices(() => clock.monotonicMs());
  for (const chunk of chunks) {
    if (sink.isClosed) return;
    if (chunk.length > 0 && !sink.write(chunk, () => giveBack(chunk))) await sink.drained();
    else if (!slices.isDue) continue;
    await slices.pause();
  }
}

/** Reads what the options ask for; deletecollection reads the same way. */
export async function readPage(call: Call, scope: SelectedScope, options: ListOptions): Promise<Page> {
  const { registry } = call.server;
  if (options.continueToken) return readOn(call, scope, options);
  checkVersion(options);
  if (scope.pin) await prepareSelect(call, scope);
  await waitForRevision(call, options.resourceVersion);
  const cache = registry.cacheOf(call.resource);
  // A page of a version is of that very version, also where the client does not say so.
  const isPage = options.match === '' && options.limit > 0;
  const isExact = (options.match === 'Exact' || isPage) && Boolean(options.resourceVersion);
  if (isExact) refuseCompacted(call, options.resourceVersion!, '');
  if (isExact && cache.lastChange > options.resourceVersion!) {
    return readHistory(call, scope, options.resourceVersion!, '', options.limit);
  }
  const revision = isExact ? options.resourceVersion! : registry.headOf(call.resource).revision;
  // "Any version will do" is answered whole, as upstream does from its cache.
  const limit = options.resourceVersion === 0 ? 0 : options.limit;
  return cut(
    await select(call, scope, { atMost: limit > 0 ? limit + 1 : undefined }),
    scope,
    cache.prefix,
    revision,
    limit,
  );
}

function cut(entries: readonly Entry[], scope: SelectedScope, prefix: string, revision: number, limit: number): Page {
  if (limit <= 0 || entries.length <= limit) return { entries, head: { revision } };
  const shown = entries.slice(0, limit);
  const last = shown.at(-1)!;
  return {
    entries: shown,
    head: {
      revision,
      continueToken: encodeContinue(revision, last.key.slice(prefix.length)),
      ...(scope.selectsAll ? { remaining: entries.length - limit } : {}),
    },
  };
}

async function readOn(call: Call, scope: SelectedScope, options: ListOptions): Promise<Page> {
  const { revision, start } = decodeContinue(options.continueToken);
  if (options.version && options.version !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  if (scope.pin) await prepareSelect(call, scope);
  const { registry } = call.server;
  const hub = registry.headOf(call.resource);
  if (call.resource.custom?.conversion) await hub.waitForHead(call.signal);
  const cache = registry.cacheOf(call.resource);
  // A token of -1 goes on in what is there now: what clients get when their token has expired.
  const at = revision < 0 ? hub.revision : revision;
  refuseCompacted(call, at, start);
  if (at > hub.revision || cache.lastChange > at) return readHistory(call, scope, at, start, options.limit);
  const atMost = options.limit > 0 ? options.limit + 1 : undefined;
  const rest = await select(call, scope, { after: cache.prefix + start, atMost });
  return cut(rest, scope, cache.prefix, at, options.limit);
}

const historyPage = 1000;

/** As of a revision that the cache has left behind. */
async function readHistory(
  call: Call,
  scope: SelectedScope,
  revision: number,
  start: string,
  limit: number,
): Promise<Page> {
  const { registry } = call.server;
  const { prefix } = registry.sourceOf(call.resource);
  const rangePrefix = scope.namespace ? namespacePrefix(prefix, scope.namespace) : prefix;
  const entries: Entry[] = [];
  let after = start ? prefix + start : undefined;
  try {
    for (;;) {
      const page = await registry.store.range({
        prefix: rangePrefix,
        revision,
        limit: scope.selectsAll && limit > 0 ? limit : historyPage,
        ...(after === undefined ? {} : { after }),
      });
      const stored = page.items.map(({ key, value, modRevision }) => new Entry(key, prefix.length, value, modRevision));
      const shown = await registry.shown(call.resource, stored);
      for (const [index, entry] of shown.entries()) {
        if (!scope.matches(entry)) continue;
        entries.push(entry);
        if (limit <= 0 || entries.length < limit) continue;
        const left = page.items.length - index - 1 + page.remaining;
        if (left === 0) break;
        return {
          entries,
          head: {
            revision,
            continueToken: encodeContinue(revision, entry.key.slice(prefix.length)),
            ...(scope.selectsAll ? { remaining: left } : {}),
          },
        };
      }
      if (page.remaining === 0 || call.signal.aborted) return { entries, head: { revision } };
      after = page.items.at(-1)!.key;
    }
  } catch (error) {
    throw historyError(error, start, revision);
  }
}

/** The cache may still stand at a revision that the store has forgotten; a client is told the same wherever it asks. */
function refuseCompacted(call: Call, revision: number, start: string): void {
  const { compactedRevision } = call.server.registry.store;
  if (revision < compactedRevision) throw historyError(new CompactedError(compactedRevision), start, revision);
}

function historyError(error: unknown, start: string, revision: number): unknown {
  if (error instanceof FutureRevisionError) return badRequest(`the resource version ${revision} has not happened yet`);
  if (!(error instanceof CompactedError)) return error;
  if (!start) return expired('The resourceVersion for the provided list is too old.');
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: { continue: encodeContinue(-1, start) },
    status: 'Failure',
    message:
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    reason: 'Expired',
    code: 410,
  });
}
