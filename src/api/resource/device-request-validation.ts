// What claims ask for.
import type {
  DeviceClaim,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
} from '../../../generated/resource-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateSelectors } from './device-selector.ts';

const maxRequests = 32;
const maxSubRequests = 8;

type Ask = ExactDeviceRequest | DeviceSubRequest;

function defaultAsk(ask: Ask): void {
  ask.allocationMode ??= 'ExactCount';
  if (ask.allocationMode === 'ExactCount') ask.count ||= 1;
}

export function defaultDevices(devices: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of devices?.requests ?? []) {
    if (exactly) defaultAsk(exactly);
    for (const ask of firstAvailable ?? []) defaultAsk(ask);
  }
}

function validateAsk(ask: Ask, at: FieldPath, errors: FieldErrors): void {
  const { deviceClassName, allocationMode, count, selectors } = ask;
  if (required(deviceClassName, at.child('deviceClassName'), errors)) {
    validateBy(dns1123SubdomainProblems, deviceClassName, at.child('deviceClassName'), errors);
  }
  validateSelectors(selectors, at.child('selectors'), errors);
  checkSupported(errors, at.child('allocationMode'), allocationMode, ['All', 'ExactCount']);
  if (allocationMode === 'All' && count) {
    errors.invalid(at.child('count'), count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount' && (count ?? 0) <= 0) {
    errors.invalid(at.child('count'), count ?? 0, 'must be greater than zero');
  }
}

function validateRequest({ name, exactly, firstAvailable }: DeviceRequest, at: FieldPath, errors: FieldErrors): void {
  validateBy(dns1123LabelProblems, name, at.child('name'), errors);
  const choice = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable?.length) errors.invalid(at, null, `${choice}, but multiple fields are set`);
  else if (exactly) validateAsk(exactly, at.child('exactly'), errors);
  else if (!firstAvailable?.length) errors.required(at, choice);
  else if (firstAvailable.length > maxSubRequests) {
    errors.tooMany(at.child('firstAvailable'), firstAvailable.length, maxSubRequests);
  } else {
    firstAvailable.forEach((ask, index) => {
      const place = at.child('firstAvailable').index(index);
      validateBy(dns1123LabelProblems, ask.name, place.child('name'), errors);
      validateAsk(ask, place, errors);
    });
  }
}

interface Configuration {
  readonly opaque?: { readonly driver: string; readonly parameters?: unknown };
}

/** Parameters for one driver. */
export function validateConfiguration({ opaque }: Configuration, at: FieldPath, errors: FieldErrors): void {
  if (!required(opaque, at.child('opaque'), errors)) return;
  const place = at.child('opaque');
  if (required(opaque!.driver, place.child('driver'), errors)) {
    validateBy(dns1123SubdomainProblems, opaque!.driver, place.child('driver'), errors);
  }
  required(opaque!.parameters, place.child('parameters'), errors);
}

export function validateDevices(devices: DeviceClaim | undefined, at: FieldPath, errors: FieldErrors): void {
  const requests = devices?.requests ?? [];
  if (requests.length > maxRequests) errors.tooMany(at.child('requests'), requests.length, maxRequests);
  const names = new Set<string>();
  requests.forEach((request, index) => {
    const place = at.child('requests').index(index);
    if (request.name && names.has(request.name)) errors.duplicate(place, request.name);
    names.add(request.name);
    for (const { name } of request.firstAvailable ?? []) names.add(`${request.name}/${name}`);
    validateRequest(request, place, errors);
  });
  const validateNames = (listed: readonly string[], place: FieldPath) => {
    listed.forEach((name, index) => {
      if (names.has(name)) return;
      const problem =
        "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
      errors.invalid(place.index(index), name, problem);
    });
  };
  devices?.constraints?.forEach((constraint, index) => {
    validateNames(constraint.requests ?? [], at.child('constraints').index(index).child('requests'));
  });
  devices?.config?.forEach((config, index) => {
    const place = at.child('config').index(index);
    validateNames(config.requests ?? [], place.child('requests'));
    validateConfiguration(config, place, errors);
  });
}
