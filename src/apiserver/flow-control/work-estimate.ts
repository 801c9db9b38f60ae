// How wide a request is. Lists and watches that begin with a list take a seat for each 100 kB they load; writes that
// many watch take seats for a while after their answer; everything else takes one.
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Registry } from '../registry/registry.ts';
import type { RequestInfo } from '../request-info.ts';
import type { WorkEstimate } from './ticket.ts';
import type { WatchCount } from './watch-count.ts';

const bytesPerSeat = 100_000;
/** Answers are written as they are read: a list never holds more than this. */
const mostBytesAtOnce = 1_000_000;
const watchersPerSeat = 10;
const eventMs = 5;
const maxListSeats = 100;
const maxMutatingSeats = 10;

const one: WorkEstimate = { initialSeats: 1, finalSeats: 0, extraMs: 0 };
const readingVerbs = new Set(['get', 'list', 'watch', 'proxy', 'head', 'options']);

export class WorkEstimator {
  readonly #registry: Registry;
  readonly #watches: WatchCount;

  constructor(registry: Registry, watches: WatchCount) {
    this.#registry = registry;
    this.#watches = watches;
  }

  /** `maxSeats`: what one request may take of its priority level. */
  estimate(
    info: RequestInfo,
    query: URLSearchParams,
    resource: ResourceInfo | undefined,
    maxSeats: number,
  ): WorkEstimate {
    const { verb } = info;
    if (!info.isResource || verb === 'get') return one;
    if (verb === 'list' || verb === 'watch') {
      const seats = this.#listSeats(info, query, resource, Math.min(maxSeats, maxListSeats));
      return seats === 1 ? one : { initialSeats: seats, finalSeats: 0, extraMs: 0 };
    }
    return readingVerbs.has(verb) ? one : this.#mutating(info, Math.min(maxSeats, maxMutatingSeats));
  }

  #listSeats(info: RequestInfo, query: URLSearchParams, resource: ResourceInfo | undefined, maxSeats: number): number {
    if (!resource || info.name) return 1;
    const version = query.get('resourceVersion') ?? '';
    const startsWithList = query.get('sendInitialEvents') === 'true' || version === '' || version === '0';
    if (info.verb === 'watch' && !startsWithList) return 1;
    const cache = this.#registry.cacheOf(resource);
    if (cache.size === 0) return 1;
    const limit = Number(query.get('limit'));
    const count = limit > 0 && limit < cache.size ? limit : cache.size;
    const bytes = Math.min((cache.sizeBytes * count) / cache.size, mostBytesAtOnce);
    return Math.max(1, Math.min(Math.ceil(bytes / bytesPerSeat), maxSeats));
  }

  #mutating(info: RequestInfo, maxSeats: number): WorkEstimate {
    // A token is no change of its account.
    if (info.resource === 'serviceaccounts' && info.subresource === 'token') return one;
    const watchers = this.#watches.interestedIn(info);
    if (watchers < watchersPerSeat) return one;
    const wide = Math.ceil(watchers / watchersPerSeat);
    const finalSeats = Math.min(wide, maxSeats);
    // The same work, in fewer seats for longer.
    return { initialSeats: 1, finalSeats, extraMs: (wide * eventMs) / finalSeats };
  }
}
