import type { WriteCall } from './admit.ts';
import type { Call } from './call.ts';

/** A request's write, with the name it is about (absent for creations). */
export function writeCall(call: Call, isDryRun: boolean): WriteCall {
  return {
    server: call.server,
    resource: call.resource,
    subresource: call.info.subresource,
    namespace: call.info.namespace,
    name: call.info.name,
    user: call.user,
    isDryRun,
    signal: call.signal,
    warn: call.warn,
  };
}

/** Namespaces carry their own name as the request's namespace; as objects they have none. */
export function placeOf(call: Call): { namespace: string; name: string } {
  return { namespace: call.resource.namespaced ? call.info.namespace : '', name: call.info.name };
}
