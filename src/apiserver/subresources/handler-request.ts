// What a handler is given, made from a call.

import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, internalError } from '../../api/meta/status-error.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { trackCreate } from '../managed-fields/track-update.ts';
import type { WriteCall } from '../verbs/admit.ts';
import type { Call, ServerParts } from '../verbs/call.ts';
import { createObject } from '../verbs/create-object.ts';
import { decodeBody } from '../verbs/decode-body.ts';
import { deleteObject } from '../verbs/delete-object.ts';
import { trackedWrite } from '../verbs/field-tracking.ts';
import { entryOf } from '../verbs/get.ts';
import { writeOptions } from '../verbs/options.ts';
import { updateObject } from '../verbs/update-object.ts';
import type { ObjectWriter, SubresourceRequest, WriteContext } from './handler.ts';
import { admitHandled } from './run-admission.ts';

function writeCallOf(
  server: ServerParts,
  resource: Call['resource'],
  namespace: string,
  name: string,
  context: WriteContext,
): WriteCall {
  return {
    server,
    resource,
    namespace,
    name,
    subresource: context.subresource ?? '',
    user: context.user,
    isDryRun: context.isDryRun,
    skipsAdmission: context.skipsAdmission ?? false,
    skipsValidation: context.skipsValidation ?? false,
    warn: context.warn ?? (() => {}),
  };
}

/** Writes of handlers and of the server itself. */
export function objectWriter(server: ServerParts): ObjectWriter {
  return {
    async get(resource, namespace, name) {
      await server.registry.headOf(resource).waitForHead();
      return entryOf({ server, resource, info: { namespace, name } } as Call).object;
    },
    async create(resource, namespace, object, context) {
      return (await createObject(writeCallOf(server, resource, namespace, '', context), object)).object;
    },
    async update(resource, namespace, name, change, context) {
      const updated = await updateObject(writeCallOf(server, resource, namespace, name, context), {
        mayRetry: true,
        uidPrecondition: context.uidPrecondition,
        change(current) {
          const next = change(copyJson(current!));
          // The version read is the version replaced, unless the handler asks for a certain one.
          delete next.metadata.resourceVersion;
          if (context.resourceVersionPrecondition) next.metadata.resourceVersion = context.resourceVersionPrecondition;
          return next;
        },
      });
      return updated.entry.object;
    },
    async delete(resource, namespace, name, options, context) {
      return (await deleteObject(writeCallOf(server, resource, namespace, name, context), options)).entry.object;
    },
  };
}

/** What identifies what is asked about, rather than what is made. */
const keepsIdentity: ReadonlySet<string> = new Set(['binding', 'token']);

/** As all that is created: in the namespace of the path, and without what only the server says. @throws StatusError 400 */
function settle({ metadata }: KubernetesObject, { namespace, subresource }: Call['info']): void {
  if (!metadata) return;
  if (!keepsIdentity.has(subresource)) {
    delete metadata.uid;
    delete metadata.selfLink;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    if (metadata.creationTimestamp) metadata.creationTimestamp = null as never;
  }
  if (!namespace) delete metadata.namespace;
  else if (!metadata.namespace) metadata.namespace = namespace;
  else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

export function handlerRequest(call: Call): SubresourceRequest {
  const { server, http, info, query, user, resource, signal, warn } = call;
  const { table } = server.registry;
  return {
    http,
    info,
    query,
    user,
    resource,
    signal,
    warn,
    isDryRun: query.getAll('dryRun').includes('All'),
    objects: server.registry,
    writer: objectWriter(server),
    clock: server.clock,
    random: server.random,
    log: server.log,
    resourceFor(group, plural) {
      const found = table.stored(group, plural);
      if (!found) throw internalError(`no resource ${plural} in group ${group}`);
      return found;
    },
    async decode(expected, alternatives = new Map()) {
      const options = writeOptions(query, 'CreateOptions');
      const { fieldValidation } = options;
      const object = await decodeBody(http, { expected, alternatives, fieldValidation, table, warn });
      settle(object, info);
      // Reviews are created like everything else, though they are never stored.
      if (expected.typeName === resource.typeName) trackCreate(trackedWrite(call, options), object);
      call.noted?.requestObject(object);
      return object;
    },
    track(object, kind) {
      const { storage } = resource;
      const tracked = { ...resource, ...kind, storage: { ...storage, version: kind.version, group: kind.group } };
      trackCreate(trackedWrite(call, writeOptions(query, 'CreateOptions'), tracked), object);
    },
    admit: (asked) => admitHandled(call, asked),
  };
}
