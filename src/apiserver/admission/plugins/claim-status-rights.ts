// Who may write which part of a claim's status. Its allocation and its users are the scheduler's to say: `resourceclaims/binding`.
// What is known of devices is their driver's: `resourceclaims/driver` with the driver's name, and with verbs of their own for
// a driver on the node to which the claim is allocated and for one that is anywhere.
import { resourceClaimKind } from '../../../../generated/kinds.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  ResourceClaim,
  ResourceClaimStatus,
} from '../../../../generated/resource-v1.ts';
import { isEqual } from '../../../api/meta/equality.ts';
import { FieldErrors, path } from '../../../api/meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../../../api/meta/names.ts';
import type { UserInfo } from '../../authn/authenticator.ts';
import { splitServiceAccount } from '../../authn/users.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { forbiddenAccess } from '../../authz/forbidden.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout } from '../refuse.ts';

interface Right {
  readonly verb: string;
  readonly subresource: 'binding' | 'driver';
  readonly namespace: string;
  readonly name: string;
}

export function claimStatusRights(authorizer: Authorizer): AdmissionPlugin {
  /** Why not; undefined: they may. */
  async function refusalOf({ user, resource }: AdmissionRequest, right: Right): Promise<string | undefined> {
    const { group, version, plural } = resource;
    const asked = { user, isResource: true, group, version, resource: plural, path: '', ...right };
    const { verdict, reason } = await authorizer.authorize(asked);
    return verdict === 'allow' ? undefined : forbiddenAccess(asked, reason).message;
  }

  async function judgeBinding(
    request: AdmissionRequest,
    next: ResourceClaimStatus,
    current: ResourceClaimStatus,
    errors: FieldErrors,
  ): Promise<void> {
    if (isEqual(next.allocation, current.allocation) && isEqual(next.reservedFor, current.reservedFor)) return;
    const { verb } = request;
    const refusal = await refusalOf(request, { verb, subresource: 'binding', namespace: '', name: '' });
    if (refusal === undefined) return;
    const needs = `requires resource="resourceclaims/binding", verb="${verb}" permission`;
    errors.forbidden(
      path('status', 'allocation'),
      `changing status.allocation or status.reservedFor ${needs}: ${refusal}`,
    );
  }

  async function judgeDevices(
    request: AdmissionRequest,
    next: ResourceClaimStatus,
    current: ResourceClaimStatus,
    errors: FieldErrors,
  ): Promise<void> {
    const isNear = isOnNode(request.user, nodeOf(next.allocation));
    const prefixes = isNear ? ['associated-node:', 'arbitrary-node:'] : ['arbitrary-node:'];
    const verbs = prefixes.map((prefix) => prefix + request.verb);
    for (const driver of changedDrivers(next.devices ?? [], current.devices ?? [])) {
      let first: string | undefined;
      let mayWrite = false;
      for (const verb of verbs) {
        const right = { verb, subresource: 'driver', namespace: request.namespace, name: driver } as const;
        const refusal = await refusalOf(request, right);
        mayWrite = refusal === undefined;
        if (mayWrite) break;
        first ??= refusal;
      }
      if (mayWrite) continue;
      const needs = `requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission`;
      errors.forbidden(path('status', 'devices'), `changing status.devices ${needs}: ${first}`);
    }
  }

  return {
    name: 'ResourceClaimStatusRights',
    judge: {
      group: 'resource.k8s.io',
      async errorsOf(request) {
        const errors = new FieldErrors();
        if (request.operation !== 'UPDATE' || !isAbout(request, resourceClaimKind, 'status')) return errors;
        const next = (request.object as ResourceClaim).status ?? {};
        const current = (request.oldObject as ResourceClaim).status ?? {};
        await judgeBinding(request, next, current, errors);
        // What is no longer allocated has no devices to tell of.
        if (next.allocation) await judgeDevices(request, next, current, errors);
        return errors;
      },
    },
  };
}

const keyOf = ({ driver, pool, device, shareID = '' }: AllocatedDeviceStatus): string =>
  JSON.stringify([driver, pool, device, shareID]);

/** Drivers of devices that came, went or changed, by name. */
function changedDrivers(next: readonly AllocatedDeviceStatus[], current: readonly AllocatedDeviceStatus[]): string[] {
  const before = new Map(current.map((device) => [keyOf(device), device]));
  const changed = new Set<string>();
  for (const device of next) {
    const key = keyOf(device);
    if (!before.has(key) || !isEqual(before.get(key), device)) changed.add(device.driver);
    before.delete(key);
  }
  for (const { driver } of before.values()) changed.add(driver);
  return [...changed].sort();
}

/** The one node of an allocation that is good there alone. */
function nodeOf(allocation: AllocationResult | undefined): string | undefined {
  const terms = allocation?.nodeSelector?.nodeSelectorTerms;
  if (terms?.length !== 1) return undefined;
  const { matchExpressions = [], matchFields = [] } = terms[0]!;
  if (matchExpressions.length > 0 || matchFields.length !== 1) return undefined;
  const { key, operator, values = [] } = matchFields[0]!;
  return key === 'metadata.name' && operator === 'In' && values.length === 1 ? values[0] : undefined;
}

/** Whether it is a service account whose token says that it is used on that node. */
function isOnNode({ username, extra }: UserInfo, node: string | undefined): boolean {
  if (!node || !splitServiceAccount(username)) return false;
  const names = extra?.['authentication.kubernetes.io/node-name'];
  return names?.length === 1 && names[0] === node && dns1123SubdomainProblems(node).length === 0;
}
