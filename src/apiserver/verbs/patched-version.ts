// A patch may change what its object says it is.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { StatusError } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { isObject, type JsonObject } from '../../schema/patch-error.ts';
import type { Call } from './call.ts';
import { goPackage } from './go-names.ts';
import { unreadable } from './patch-kinds.ts';
import { nameless } from './update.ts';

/** What a patch has made says a kind that nobody knows: upstream looks no further. @throws StatusError */
export function refuseUnknownKind(call: Call, patched: unknown, quote: () => string): void {
  const { resource, server } = call;
  if (resource.custom || !isObject(patched)) return;
  const { kind = resource.kind, apiVersion } = patched;
  if (apiVersion === undefined || apiVersion === null || apiVersion === '') throw withoutVersion(call, patched);
  if (typeof kind !== 'string' || typeof apiVersion !== 'string' || !kind || !apiVersion) return;
  if (kind === resource.kind && apiVersion === apiVersionOf(resource)) return;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  if (!server.registry.table.findKind(group, version, kind)) throw unreadable(quote(), unregistered(kind, apiVersion));
}

/** Upstream reads it as its own form of the kind, which has none of these fields, not even a name. */
function withoutVersion({ info, query, warn }: Call, patched: JsonObject): StatusError {
  const isWarned = !['Ignore', 'Strict'].includes(query.get('fieldValidation') ?? '');
  const fields = Object.keys(patched).filter((key) => key !== 'kind' && key !== 'apiVersion');
  for (const field of isWarned ? fields.sort() : []) warn(`unknown field ${JSON.stringify(field)}`);
  return nameless(info.name);
}

const unregistered = (kind: string, apiVersion: string): string =>
  `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;

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
      : unregistered(kind, apiVersion),
  );
}

/** Upstream's answer to a resourceVersion that is no number, in patches alone. */
function refuseVersionText({ metadata }: KubernetesObject): void {
  const { resourceVersion = '' } = metadata;
  // That it has lost its name is told before.
  if (/^\d*$/.test(resourceVersion) || !metadata.name) return;
  const message = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
  throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}
