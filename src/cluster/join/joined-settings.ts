// What a machine that joined a cluster elsewhere knows of it; kept in join.json of its data directory.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../../base/durable-file.ts';
import type { ClusterFacts } from '../join-objects.ts';
import type { Layout } from '../settings/layout.ts';
import type { MachineRuntime } from '../settings/runtime-endpoint.ts';

export interface JoinedSettings extends ClusterFacts {
  /** `https://192.0.2.2:6443` */
  readonly server: string;
  readonly nodeName: string;
  readonly address: string;
  readonly agentPort: number;
  /** A KubeletConfiguration. */
  readonly kubeletConfigFile?: string;
  /** The machine's own runtime; absent: a containerd of the node's. */
  readonly machineRuntime?: MachineRuntime;
}

/** The servers it may turn to; see known-servers.ts. */
export const serversFile = (layout: Layout) => join(layout.dataDir, 'servers.json');

export const joinedFile = (layout: Layout) => join(layout.dataDir, 'join.json');

/** Undefined where no machine has joined with this data directory. */
export function readJoined(layout: Layout): JoinedSettings | undefined {
  if (!existsSync(joinedFile(layout))) return undefined;
  return JSON.parse(readFileSync(joinedFile(layout), 'utf8')) as JoinedSettings;
}

export function writeJoined(layout: Layout, settings: JoinedSettings): void {
  writeDurably(joinedFile(layout), `${JSON.stringify(settings, null, 2)}\n`);
}
