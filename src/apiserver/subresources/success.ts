import { type ObjectAnswer, statusAnswer } from '../http/answer.ts';

/** 201 with a `Success`: bindings and evictions answer so. */
export function created(): ObjectAnswer {
  return statusAnswer(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}
