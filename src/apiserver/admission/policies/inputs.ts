// What the expressions of a policy see of a request.
import type { Namespace } from '../../../../generated/core-v1.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import type { CelBindings } from '../../../schema/cel/cel.ts';
import { type CelValue, fromJson } from '../../../schema/cel/values.ts';
import type { Match, VersionedObjects } from '../matching/match.ts';
import { kindOf } from '../matching/match.ts';
import { nameOf, namespaceOf } from '../matching/selectors.ts';
import type { AdmissionRequest } from '../plugin.ts';
import type { AuthorizerBindings } from './authorizer.ts';
import type { EvaluationInputs } from './evaluation.ts';

const shownMetadata = [
  'name',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'finalizers',
] as const;

/** A namespace without what is not for expressions: its managers and owners. */
export function shownNamespace({ metadata, spec = {}, status = {} }: Namespace): object {
  const shown = shownMetadata.filter((field) => metadata[field] !== undefined);
  return { metadata: Object.fromEntries(shown.map((field) => [field, metadata[field]])), spec, status };
}

const kindText = ({ group, version, kind }: { group: string; version: string; kind: string }) => ({
  group,
  version,
  kind,
});
const resourceText = ({ group, version, plural }: AdmissionRequest['resource']) => ({
  group,
  version,
  resource: plural,
});
const given = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined));

/** `request`. `resource`: in the version that matched. */
export function requestValue(request: AdmissionRequest, match: Match, resource: AdmissionRequest['resource']): object {
  const { subresource, user } = request;
  return {
    kind: kindText(match.kind),
    resource: resourceText(resource),
    requestKind: kindText(kindOf(request)),
    requestResource: resourceText(request.resource),
    ...given({
      subResource: subresource,
      requestSubResource: subresource,
      name: nameOf(request),
      namespace: namespaceOf(request),
    }),
    operation: request.operation,
    userInfo: given({
      username: user.username,
      uid: user.uid,
      groups: user.groups.length > 0 ? user.groups : undefined,
      extra: user.extra && Object.keys(user.extra).length > 0 ? user.extra : undefined,
    }),
    dryRun: request.isDryRun,
    options: request.options?.() ?? null,
  };
}

export interface PolicyInput {
  readonly request: AdmissionRequest;
  readonly match: Match;
  readonly objects: VersionedObjects;
  readonly params: KubernetesObject | null;
  /** Absent for what is in no namespace. */
  readonly namespace: Namespace | undefined;
}

const celValue = (object: KubernetesObject | null | undefined): CelValue => (object ? fromJson(object) : null);

/** Made lazily: an expression rarely looks at all of them. */
export function policyBindings({ request, match, objects, params, namespace }: PolicyInput): CelBindings {
  return {
    object: () => celValue(objects.object),
    oldObject: () => celValue(objects.oldObject),
    params: () => celValue(params),
    request: () => fromJson(requestValue(request, match, match.resource)),
    namespaceObject: () => (namespace ? fromJson(shownNamespace(namespace)) : null),
  };
}

/** As match conditions see it: in the resource of the request itself, and without its namespace. */
export function conditionBindings(input: PolicyInput): CelBindings {
  const { request, match } = input;
  return {
    ...policyBindings(input),
    request: () => fromJson(requestValue(request, match, request.resource)),
    namespaceObject: null,
  };
}

/** The bindings, and who answers `authorizer`. */
export const inputsOf = (bindings: CelBindings, { values, pending }: AuthorizerBindings): EvaluationInputs => ({
  bindings: { ...bindings, ...values },
  pending,
});
