// Admission for what a handler does without writing the object in its path: tokens, evictions, connections.
import type { AdmissionRequest } from '../admission/plugin.ts';
import { runMutating, runValidating } from '../verbs/admit.ts';
import type { Call } from '../verbs/call.ts';
import { optionsOfQuery } from '../verbs/operation-options.ts';
import type { HandledAdmission } from './handler.ts';

/** Plugins that fill in, then plugins that refuse. @throws StatusError */
export async function admitHandled(call: Call, asked: HandledAdmission): Promise<void> {
  const { operation, object, kind, name } = asked;
  const { server, resource, info, user, query, signal } = call;
  const isDryRun = query.getAll('dryRun').includes('All');
  const request: AdmissionRequest = {
    operation,
    resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: name ?? info.name,
    object,
    kind,
    user,
    verb: info.verb,
    isDryRun: operation === 'CREATE' && isDryRun,
    signal,
    rounds: { isSecond: false, wantsSecond: false, notes: new Map() },
    warn: (text) => call.warn(text),
    annotate: call.annotate ?? (() => {}),
    ...(operation === 'CREATE' ? { options: () => optionsOfQuery(query, operation) } : {}),
  };
  await runMutating(server, request);
  asked.complete?.();
  await runValidating(server, request);
}
