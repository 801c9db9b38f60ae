// A patch may change what its object says it is.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { StatusError } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Call } from './call.ts';
import { goPackage } from './go-names.ts';
import { unreadable } from './patch-kinds.ts';

/** Another version of the same resource is read as such, with its defaults. @throws StatusError for another kind */
export function versionOfPatched({ resource, server }: Call, object: KubernetesObject): ResourceInfo {
  refuseVersionText(object);
  const { kind = resource.kind, apiVersion = apiVersionOf(resource) } = object;
  if (kind === resource.kind && apiVersion === apiVersionOf(resource)) return resource;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const found = server.registry.table.findKind(group, version, kind);
  const { storage } = resource;
  if (found && found.storage.plural === storage.plural && found.storage.group === storage.group) return found;
  throw unreadable(
    JSON.stringify(object),
    found
      ? `converting (${version}.${kind}) to (${goPackage(resource.group)}.${resource.kind}): unknown conversion`
      : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
  );
}

/** Upstream's answer to a resourceVersion that is no number, in patches alone. */
function refuseVersionText({ metadata }: KubernetesObject): void {
  const { resourceVersion = '' } = metadata;
  if (/^\d*$/.test(resourceVersion)) return;
  const message = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
  throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}
