// AdmissionReview, there and back.
import type { AdmissionResponse, AdmissionReview } from '../../../../generated/admission-v1.ts';
import { decodeJsonBody } from '../../../schema/codec.ts';
import { kindOf, type Match, type VersionedObjects } from '../matching/match.ts';
import { nameOf, namespaceOf } from '../matching/selectors.ts';
import type { AdmissionRequest } from '../plugin.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

/** The first of the versions that a webhook names which is known here. */
export const reviewVersionOf = (versions: readonly string[]): ReviewVersion | undefined =>
  versions.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1');

/** Everything but the uid, which each call has of its own: webhooks that see the same share it. */
export function reviewOf(
  version: ReviewVersion,
  request: AdmissionRequest,
  { resource, kind }: Match,
  { object, oldObject }: VersionedObjects,
): (uid: string) => Buffer {
  const { subresource, operation, user, isDryRun } = request;
  const name = nameOf(request);
  const namespace = namespaceOf(request);
  const rest = {
    kind: gvk(kind),
    resource: { group: resource.group, version: resource.version, resource: resource.plural },
    ...(subresource ? { subResource: subresource } : {}),
    requestKind: gvk(kindOf(request)),
    requestResource: {
      group: request.resource.group,
      version: request.resource.version,
      resource: request.resource.plural,
    },
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation,
    userInfo: {
      ...(user.username ? { username: user.username } : {}),
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.groups.length > 0 ? { groups: user.groups } : {}),
      ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
    },
    object: object ?? null,
    oldObject: oldObject ?? null,
    dryRun: isDryRun,
    options: request.options?.() ?? null,
  };
  const tail = Buffer.from(`${JSON.stringify(rest).slice(1)}}`);
  return (uid) => {
    const head = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/${version}","request":{"uid":"${uid}",`;
    return Buffer.concat([Buffer.from(head), tail]);
  };
}

const gvk = ({ group, version, kind }: Match['kind']) => ({ group, version, kind });

/** The answer is none of ours. */
export class WrongKindError extends Error {}

/** The answer is none that can be acted on. */
export class InvalidResponseError extends Error {}

export interface Verdict {
  readonly isAllowed: boolean;
  readonly status: AdmissionResponse['status'];
  /** The JSON patch as bytes; empty where there is none. */
  readonly patch: Buffer;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

const noBytes = Buffer.alloc(0);

/** @throws DecodeError, WrongKindError for what is no review; InvalidResponseError for one that does not answer the question */
export function readReview(body: Buffer, version: ReviewVersion, uid: string, isMutating: boolean): Verdict {
  const apiVersion = `admission.k8s.io/${version}`;
  const { object, ...says } = decodeJsonBody<AdmissionReview>(body, (said) => reviewType(said, version, apiVersion), {
    strict: false,
  });
  const { response } = object;
  if (!response) throw new InvalidResponseError('webhook response was absent');
  if (version === 'v1') checkV1(response, says, uid, isMutating);
  const patch = isMutating && response.patch ? Buffer.from(response.patch, 'base64') : noBytes;
  return {
    isAllowed: response.allowed ?? false,
    status: response.status,
    patch,
    patchType: version === 'v1' ? (response.patchType ?? '') : 'JSONPatch',
    warnings: response.warnings ?? [],
    auditAnnotations: response.auditAnnotations ?? {},
  };
}

/** A body may leave out what it is. */
function reviewType(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  version: ReviewVersion,
  expected: string,
): string {
  if ((kind || 'AdmissionReview') !== 'AdmissionReview' || (apiVersion || expected) !== expected) {
    const isReview = kind === 'AdmissionReview' && /^admission\.k8s\.io\/v1(beta1)?$/.test(apiVersion);
    const isKnown = isReview || (kind === 'Status' && apiVersion === 'v1');
    throw new WrongKindError(
      isKnown
        ? `converting (${apiVersion.split('/').at(-1)}.${kind}) to (${version}.AdmissionReview): unknown conversion`
        : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  return `io.k8s.api.admission.${version}.AdmissionReview`;
}

const quote = JSON.stringify;

function checkV1(
  response: AdmissionResponse,
  says: { apiVersion: string; kind: string },
  uid: string,
  isMutating: boolean,
): void {
  const fail = (problem: string): never => {
    throw new InvalidResponseError(problem);
  };
  if (response.uid !== uid) fail(`expected response.uid=${quote(uid)}, got ${quote(response.uid ?? '')}`);
  const expected = 'admission.k8s.io/v1, Kind=AdmissionReview';
  const got = `${says.apiVersion || '/'}, Kind=${says.kind}`;
  if (got !== expected) fail(`expected webhook response of ${expected}, got ${got}`);
  const hasPatch = Boolean(response.patch);
  const { patchType } = response;
  if (!isMutating) {
    if (hasPatch) fail('validating webhook may not return response.patch');
    if (patchType !== undefined) fail('validating webhook may not return response.patchType');
    return;
  }
  if (hasPatch && patchType === undefined) fail('webhook returned response.patch but not response.patchType');
  if (!hasPatch && patchType !== undefined) fail('webhook returned response.patchType but not response.patch');
  if (patchType === '') fail('webhook returned invalid response.patchType of ""');
}
