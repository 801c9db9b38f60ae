// The variables that the API server declares for admission, with upstream's types.
import { libraryType } from './overloads.ts';
import {
  boolType,
  type CelType,
  dynType,
  intType,
  listType,
  mapType,
  objectType,
  stringType,
  timestampType,
} from './types.ts';

export const authorizerType = libraryType('kubernetes.authorization.Authorizer');
export const resourceCheckType = libraryType('kubernetes.authorization.ResourceCheck');

const text = stringType;
const texts = listType(stringType);
const kindType = objectType('kubernetes.GroupVersionKind', { group: text, version: text, kind: text });
const resourceType = objectType('kubernetes.GroupVersionResource', { group: text, version: text, resource: text });
const userType = objectType('kubernetes.UserInfo', {
  username: text,
  uid: text,
  groups: texts,
  extra: mapType(text, texts),
});

/** `request` of admission. */
export const requestType: CelType = objectType('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: text,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: text,
  name: text,
  namespace: text,
  operation: text,
  userInfo: userType,
  dryRun: boolType,
  options: dynType,
});

const condition = objectType('kubernetes.NamespaceCondition', {
  status: text,
  type: text,
  lastTransitionTime: timestampType,
  message: text,
  reason: text,
});

/** `namespaceObject` of admission. */
export const namespaceType: CelType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: text,
    generateName: text,
    namespace: text,
    labels: mapType(text, text),
    annotations: mapType(text, text),
    UID: text,
    creationTimestamp: timestampType,
    deletionGracePeriodSeconds: intType,
    deletionTimestamp: timestampType,
    generation: intType,
    resourceVersion: text,
    finalizers: texts,
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: texts }),
  status: objectType('kubernetes.NamespaceStatus', { conditions: listType(condition), phase: text }),
});

/** The variables of admission expressions: policies, and match conditions of webhooks. */
export const admissionVariables = (has: { params?: boolean; authorizer?: boolean }): Record<string, CelType> => ({
  object: dynType,
  oldObject: dynType,
  namespaceObject: namespaceType,
  request: requestType,
  ...(has.params ? { params: dynType } : {}),
  ...(has.authorizer ? { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType } : {}),
});

const bounded = (type: CelType, maxElements: number): CelType => ({ ...type, maxElements });
const deviceId = bounded(stringType, 32);
const deviceDomain = bounded(stringType, 63);
const maxProperties = 32;
/** What an attribute is, is not known before there is a device. */
const attribute: CelType = { ...dynType, name: 'any', maxElements: 64 };
const byDomain = (value: CelType) => mapType(deviceDomain, mapType(deviceId, value, maxProperties), maxProperties);

/** `device` of selectors. */
export const deviceType: CelType = objectType('kubernetes.DRADevice', {
  driver: bounded(stringType, 63),
  attributes: byDomain(attribute),
  capacity: byDomain(libraryType('kubernetes.Quantity')),
  allowMultipleAllocations: bounded(boolType, 1),
});
