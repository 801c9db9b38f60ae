// How objects look to one client: version, media type, and whether it wants them whole, as rows or as metadata only.
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { WatchEventType } from './cache-event.ts';
import type { Entry } from './entry.ts';

/** `metadata` of a list. */
export interface ListHead {
  readonly revision: number;
  readonly continueToken?: string;
  readonly remaining?: number;
}

export interface EncodedList {
  readonly lengthBytes?: number;
  readonly chunks: Iterable<Uint8Array>;
}

export interface ObjectFormat {
  /** Names the form among all forms of one stored resource. */
  readonly key: string;
  readonly contentType: string;
  readonly watchContentType: string;
  single(entry: Entry): Uint8Array;
  list(entries: readonly Entry[], head: ListHead): EncodedList;
  frame(type: WatchEventType, entry: Entry): Buffer;
  /** `isInitialEnd` marks the end of the initial events. */
  bookmark(revision: number, isInitialEnd: boolean): Buffer;
  error(status: object): Buffer;
  /** No event can be shown so: a watch ends when there is one, as upstream's does. */
  readonly hasNoFrames?: boolean;
  /** Changes the first bytes of a watch: a table says its columns once. */
  open?(first: Buffer): Buffer;
}

export interface FormatOptions {
  /** Of tables: which object goes with a row. */
  readonly includeObject: 'Metadata' | 'Object' | 'None';
  readonly nowMs: number;
}

export const initialEventsEnd = 'k8s.io/initial-events-end';

/** Whether stored bytes can be shown as they are. A definition may have changed since its objects were stored. */
export function isStorageVersion(resource: ResourceInfo): boolean {
  if (resource.custom) return false;
  return resource.group === resource.storage.group && resource.version === resource.storage.version;
}

/** `metadata` of a list as JSON, keys in upstream's order. */
export function listMetaJson({ revision, continueToken, remaining }: ListHead): string {
  return JSON.stringify({
    resourceVersion: String(revision),
    ...(continueToken ? { continue: continueToken } : {}),
    ...(continueToken && remaining ? { remainingItemCount: remaining } : {}),
  });
}

/** The `metadata` of a bookmark, before the kind is put around it. */
export function bookmarkMeta(revision: number, isInitialEnd: boolean): object {
  return {
    resourceVersion: String(revision),
    ...(isInitialEnd ? { annotations: { [initialEventsEnd]: 'true' } } : {}),
  };
}
