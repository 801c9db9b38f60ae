// Which fields of an object a write to it can be credited for. Identity and what the server alone sets belong to nobody; what a
// strategy takes back from the client (the status on the main resource, the spec on its status) is not a change.
import type { ResourceInfo } from '../../api/resource-info.ts';
import {
  type FieldSet,
  isEmptySet,
  type MutableFieldSet,
  pathSet,
  unionOf,
  withoutBelow,
} from '../../schema/field-set.ts';

const serverMetadata = [
  '.',
  'f:name',
  'f:namespace',
  'f:creationTimestamp',
  'f:selfLink',
  'f:uid',
  'f:clusterName',
  'f:generation',
  'f:managedFields',
  'f:resourceVersion',
];

/** The set without what has no owner: kind, version, identity. */
export function ownable(set: FieldSet): FieldSet {
  const metadata = set['f:metadata'];
  if (metadata === undefined && set['f:kind'] === undefined && set['f:apiVersion'] === undefined) return set;
  const { 'f:kind': _kind, 'f:apiVersion': _version, 'f:metadata': _metadata, ...rest } = set;
  if (metadata === undefined) return rest;
  const kept: MutableFieldSet = { ...metadata };
  for (const key of serverMetadata) delete kept[key];
  return isEmptySet(kept) ? rest : { 'f:metadata': kept, ...rest };
}

export interface FieldFilter {
  /** Fields of the object itself that are not looked at. */
  readonly skip: ReadonlySet<string>;
  /** The rest of what is not credited. */
  readonly ignored?: FieldSet;
  /** When set, all that is credited. */
  readonly only?: readonly (readonly string[])[];
}

const identity = ['kind', 'apiVersion'];
const ofObject: FieldFilter = { skip: new Set(identity) };
const ofMain: FieldFilter = { skip: new Set([...identity, 'status']) };
const ofStatus: FieldFilter = { skip: new Set([...identity, 'spec']) };

/** By `GROUP/PLURAL/SUBRESOURCE`, where it is not as usual. */
const special: Record<string, FieldFilter> = {
  'apps/deployments/status': { ...ofStatus, ignored: pathSet('metadata', 'labels') },
  '/pods/status': {
    ...ofStatus,
    ignored: unionOf(pathSet('metadata', 'deletionTimestamp'), pathSet('metadata', 'ownerReferences')),
  },
  '/pods/ephemeralcontainers': { ...ofMain, only: [['f:spec', 'f:ephemeralContainers']] },
  '/pods/resize': {
    ...ofMain,
    only: [
      ['f:spec', 'f:containers'],
      ['f:spec', 'f:initContainers'],
    ],
  },
};

export function fieldFilter({ storage, subresources }: ResourceInfo, subresource: string): FieldFilter {
  if (subresource === 'status') return special[`${storage.group}/${storage.plural}/status`] ?? ofStatus;
  if (subresource) return special[`${storage.group}/${storage.plural}/${subresource}`] ?? ofMain;
  for (const { name } of subresources) if (name === 'status') return ofMain;
  return ofObject;
}

/** The set without what the filter does not credit. */
export function filtered(set: FieldSet, { skip, ignored, only }: FieldFilter): FieldSet {
  let kept = set;
  for (const name of skip) {
    if (kept[`f:${name}`] === undefined) continue;
    const { [`f:${name}`]: _skipped, ...rest } = kept;
    kept = rest;
  }
  if (ignored) kept = withoutBelow(kept, ignored);
  return only ? onlyPaths(kept, only) : kept;
}

function onlyPaths(set: FieldSet, paths: readonly (readonly string[])[]): FieldSet {
  let kept: FieldSet = {};
  for (const path of paths) {
    const node = path.reduce<FieldSet | undefined>((at, element) => at?.[element], set);
    if (node === undefined) continue;
    kept = unionOf(
      kept,
      path.reduceRight<FieldSet>((child, element) => ({ [element]: child }), node),
    );
  }
  return kept;
}
