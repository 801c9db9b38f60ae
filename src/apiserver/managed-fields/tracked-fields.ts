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
}

const identity = ['kind', 'apiVersion'];
const ofObject: FieldFilter = { skip: new Set(identity) };
const ofMain: FieldFilter = { skip: new Set([...identity, 'status']) };
const ofStatus: FieldFilter = { skip: new Set([...identity, 'spec']) };
const ofStatusAlone: FieldFilter = { skip: new Set([...identity, 'metadata', 'spec']) };

/** By `GROUP/PLURAL/SUBRESOURCE`, where it is not as usual. */
const special: Record<string, FieldFilter> = {
  'certificates.k8s.io/certificatesigningrequests/': { skip: new Set([...identity, 'spec', 'status']) },
  'certificates.k8s.io/certificatesigningrequests/status': { ...ofStatus, ignored: pathSet('status', 'conditions') },
  'certificates.k8s.io/certificatesigningrequests/approval': { ...ofStatus, ignored: pathSet('status', 'certificate') },
  'networking.k8s.io/servicecidrs/status': ofStatusAlone,
  'storagemigration.k8s.io/storageversionmigrations/status': ofStatusAlone,
  'scheduling.k8s.io/podgroups/status': ofStatusAlone,
  'resource.k8s.io/resourceclaims/status': ofStatusAlone,
  'resource.k8s.io/devicetaintrules/status': ofStatusAlone,
  'resource.k8s.io/resourcepoolstatusrequests/status': ofStatusAlone,
  'storage.k8s.io/volumeattachments/status': ofStatusAlone,
  'flowcontrol.apiserver.k8s.io/flowschemas/status': ofStatusAlone,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/status': ofStatusAlone,
  'admissionregistration.k8s.io/validatingadmissionpolicies/status': ofStatusAlone,
  'apiregistration.k8s.io/apiservices/status': ofStatusAlone,
  'apps/deployments/status': { ...ofStatus, ignored: pathSet('metadata', 'labels') },
  '/pods/status': {
    ...ofStatus,
    ignored: unionOf(pathSet('metadata', 'deletionTimestamp'), pathSet('metadata', 'ownerReferences')),
  },
  // These take back what they do not change without saying so: whoever sent it is credited.
  '/pods/ephemeralcontainers': ofObject,
  '/pods/resize': ofObject,
};

export function fieldFilter({ storage, subresources, custom }: ResourceInfo, subresource: string): FieldFilter {
  const known = special[`${storage.group}/${storage.plural}/${subresource}`];
  if (known) return known;
  if (subresource === 'status') return custom ? ofStatusAlone : ofStatus;
  if (subresource) return ofMain;
  for (const { name } of subresources) if (name === 'status') return ofMain;
  return ofObject;
}

/** The set without what the filter does not credit. */
export function filtered(set: FieldSet, { skip, ignored }: FieldFilter): FieldSet {
  let kept = set;
  for (const name of skip) {
    if (kept[`f:${name}`] === undefined) continue;
    const { [`f:${name}`]: _skipped, ...rest } = kept;
    kept = rest;
  }
  return ignored ? withoutBelow(kept, ignored) : kept;
}
