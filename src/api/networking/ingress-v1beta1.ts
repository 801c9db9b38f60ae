// The Ingress of 2015 to 2021: backends were `serviceName` and `servicePort`, and paths needed no type.
import type { Ingress, IngressBackend } from '../../../generated/networking-v1.ts';
import type { OtherVersion } from '../kind.ts';
import type { KubernetesObject } from '../meta/object.ts';

type Old = any;

function backendToStorage({ serviceName, servicePort, ...rest }: Old): IngressBackend {
  if (serviceName === undefined && servicePort === undefined) return rest;
  const isNumber = typeof servicePort === 'number';
  const port = servicePort ? { [isNumber ? 'number' : 'name']: servicePort } : {};
  return { ...rest, service: { name: serviceName ?? '', port } };
}

function backendFromStorage({ service, ...rest }: IngressBackend): Old {
  if (!service) return rest;
  return { ...rest, serviceName: service.name, servicePort: service.port?.name ?? service.port?.number ?? 0 };
}

function mapPaths(rules: Old[] | undefined, change: (backend: Old) => Old, defaults: object): { rules?: Old[] } {
  if (!rules) return {};
  const changePath = (path: Old) => ({ ...defaults, ...path, backend: change(path.backend ?? {}) });
  return {
    rules: rules.map((rule) =>
      rule.http ? { ...rule, http: { ...rule.http, paths: (rule.http.paths ?? []).map(changePath) } } : rule,
    ),
  };
}

export function ingressV1beta1(group: string): OtherVersion<Ingress> {
  return {
    group,
    version: 'v1beta1',
    toStorage(object: KubernetesObject) {
      const { spec: { backend, rules, ...spec } = {}, ...rest } = object as Old;
      return {
        ...rest,
        spec: {
          ...spec,
          ...(backend ? { defaultBackend: backendToStorage(backend) } : {}),
          ...mapPaths(rules, backendToStorage, { pathType: 'ImplementationSpecific' }),
        },
      };
    },
    fromStorage(object) {
      const { spec: { defaultBackend, rules, ...spec } = {}, ...rest } = object as Old;
      return {
        ...rest,
        spec: {
          ...spec,
          ...(defaultBackend ? { backend: backendFromStorage(defaultBackend) } : {}),
          ...mapPaths(rules, backendFromStorage, {}),
        },
      };
    },
  };
}
