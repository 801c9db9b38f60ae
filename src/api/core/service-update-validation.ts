// What may change in a Service.
import type { Service } from '../../../generated/core-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { validateServiceIpUpdate } from './service-ip-validation.ts';
import { validateBalancerClass } from './service-validation.ts';

export function validateServiceUpdate(next: Service, current: Service, errors: FieldErrors): void {
  validateServiceIpUpdate(next, current, errors);
  const before = current.spec?.loadBalancerClass;
  const after = next.spec?.loadBalancerClass;
  if (current.spec?.type === 'LoadBalancer' && next.spec?.type === 'LoadBalancer' && before !== after) {
    errors.invalid(path('spec', 'loadBalancerClass'), after ?? null, 'may not change once set');
  }
  validateBalancerClass(next.spec ?? {}, errors);
}
