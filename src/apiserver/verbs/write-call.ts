import { Slices } from '../../base/turns.ts';
import type { WriteCall } from './admit.ts';
import type { Call } from './call.ts';
import { optionsOfQuery } from './operation-options.ts';

/** A request's write, with the name it is about (absent for creations). */
export function writeCall(call: Call, isDryRun: boolean): WriteCall {
  return {
    server: call.server,
    resource: call.resource,
    subresource: call.info.subresource,
    // The path of a namespace names it as the request's namespace, too; as an object it is in none.
    namespace: call.resource.namespaced ? call.info.namespace : '',
    name: call.info.name,
    user: call.user,
    verb: call.info.verb,
    isDryRun,
    signal: call.signal,
    options: (operation) => optionsOfQuery(call.query, operation),
    warn: call.warn,
    slices: new Slices(() => call.server.clock.monotonicMs()),
    ...(call.annotate ? { annotate: call.annotate } : {}),
  };
}
