// Which of the runtime's handlers a RuntimeClass stands for.
import { runtimeClassKind } from '../../../generated/kinds.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';

/** Looks it up by the class's name. @throws when there is no such class, or nobody can be asked and nobody ever was */
export function createHandlerLookup(client: Client): (runtimeClass: string) => Promise<string> {
  /** A class keeps its handler for life, so that pods can start anew while the API server is away. */
  const known = new Map<string, string>();
  return async (name) => {
    try {
      const { handler } = await client.resource(runtimeClassKind).get({ namespace: '', name });
      known.set(name, handler);
      return handler;
    } catch (error) {
      const before = known.get(name);
      if (isNotFound(error) || before === undefined) throw error;
      return before;
    }
  };
}
