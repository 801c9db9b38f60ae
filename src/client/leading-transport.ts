// For who may act only while it leads: reads go through, writes do not once the lease may be lost.
import type { Transport } from './transport.ts';

/** Thrown instead of writing. */
export class NotLeadingError extends Error {
  constructor() {
    super('the lease was lost: another instance may act');
  }
}

export function leadingTransport(transport: Transport, isHeld: () => boolean): Transport {
  return {
    request(request) {
      if (request.method !== 'GET' && !isHeld()) return Promise.reject(new NotLeadingError());
      return transport.request(request);
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
