// What the autoscaler tells of itself, in the ConfigMap that upstream's tells it in.
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { configMapKind } from '../../../generated/kinds.ts';
import { timeText } from '../../api/meta/time.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';

export const statusConfigMap = { namespace: 'kube-system', name: 'cluster-autoscaler-status' } as const;

export interface GroupFigures {
  readonly name: string;
  readonly ready: number;
  readonly unready: number;
  /** Registered a moment ago, not ready yet. */
  readonly notStarted: number;
  readonly beingDeleted: number;
  readonly target: number;
  readonly min: number;
  readonly max: number;
  readonly scaleUp: 'InProgress' | 'NoActivity' | 'Backoff';
  readonly candidates: number;
}

type Section = { readonly status: string } & Readonly<Record<string, unknown>>;

/** Of each section it remembers since when it says what it says. */
export class StatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #since = new Map<string, { readonly status: string; readonly atMs: number }>();
  #last = '';
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Written when something is new, and once a minute. */
  async write(groups: readonly GroupFigures[], isScaleUpNeeded: boolean): Promise<void> {
    const figures = JSON.stringify([groups, isScaleUpNeeded]);
    const nowMs = this.#clock.now();
    if (figures === this.#last && nowMs - this.#writtenMs < 60_000) return;
    this.#last = figures;
    this.#writtenMs = nowMs;
    const { printYaml } = await import('../../base/yaml-print.ts');
    const status = printYaml({
      time: timeText(nowMs),
      autoscalerStatus: 'Running',
      clusterWide: this.#clusterWide(groups, isScaleUpNeeded),
      nodeGroups: groups.map((group) => this.#group(group)),
    });
    await this.#put(status, nowMs);
  }

  #clusterWide(groups: readonly GroupFigures[], isScaleUpNeeded: boolean): object {
    const sum = (name: 'ready' | 'unready' | 'notStarted' | 'beingDeleted' | 'candidates') =>
      groups.reduce((total, group) => total + group[name], 0);
    const all = {
      ready: sum('ready'),
      unready: sum('unready'),
      notStarted: sum('notStarted'),
      beingDeleted: sum('beingDeleted'),
    };
    const scaleUp = groups.some((group) => group.scaleUp === 'InProgress')
      ? 'InProgress'
      : isScaleUpNeeded
        ? 'Needed'
        : 'NoActivity';
    return {
      health: this.#section('health', { status: healthOf(all), nodeCounts: countsOf(all) }),
      scaleUp: this.#section('scaleUp', { status: scaleUp }),
      scaleDown: this.#scaleDown('scaleDown', sum('candidates')),
    };
  }

  #group(group: GroupFigures): object {
    const { name, target, min, max, scaleUp, candidates } = group;
    const health = {
      status: healthOf(group),
      nodeCounts: countsOf(group),
      cloudProviderTarget: target,
      minSize: min,
      maxSize: max,
    };
    return {
      name,
      health: this.#section(`${name} health`, health),
      scaleUp: this.#section(`${name} scaleUp`, { status: scaleUp }),
      scaleDown: this.#scaleDown(`${name} scaleDown`, candidates),
    };
  }

  #scaleDown(id: string, candidates: number): object {
    if (candidates === 0) return this.#section(id, { status: 'NoCandidates' });
    return this.#section(id, { status: 'CandidatesPresent', candidates });
  }

  #section(id: string, section: Section): object {
    const nowMs = this.#clock.now();
    const before = this.#since.get(id);
    const atMs = before?.status === section.status ? before.atMs : nowMs;
    this.#since.set(id, { status: section.status, atMs });
    return { ...section, lastProbeTime: timeText(nowMs), lastTransitionTime: timeText(atMs) };
  }

  async #put(status: string, nowMs: number): Promise<void> {
    const configMaps = this.#client.resource(configMapKind);
    const current = await configMaps.find(statusConfigMap);
    const annotations = { 'cluster-autoscaler.kubernetes.io/last-updated': timeText(nowMs) };
    const data = { status };
    if (!current) await configMaps.create({ metadata: { ...statusConfigMap, annotations }, data });
    else await configMaps.patch(statusConfigMap, { metadata: { annotations }, data }, { type: 'merge' });
  }
}

/** What its events are about. */
export const statusSubject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...statusConfigMap },
} as ConfigMap & { apiVersion: string; kind: string };

type Counts = Pick<GroupFigures, 'ready' | 'unready' | 'notStarted' | 'beingDeleted'>;

/** A few nodes, or a part of many, may be unready. */
const healthOf = ({ ready, unready }: Counts) =>
  unready <= 3 || unready <= 0.45 * (ready + unready) ? 'Healthy' : 'Unhealthy';

function countsOf({ ready, unready, notStarted, beingDeleted }: Counts) {
  return {
    registered: {
      total: ready + unready + notStarted + beingDeleted,
      ready,
      notStarted,
      beingDeleted,
      unready: { total: unready, resourceUnready: 0 },
    },
    longUnregistered: 0,
    unregistered: 0,
  };
}
