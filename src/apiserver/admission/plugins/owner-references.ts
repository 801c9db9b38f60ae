// Who sets blockOwnerDeletion holds up the deletion of another object, and so must be allowed to write its finalizers.
// Off by default, as upstream; `hardened` turns it on.
import type { OwnerReference } from '../../../../generated/meta-v1.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';

/** `pluralOf` finds the resource of an owner's kind. */
export function ownerReferencesPermission(
  authorizer: Authorizer,
  pluralOf: (apiVersion: string, kind: string) => { plural: string; namespaced: boolean } | undefined,
): AdmissionPlugin {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    async validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      for (const owner of newlyBlocking(request)) {
        const resource = pluralOf(owner.apiVersion, owner.kind);
        if (!resource || !(await mayFinalize(request, owner, resource))) {
          throw refuse(
            request,
            `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: `,
          );
        }
      }
    },
  };

  async function mayFinalize(
    request: AdmissionRequest,
    owner: OwnerReference,
    resource: { plural: string; namespaced: boolean },
  ): Promise<boolean> {
    const [group, version] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : ['', owner.apiVersion];
    const { verdict } = await authorizer.authorize({
      user: request.user,
      verb: 'update',
      isResource: true,
      group: group!,
      version: version!,
      resource: resource.plural,
      subresource: 'finalizers',
      namespace: resource.namespaced ? request.namespace : '',
      name: owner.name,
      path: '',
    });
    return verdict === 'allow';
  }
}

function newlyBlocking({ object, oldObject }: AdmissionRequest): OwnerReference[] {
  const before = new Set(
    (oldObject?.metadata.ownerReferences ?? []).filter((owner) => owner.blockOwnerDeletion).map(({ uid }) => uid),
  );
  return (object?.metadata.ownerReferences ?? []).filter(
    ({ blockOwnerDeletion, uid }) => blockOwnerDeletion && !before.has(uid),
  );
}
