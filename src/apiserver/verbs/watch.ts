// WATCH: what is there (when asked for), then every change, until the time is up or the client falls behind.
import { expired } from '../../api/meta/status-error.ts';
import { Slices } from '../../base/turns.ts';
import type { Answer } from '../http/answer.ts';
import type { BodySink } from '../http/exchange.ts';
import type { CacheEvent } from '../registry/cache-event.ts';
import type { Entry } from '../registry/entry.ts';
import type { ObjectFormat } from '../registry/format.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { classify, frameOf, type Watcher } from '../registry/watch-group.ts';
import { lateFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { checkVersion, type WatchOptions, watchOptions } from './options.ts';
import { indexOf, parseScope, prepareSelect, type SelectedScope, selectNow } from './scope.ts';
import { waitForRevision } from './wait-for-revision.ts';

/** Bytes a watcher may be behind; past it the watch is cut and the client resumes or lists again. */
const maxBehindBytes = 16 * 1024 * 1024;
const bookmarkEveryMs = 60_000;
/** Watches without a timeout end after 30 to 60 minutes, spread so that they do not return all at once. */
const defaultTimeoutSeconds = 1800;

export async function watch(call: Call): Promise<Answer> {
  const formatOf = lateFormat(call, 'watch');
  const options = watchOptions(call.query);
  const { resource, info } = call;
  // A namespace that is watched by its old path is itself in none.
  const namespace = resource.namespaced ? info.namespace : '';
  const scope = parseScope(resource, namespace, options, info.name);
  checkVersion(options, true);
  const format = formatOf();
  // What is there is shown as of the version asked for; a watch that goes on from one of the future waits for it by itself.
  if (isFromStart(options) || options.resourceVersion === undefined) {
    await waitForRevision(call, options.resourceVersion);
    await prepareSelect(call, scope);
  }
  return {
    type: 'stream',
    status: 200,
    contentType: format.watchContentType,
    isLive: true,
    write: (sink) => new WatchStream(call, scope, format, options, sink).run(),
  };
}

function isFromStart(options: WatchOptions): boolean {
  if (options.sendInitialEvents !== undefined) return options.sendInitialEvents;
  return options.resourceVersion === undefined || options.resourceVersion === 0;
}

class WatchStream implements Watcher {
  readonly #call: Call;
  readonly #cache: ResourceCache;
  readonly #scope: SelectedScope;
  readonly #format: ObjectFormat;
  readonly #options: WatchOptions;
  readonly #sink: BodySink;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #isBusy = true;
  #isOver = false;
  #wasCut = false;
  #isOpened = false;
  readonly #ending = new AbortController();
  readonly #done = Promise.withResolvers<void>();

  constructor(call: Call, scope: SelectedScope, format: ObjectFormat, options: WatchOptions, sink: BodySink) {
    this.#call = call;
    this.#cache = call.server.registry.cacheOf(call.resource);
    this.#scope = scope;
    this.#format = format;
    this.#options = options;
    this.#sink = sink;
  }

  async run(): Promise<void> {
    const { signal, server } = this.#call;
    if (signal.aborted) return;
    const end = () => this.#end();
    signal.addEventListener('abort', end, { once: true });
    const seconds = this.#options.timeoutSeconds || defaultTimeoutSeconds * (1 + server.random.next());
    using _timeout = server.clock.timer(seconds * 1000, end);
    try {
      await this.#stream();
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async #stream(): Promise<void> {
    await this.#waitForStart();
    if (this.#isOver) return;
    const start = this.#start();
    // Joined in the same turn as the start was read, so that nothing falls between the two.
    using _membership = this.#join();
    using _bookmarks = this.#bookmarks();
    const { clock } = this.#call.server;
    const slices = new Slices(() => clock.monotonicMs());
    for (const chunk of start) {
      if (chunk.length > 0 && !this.#write(chunk)) await this.#sink.drained();
      else if (slices.isDue) await slices.pause();
      if (this.#sink.isClosed) return;
    }
    this.#call.hasBegun?.();
    if (this.#isOver) return;
    this.#isBusy = false;
    this.#pump();
    await this.#done.promise;
  }

  /** Nothing is said until the store has come to where the watch begins. */
  async #waitForStart(): Promise<void> {
    const { resourceVersion = 0 } = this.#options;
    const head = this.#call.server.registry.headOf(this.#call.resource);
    if (!isFromStart(this.#options) && resourceVersion > head.revision) {
      await head.waitFor(resourceVersion, this.#ending.signal);
    }
  }

  #join(): Disposable {
    const { groups } = this.#cache;
    return groups.join(this.#scope, this.#format, this, indexOf(this.#cache, this.#scope, this.#call.resource));
  }

  /** What comes before live events; its entries are taken now, and encoded as the client reads them. */
  #start(): Iterable<Buffer> {
    const head = this.#call.server.registry.headOf(this.#call.resource);
    const format = this.#format;
    const options = this.#options;
    if (isFromStart(options)) {
      const entries = selectNow(this.#cache, this.#scope, this.#call.resource);
      const bookmark = options.allowsBookmarks ? format.bookmark(head.revision, true) : undefined;
      return initialFrames(entries, format, bookmark);
    }
    // No version and any version are the newest, where what is there is not wanted.
    const since = options.resourceVersion || head.revision;
    const events = this.#cache.eventsAfter(since);
    if (!events) {
      // There is nothing to go on from: the error is all that this watch says.
      const message = `too old resource version: ${since} (${this.#cache.windowStart})`;
      this.#isOver = true;
      return [format.error(expired(message).status)];
    }
    return replayFrames(events, this.#scope, format);
  }

  offer(bytes: Buffer): void {
    if (this.#isOver) return;
    if (this.#queuedBytes + bytes.length > maxBehindBytes) {
      this.#wasCut = true;
      this.#end();
      return;
    }
    if (!this.#isBusy && !this.#sink.isClosed && this.#write(bytes)) return;
    if (!this.#isBusy && !this.#sink.isClosed) {
      // That write was taken in but asked for a pause.
      this.#isBusy = true;
      this.#resumeWhenDrained();
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  end(): void {
    this.#end();
  }

  #write(bytes: Buffer): boolean {
    if (this.#format.hasNoFrames) {
      this.#end();
      return true;
    }
    if (!this.#isOpened) {
      this.#isOpened = true;
      if (this.#format.open) return this.#sink.write(this.#format.open(bytes));
    }
    return this.#sink.write(bytes);
  }

  #resumeWhenDrained(): void {
    this.#sink.drained().then(
      () => {
        if (this.#sink.isClosed) return this.#end();
        this.#isBusy = false;
        this.#pump();
      },
      () => this.#end(),
    );
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      if (this.#sink.isClosed) {
        this.#end();
        return;
      }
      const next = this.#queue;
      this.#queue = [];
      this.#queuedBytes = 0;
      const bytes = next.length === 1 ? next[0]! : Buffer.concat(next);
      if (this.#write(bytes)) continue;
      this.#isBusy = true;
      this.#resumeWhenDrained();
      return;
    }
  }

  #bookmarks(): Disposable | undefined {
    if (!this.#options.allowsBookmarks) return undefined;
    const { clock, registry } = this.#call.server;
    let timer: Disposable | undefined;
    const tick = () => {
      timer = clock.timer(bookmarkEveryMs, () => {
        this.offer(this.#format.bookmark(registry.headOf(this.#call.resource).revision, false));
        tick();
      });
    };
    tick();
    return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ending.abort();
    this.#queue = [];
    if (this.#wasCut) {
      this.#call.server.log.warn('a watch was cut because its client reads too slowly', { path: this.#call.info.path });
      this.#done.reject(expired('the watch fell too far behind'));
    } else this.#done.resolve();
  }
}

function* initialFrames(
  entries: readonly Entry[],
  format: ObjectFormat,
  bookmark: Buffer | undefined,
): Generator<Buffer> {
  let pending: Buffer[] = [];
  let size = 0;
  for (const entry of entries) {
    const frame = format.frame('ADDED', entry);
    pending.push(frame);
    size += frame.length;
    if (size < 64 * 1024) continue;
    yield Buffer.concat(pending);
    pending = [];
    size = 0;
  }
  if (bookmark) pending.push(bookmark);
  if (pending.length > 0) yield Buffer.concat(pending);
}

const nothing = Buffer.alloc(0);

function* replayFrames(events: readonly CacheEvent[], scope: SelectedScope, format: ObjectFormat): Generator<Buffer> {
  for (const event of events) {
    if (scope.namespace && (event.current ?? event.previous)!.namespace !== scope.namespace) continue;
    const change = classify(event, scope);
    // Nothing to write is a place to pause at.
    yield change ? frameOf(event, change.type, change.entry, format) : nothing;
  }
}
