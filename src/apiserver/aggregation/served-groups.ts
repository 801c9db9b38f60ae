// All groups and versions in the order in which clients are told of them: our own, and those of servers behind us.
import { compareVersions } from '../../api/meta/version-order.ts';
import type { Answer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import { builtInPriority, customPriority, type Priority, registrationGroup } from './priorities.ts';

/** A group version that another server has. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly priority: Priority;
  /** As in aggregated discovery; undefined when its server has not told yet. */
  readonly resources: readonly object[] | undefined;
  readonly isFresh: boolean;
  /** Of the version's document in OpenAPI v3; '' when there is none. */
  readonly openApiHash?: string;
  /** The whole OpenAPI v2 document of its server, JSON. */
  readonly openApiV2?: Uint8Array | undefined;
}

/** Group versions of servers behind this one. */
export interface Remotes {
  /** Grows with every change. */
  readonly generation: number;
  versions(): readonly RemoteVersion[];
  /** The version's OpenAPI v3 document, from who has it; undefined when it is our own. */
  openApi(request: ServerRequest, place: { group: string; version: string }): Promise<Answer> | undefined;
}

export interface ServedVersion {
  readonly version: string;
  /** Absent: our own. */
  readonly remote?: RemoteVersion;
}

export interface ServedGroup {
  readonly group: string;
  readonly versions: readonly ServedVersion[];
}

interface Ranked extends ServedGroup {
  readonly priority: number;
}

const first: Priority = { group: Number.POSITIVE_INFINITY, version: 1 };

const priorityOf = (group: string, version: string): Priority =>
  group === registrationGroup ? first : (builtInPriority(group, version) ?? customPriority);

/** `own`: groups in our order, each with its versions in theirs. A remote version takes the place of an own one. */
export function servedGroups(
  own: readonly { readonly group: string; readonly versions: readonly string[] }[],
  remotes: readonly RemoteVersion[],
): readonly ServedGroup[] {
  if (remotes.length === 0) return own.map(({ group, versions }) => ({ group, versions: versions.map(ownVersion) }));
  const byGroup = Map.groupBy(remotes, ({ group }) => group);
  const ranked: Ranked[] = own.map(({ group, versions }) => {
    const remote = byGroup.get(group) ?? [];
    byGroup.delete(group);
    const priorities = [
      ...versions.map((each) => priorityOf(group, each).group),
      ...remote.map((each) => each.priority.group),
    ];
    return { group, versions: versionsOf(group, versions, remote), priority: Math.max(...priorities) };
  });
  const added = [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [group, remote] of added) {
    const priority = Math.max(...remote.map((each) => each.priority.group));
    const at = ranked.findIndex(
      (each) => each.priority < priority || (each.priority === priority && each.group > group),
    );
    ranked.splice(at < 0 ? ranked.length : at, 0, { group, priority, versions: versionsOf(group, [], remote) });
  }
  return ranked;
}

const ownVersion = (version: string): ServedVersion => ({ version });

function versionsOf(group: string, own: readonly string[], remotes: readonly RemoteVersion[]): ServedVersion[] {
  const taken = new Set(remotes.map(({ version }) => version));
  const all = [
    ...own
      .filter((version) => !taken.has(version))
      .map((version) => ({ version, priority: priorityOf(group, version).version })),
    ...remotes.map((remote) => ({ version: remote.version, remote, priority: remote.priority.version })),
  ];
  // Our own come in an order that is right already; sorting is stable.
  if (remotes.length > 0) all.sort((a, b) => b.priority - a.priority || compareVersions(a.version, b.version));
  return all.map(({ priority: _unused, ...rest }) => rest);
}
