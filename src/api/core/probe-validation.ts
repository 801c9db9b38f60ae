// Probes and lifecycle hooks.
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import type { IntOrString } from '../meta/int-or-string.ts';
import { headerNameProblems, portNameProblems, portNumberProblems } from '../meta/names.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { requireSupported } from '../meta/supported.ts';
import { required } from '../meta/value-validation.ts';

interface Handlers extends LifecycleHandler {
  grpc?: { port: number };
}

export function validateLivenessOrStartupProbe(
  probe: Probe | undefined,
  graceSeconds: number | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!probe) return;
  validateProbe(probe, graceSeconds, at, errors);
  if (probe.successThreshold !== 1) errors.invalid(at.child('successThreshold'), probe.successThreshold, 'must be 1');
}

export function validateReadinessProbe(
  probe: Probe | undefined,
  graceSeconds: number | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!probe) return;
  validateProbe(probe, graceSeconds, at, errors);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined) {
    errors.invalid(at.child('terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes');
  }
}

const counts = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: Probe, graceSeconds: number | undefined, at: FieldPath, errors: FieldErrors): void {
  validateHandler(probe, graceSeconds, at, errors);
  for (const name of counts) nonNegative(probe[name], at.child(name), errors);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.invalid(at.child('terminationGracePeriodSeconds'), grace, 'must be greater than 0');
  }
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  graceSeconds: number | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (lifecycle?.postStart) validateHandler(lifecycle.postStart, graceSeconds, at.child('postStart'), errors);
  if (lifecycle?.preStop) validateHandler(lifecycle.preStop, graceSeconds, at.child('preStop'), errors);
}

function validateHandler(
  handlers: Handlers,
  graceSeconds: number | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handlers;
  let isFirst = true;
  const once = (value: unknown, name: string, check: (place: FieldPath) => void): void => {
    if (!value) return;
    if (isFirst) check(at.child(name));
    else errors.forbidden(at.child(name), 'may not specify more than 1 handler type');
    isFirst = false;
  };
  once(exec, 'exec', (place) => required(exec!.command, place.child('command'), errors));
  once(httpGet, 'httpGet', (place) => validateHttpGet(httpGet!, place, errors));
  once(tcpSocket, 'tcpSocket', (place) => validatePort(tcpSocket!.port, place.child('port'), errors));
  once(grpc, 'grpc', (place) => validatePort(grpc!.port, place.child('port'), errors));
  once(sleep, 'sleep', (place) => {
    const { seconds } = sleep!;
    if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return;
    errors.invalid(
      place,
      seconds,
      `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
    );
  });
  if (isFirst) errors.required(at, 'must specify a handler type');
}

function validateHttpGet({ path, port, scheme, httpHeaders }: HTTPGetAction, at: FieldPath, errors: FieldErrors): void {
  required(path, at.child('path'), errors);
  validatePort(port, at.child('port'), errors);
  requireSupported(errors, at.child('scheme'), scheme, ['HTTP', 'HTTPS']);
  for (const { name } of httpHeaders ?? []) {
    for (const problem of headerNameProblems(name)) errors.invalid(at.child('httpHeaders'), name, problem);
  }
}

/** A port by number or by name. */
export function validatePort(port: IntOrString, at: FieldPath, errors: FieldErrors): void {
  const problems = typeof port === 'number' ? portNumberProblems(port) : portNameProblems(port);
  for (const problem of problems) errors.invalid(at, port, problem);
}
