// Processor time of each stage of a create, called one after the other without a server: what changes in code change.
// node bench/stage-costs.ts [rounds]

import { buildResources } from '../src/api/build-resources.ts';
import { kindDefinitions } from '../src/api/kinds.ts';
import { FieldErrors } from '../src/api/meta/field-errors.ts';
import type { KubernetesObject } from '../src/api/meta/object.ts';
import { validateMetadata } from '../src/api/meta/object-meta-validation.ts';
import { canonicalObject } from '../src/apiserver/managed-fields/canonical-object.ts';
import { trackCreate } from '../src/apiserver/managed-fields/track-update.ts';
import { deepFreeze } from '../src/apiserver/registry/entry.ts';
import { ResourceTable } from '../src/apiserver/registry/resource-table.ts';
import { storedBytes } from '../src/apiserver/registry/write-objects.ts';
import { toStorage } from '../src/apiserver/verbs/to-storage.ts';
import { decodeJsonBody } from '../src/schema/codec.ts';
import { loadPod } from './load-pod.ts';
import { type Figure, printAlone } from './report.ts';

const perRound = 3000;

/** The least of all rounds, in µs for one object. */
function measureStages(rounds: number): Map<string, number> {
  const table = new ResourceTable(buildResources(kindDefinitions));
  const resource = table.find('', 'v1', 'pods')!;
  const { rules } = resource;
  const bodies = Array.from({ length: perRound }, (_, index) => Buffer.from(JSON.stringify(loadPod(index))));
  const write = { resource, table, subresource: '', manager: 'bench', nowMs: 1_700_000_000_000 };
  const least = new Map<string, number>();
  const stage = <T>(name: string, run: () => T): T => {
    const began = process.threadCpuUsage();
    const result = run();
    const { user, system } = process.threadCpuUsage(began);
    least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, (user + system) / perRound));
    return result;
  };
  for (let round = 0; round < rounds; round++) {
    const decoded = stage('decode', () =>
      bodies.map((body) => {
        const { object } = decodeJsonBody<KubernetesObject>(body, () => resource.typeName, { strict: true });
        return { ...object, kind: 'Pod', apiVersion: 'v1' };
      }),
    );
    const stored = stage('default, convert', () => decoded.map((each) => toStorage(resource, each)));
    stage('field managers', () => {
      for (const each of stored) trackCreate(write, each);
    });
    for (const { metadata } of stored) {
      metadata.namespace = 'default';
      metadata.uid = '0d5f3c1e-4b1a-4c86-9d4e-6f2d1a3b5c7d';
      metadata.creationTimestamp = '2026-01-02T03:04:05Z';
    }
    const objects = stage('canonical form', () =>
      stored.map((each) => canonicalObject(resource.storage.typeName, each).object),
    );
    stage('validate', () => {
      for (const each of objects) {
        const errors = new FieldErrors();
        validateMetadata(each.metadata, { namespaced: true, nameRule: rules.nameRule }, errors);
        rules.validate?.(each, errors);
        rules.validateCreate?.(each, errors);
      }
    });
    stage('encode', () => objects.map((each) => storedBytes(resource, each)));
    stage('freeze for validating admission', () => objects.map((each) => deepFreeze(each)));
  }
  return least;
}

export function measureStageCosts(rounds = 12): Figure[] {
  return [...measureStages(rounds)].map(([name, value]) => ({
    name: `stage: ${name}`,
    value,
    unit: 'µs',
    isCost: true,
  }));
}

if (import.meta.main) await printAlone(async () => measureStageCosts(Number(process.argv[2] ?? 12)));
