// The scale subresource: an object's replica count as a Scale, whatever its kind.

import type { Scale } from '../../../generated/autoscaling-v1.ts';
import type { Column } from '../../api/kind.ts';
import { ageColumn, nameColumn } from '../../api/meta/columns.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, invalid } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { inOnePiece } from '../../base/turns.ts';
import { canonical } from '../../schema/codec.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { negotiate } from '../http/accept.ts';
import type { Answer } from '../http/answer.ts';
import { header } from '../http/exchange.ts';
import { checkApplied, stampManagers } from '../managed-fields/apply-object.ts';
import { applyScale, trackScale } from '../managed-fields/scale-fields.ts';
import type { Write } from '../managed-fields/track-update.ts';
import { Entry } from '../registry/entry.ts';
import { formatFor } from '../registry/format-for.ts';
import type { Call } from './call.ts';
import { decodeBody } from './decode-body.ts';
import { trackedWrite } from './field-tracking.ts';
import { entryOf, revisionOfGet } from './get.ts';
import { writeOptions } from './options.ts';
import { patchType, readPatch } from './patch-body.ts';
import { checkName } from './update.ts';
import { type AdmittedPart, updateObject } from './update-object.ts';
import { waitForRevision } from './wait-for-revision.ts';
import { writeCall } from './write-call.ts';

export const scaleType = 'io.k8s.api.autoscaling.v1.Scale';
const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', typeName: scaleType };

const scaleOf = ({ resource }: Call, entry: Entry): Scale => shownScale(resource, entry.object);

function shownScale({ rules }: ResourceInfo, object: KubernetesObject): Scale {
  const { metadata } = object;
  const { replicas, statusReplicas, selector } = rules.scale!.get(object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: metadata.name,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      creationTimestamp: metadata.creationTimestamp,
    },
    spec: replicas ? { replicas } : {},
    status: { replicas: statusReplicas, ...(selector ? { selector } : {}) },
  } as Scale;
}

/** Admission is shown Scales. */
const scalePart = (resource: ResourceInfo): AdmittedPart => ({
  kind: scaleKind,
  show: (object) => shownScale(resource, object) as unknown as KubernetesObject,
  take(object, shown) {
    const { replicas = 0 } = (shown as unknown as Scale).spec ?? {};
    if (replicas !== resource.rules.scale!.get(object).replicas) resource.rules.scale!.set(object, replicas);
  },
});

export async function scale(call: Call): Promise<Answer> {
  const { info } = call;
  if (info.verb === 'get') {
    negotiate(header(call.http, 'accept'));
    await waitForRevision(call, revisionOfGet(call));
    return answer(call, entryOf(call));
  }
  const type = info.verb === 'patch' ? patchType(call) : undefined;
  const options = writeOptions(call.query, type ? 'PatchOptions' : 'UpdateOptions', type === 'apply');
  const tracked = trackedWrite(call, options);
  if (type === 'apply') return apply(call, options.isDryRun, tracked);
  const settings = {
    expected: scaleKind,
    fieldValidation: options.fieldValidation,
    table: call.server.registry.table,
    warn: call.warn,
  };
  const sent =
    info.verb === 'patch' ? undefined : ((await decodeBody(call.http, settings)) as KubernetesObject & Scale);
  const patch = info.verb === 'patch' ? await readPatch(call) : undefined;
  const { entry } = await updateObject(writeCall(call, options.isDryRun), {
    mayRetry: true,
    checksUid: true,
    part: scalePart(call.resource),
    change: (current) => {
      const now = scaleAt(call, current!);
      const next =
        sent ??
        (inOnePiece(patch!.apply(now as unknown as KubernetesObject, scaleType)).object as KubernetesObject & Scale);
      const changed = rescaled(call, next, current!);
      trackScale(tracked, current!, changed);
      return changed;
    },
  });
  return answer(call, entry);
}

/** The one field of a Scale that anyone can apply is its replicas. */
async function apply(call: Call, isDryRun: boolean, tracked: Write): Promise<Answer> {
  const { isForced, namesVersion, readApplied } = await import('./apply.ts');
  const applied = await readApplied(call);
  const { entry } = await updateObject(writeCall(call, isDryRun), {
    mayRetry: !namesVersion(applied),
    part: scalePart(call.resource),
    change: (current) => {
      checkApplied(scaleKind, applied);
      const now = scaleAt(call, current!);
      const wanted = canonical<KubernetesObject & Scale>(scaleType, applied);
      const replicas = (applied as { spec?: { replicas?: number | null } }).spec?.replicas ?? undefined;
      const managers = applyScale(tracked, { current: current!, replicas, force: isForced(call) });
      const metadata = { ...now.metadata, ...wanted.metadata } as KubernetesObject['metadata'];
      const next = { ...wanted, metadata, spec: { replicas: replicas ?? now.spec?.replicas ?? 0 } };
      const changed = rescaled(call, next as KubernetesObject & Scale, current!);
      inOnePiece(stampManagers(changed, managers, current));
      return changed;
    },
  });
  return answer(call, entry);
}

function scaleAt(call: Call, current: KubernetesObject): Scale {
  const cached = call.server.registry
    .cacheOf(call.resource)
    .find(current.metadata.namespace ?? '', current.metadata.name);
  return scaleOf(call, cached!);
}

function rescaled(call: Call, next: KubernetesObject & Scale, current: KubernetesObject): KubernetesObject {
  checkName(next, call.info.name);
  const { namespace } = next.metadata;
  if (namespace && namespace !== call.info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const replicas = next.spec?.replicas ?? 0;
  if (replicas < 0) {
    const errors = new FieldErrors();
    if (call.resource.custom) {
      errors.invalid(path('.spec.replicas'), replicas, 'should be a non-negative integer');
      const kind = { group: call.resource.group, name: call.resource.kind };
      throw invalid(kind, call.info.name, errors.summary(), errors.causes());
    }
    errors.invalid(path('spec.replicas'), replicas, 'must be greater than or equal to 0');
    throw invalid({ group: 'autoscaling', name: 'Scale' }, call.info.name, errors.summary(), errors.causes());
  }
  const changed = copyJson(current);
  call.resource.rules.scale!.set(changed, replicas);
  // The Scale's own uid and version guard the object.
  const { uid, resourceVersion } = next.metadata;
  if (uid) changed.metadata.uid = uid;
  if (resourceVersion) changed.metadata.resourceVersion = resourceVersion;
  else delete changed.metadata.resourceVersion;
  return changed;
}

function answer(call: Call, entry: Entry): Answer {
  const accepted = negotiate(header(call.http, 'accept'));
  if (accepted.transform === 'none') {
    return { type: 'object', status: 200, object: scaleOf(call, entry), typeName: scaleType };
  }
  const { metadata, ...rest } = scaleOf(call, entry);
  const { resourceVersion: _version, ...unversioned } = metadata!;
  const stored = Buffer.from(JSON.stringify({ ...rest, metadata: unversioned }));
  const shown = new Entry([entry.namespace, entry.name].filter(Boolean).join('/'), 0, stored, entry.revision);
  const format = formatFor(scaleResource(call.resource), accepted, {
    includeObject: (call.query.get('includeObject') || 'Metadata') as 'Metadata',
    nowMs: call.server.clock.now(),
  });
  return { type: 'bytes', status: 200, contentType: format.contentType, body: format.single(shown) };
}

/** What forms of answers need to know of the resource a Scale would be. */
function scaleResource({ custom: _custom, ...resource }: ResourceInfo): ResourceInfo {
  const { group, version, kind, typeName } = scaleKind;
  const storage = { group, version, plural: 'scales', typeName };
  const { rowConditions: _conditions, ...rules } = resource.rules;
  return { ...resource, ...scaleKind, storage, rules: { ...rules, group, version, kind, columns: scaleColumns } };
}

const scaleColumns: readonly Column<Scale & KubernetesObject>[] = [
  { ...nameColumn, format: '' },
  {
    name: 'Desired',
    type: 'integer',
    description: 'replicas is the desired number of instances for the scaled object.',
    cell: ({ spec }) => spec?.replicas ?? 0,
  },
  {
    name: 'Available',
    type: 'integer',
    description: 'replicas is the actual number of observed instances of the scaled object.',
    cell: ({ status }) => status?.replicas ?? 0,
  },
  ageColumn,
];
