import { certificateSigningRequestKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import { rfc3339 } from '../base/clock.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { hasCondition, parseRequest } from './certificates/certificate-request.ts';
import { type Authority, issue } from './certificates/issue.ts';
import { signerRules } from './certificates/signer-rules.ts';

/** Signs what is approved and asks one of the four built-in signers; says so when their rules forbid it. */
export function certificateSigningController(authority: Authority, longestSeconds?: number): ControllerDefinition {
  return {
    name: 'certificatesigningrequest-signing',
    setup({ client, informers, clock }, queue) {
      const requests = informers.informer(certificateSigningRequestKind);
      requests.onChange({ added: (each) => queue.add(keyOf(each)), updated: (each) => queue.add(keyOf(each)) });
      return {
        name: 'certificatesigningrequest-signing',
        async reconcile(key) {
          const current = requests.find(key);
          const rule = signerRules[current?.spec.signerName ?? ''];
          if (!current || !rule || current.status?.certificate) return;
          if (!hasCondition(current, 'Approved') || hasCondition(current, 'Denied')) return;
          if (hasCondition(current, 'Failed')) return;
          const { usages: asked, expirationSeconds } = current.spec;
          const usages: readonly string[] = asked ?? [];
          const request = await parseRequest(current);
          const problem = rule(request, usages);
          const status = { ...current.status };
          if (problem === undefined) {
            const pem = await issue(request, authority, {
              usages,
              expirationSeconds,
              longestSeconds,
              nowMs: clock.now(),
            });
            status.certificate = Buffer.from(pem).toString('base64');
          } else {
            const condition = {
              type: 'Failed',
              status: 'True',
              reason: 'SignerValidationFailure',
              message: problem,
              lastUpdateTime: rfc3339(clock.now()),
            };
            status.conditions = [...(status.conditions ?? []), condition];
          }
          await client
            .resource(certificateSigningRequestKind)
            .update({ ...current, status }, { subresource: 'status' });
        },
      };
    },
  };
}
